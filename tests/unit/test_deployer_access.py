"""F32: who may ask what, how often, how much and for how long; and what a browser may do with an answer."""

import hmac
import re
from collections.abc import AsyncIterator

import anyio
import httpx
import pytest

from asking import MemoryTokens, asked, wish
from shipways.deployer import limits
from shipways.deployer.models import DeployRequest
from shipways.deployer.shown import wanted
from shipways.deployer.tokens import Keys, digest_of, new, parsed

GET = [
    "/deploy",
    "/deploy/1",
    "/deploy/history/pulse",
    "/deploy/1/events",
    "/services",
    "/metrics",
    "/nowhere",
    "/docs",
]
POST = ["/deploy", "/deploy/1/rollback", "/deploy/1/cancel", "/livez-", "/ui"]


@pytest.mark.parametrize("word", [None, "", "Bearer", "Bearer x", "Basic YW5uOng=", "Bearer \xff", "bearer  "])
def test_unauthenticated(word: str | None) -> None:
    """F32: without a token that is known nothing is told, not even what there is; no body is looked at for that."""
    here = asked()

    async def act(http: httpx.AsyncClient) -> None:
        headers = {} if word is None else {"authorization": word.encode("latin-1")}
        for path in GET:
            answer = await http.get(path, headers=headers)  # type: ignore[arg-type]
            assert (401, True) == (answer.status_code, answer.headers["www-authenticate"].startswith("Bearer")), path
        for path in POST:
            answer = await http.post(path, headers=headers, content=b"{")  # type: ignore[arg-type]
            assert 401 == answer.status_code, path
        assert [] == list(await here.desk.jobs())

    here.play(act, who="nobody")


def test_open() -> None:
    """What says that the deployer lives, and what it can do, needs no token."""

    async def act(http: httpx.AsyncClient) -> None:
        for path in ("/livez", "/readyz", "/health", "/capabilities", "/openapi.json"):
            assert 200 == (await http.get(path)).status_code, path

    asked().play(act, who="nobody")


def test_scopes() -> None:
    """A token that may only read deploys nothing, ends nothing and holds nothing; it is told which scope it lacks."""
    here = asked()

    async def act(http: httpx.AsyncClient) -> None:
        job = await here.desk.submit(wanted(DeployRequest.model_validate(wish())), by="ann")
        for method, path, body in (
            ("POST", "/deploy", wish()),
            ("POST", f"/deploy/{job.id}/cancel", None),
            ("POST", f"/deploy/{job.id}/rollback", None),
            ("PUT", "/services/pulse/hold", {"reason": "x"}),
            ("DELETE", "/services/pulse/hold", None),
        ):
            answer = await http.request(method, path, json=body)
            assert (403, True) == (answer.status_code, "scope" in answer.json()["detail"]), path
        for path in ("/deploy", f"/deploy/{job.id}", "/services", "/metrics"):
            assert 200 == (await http.get(path)).status_code, path
        assert 1 == len(await here.desk.jobs())

    here.play(act, who="rob")


def test_tokens_change() -> None:
    """A token that is taken out of the file is nobody's at once, and a new one is valid; a bad line lets nobody in."""
    here = asked()

    async def act(http: httpx.AsyncClient) -> None:
        token, word = new("eve", ["read"])
        before = here.tokens.now
        for text, ann, eve in (
            (before, 200, 401),
            (f"{before}nonsense\n{token}\n", 200, 200),
            (f"{token}\n", 401, 200),
            (f"# {token}\n", 401, 401),
            ("", 401, 401),
        ):
            here.tokens.now = text
            assert ann == (await http.get("/services")).status_code
            assert eve == (await http.get("/services", headers={"authorization": f"Bearer {word}"})).status_code

    here.play(act)


def test_digest_alone() -> None:
    """What is kept of a token does not let anybody in, and has no word of it; no two are the same."""
    token, word = new("eve", ["read"])
    assert word not in str(token)
    assert re.fullmatch(r"eve read [0-9a-f]{64}", str(token))
    assert (token,) == parsed(str(token))[0]
    assert word != new("eve", ["read"])[1]
    assert 43 <= len(word.removeprefix("shipways-"))


def test_constant_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """A token is compared with every one by its digest, in a time that tells nothing, also after it was found."""
    compared, compare = [], hmac.compare_digest

    def recorded(one: str, other: str) -> bool:
        compared.append((one, other))
        return compare(one, other)

    monkeypatch.setattr(hmac, "compare_digest", recorded)
    made = [new(name, ["read"]) for name in ("ann", "bob", "cyd")]
    keys = Keys(MemoryTokens("".join(f"{token}\n" for token, _ in made)))
    for word, holder in (*((word, token) for token, word in made), ("shipways-x", None)):
        compared.clear()
        assert holder == keys.holder(word)
        assert [(token.digest, digest_of(word)) for token, _ in made] == compared


@pytest.mark.parametrize(
    "line",
    ["eve", "eve read", "eve read x", "eve write {}", "eve  {}", "Eve read {}", "loopback read {}", "a,b read {}"],
)
def test_bad_line(line: str) -> None:
    """What is wrong with a line is told with its number; so is a name that is there twice."""
    good = f"ann read {'0' * 64}"
    found, problems = parsed(f"{good}\n{line.format('0' * 64)}\n{good}\n")
    assert (["ann"], ["line 2", "line 3"]) == ([token.name for token in found], [each.path for each in problems])


def test_loopback() -> None:
    """This machine needs no token where it is said so: by its own names, and not through a proxy."""
    here = asked(loopback=True)

    async def run() -> None:
        for address, headers, status in (
            ("127.0.0.1", {}, 200),
            ("::1", {"host": "[::1]:8007"}, 200),
            ("127.0.0.1", {"host": "localhost:8007"}, 200),
            ("127.0.0.1", {"host": "evil.example"}, 401),
            ("127.0.0.1", {"host": "127.0.0.1.evil.example"}, 401),
            ("127.0.0.1", {"host": "["}, 401),
            ("127.0.0.1", {"host": "[x]:8007"}, 401),
            ("127.0.0.1", {"x-forwarded-for": "203.0.113.5"}, 401),
            ("127.0.0.1", {"forwarded": "for=203.0.113.5"}, 401),
            ("127.0.0.1", {"authorization": "Bearer x"}, 401),
            ("192.0.2.7", {}, 401),
        ):
            async with here.client("nobody", address) as http:
                assert status == (await http.get("/services", headers=headers)).status_code, (address, headers)

    anyio.run(run)


def test_no_loopback() -> None:
    """Without that key this machine needs one like everybody."""
    here = asked()

    async def run() -> None:
        async with here.client("nobody", "127.0.0.1") as http:
            assert 401 == (await http.get("/services")).status_code

    anyio.run(run)


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({}, 202),
        ({"origin": "http://127.0.0.1:8007", "sec-fetch-site": "same-origin"}, 202),
        ({"origin": "https://evil.example"}, 403),
        ({"origin": "null"}, 403),
        ({"origin": ""}, 403),
        ({"origin": "http://["}, 403),
        ({"origin": "http://[x]/"}, 403),
        ({"origin": "http://127.0.0.1:8008"}, 403),
        ({"sec-fetch-site": "cross-site"}, 403),
        ({"sec-fetch-site": "same-site"}, 403),
    ],
)
def test_other_page(headers: dict[str, str], status: int) -> None:
    """A page of somebody else that is open on this machine cannot deploy; what is no browser can."""
    here = asked(loopback=True)

    async def run() -> None:
        async with here.client("nobody", "127.0.0.1") as http:
            assert status == (await http.post("/deploy", json=wish(), headers=headers)).status_code
            assert (1 if status == 202 else 0) == len(await here.desk.jobs())

    anyio.run(run)


def test_flood() -> None:
    """F32: who asks more often than allowed is told when to ask again, and is let in then; others are not held up."""
    here = asked(rate=60)

    async def act(http: httpx.AsyncClient) -> None:
        codes = [(await http.get("/services")).status_code for _ in range(70)]
        assert [200] * 60 + [429] * 10 == codes
        refused = await http.get("/services")
        assert ("1", "application/problem+json") == (refused.headers["retry-after"], refused.headers["content-type"])
        async with here.client("rob") as other:
            assert 200 == (await other.get("/services")).status_code
        here.clock.advance(2)
        assert [200, 200, 429] == [(await http.get("/services")).status_code for _ in range(3)]
        here.clock.advance(3600)
        assert 60 == [(await http.get("/services")).status_code for _ in range(70)].count(200)

    here.play(act)


def test_flood_of_guesses() -> None:
    """F32: who guesses tokens is limited by address, of IPv6 by network; each in one place, and not for ever."""
    here = asked(rate=10)

    async def run() -> None:
        for address, first in (("192.0.2.1", 401), ("192.0.2.2", 401), ("2001:db8::1", 401), ("2001:db8::2", 429)):
            async with here.client("nobody", address) as http:
                guesses = [{"authorization": f"Bearer {number}"} for number in range(11)]
                codes = [(await http.get("/services", headers=guess)).status_code for guess in guesses]
                assert (first, 429) == (codes[0], codes[-1])
        rates = limits.Rates(here.clock, 10)
        for number in range(100_000):
            rates.wait(str(number))
        assert 4096 == len(rates._left)

    anyio.run(run)


def test_huge_body() -> None:
    """F32: a body that is longer than allowed is 413, also when it does not say how long it is."""
    here = asked(body="10 kB")

    async def act(http: httpx.AsyncClient) -> None:
        async def endless() -> AsyncIterator[bytes]:
            for _ in range(100):
                yield b" " * 1000

        said = await http.post("/deploy", json=wish(environment_vars={"A": "x" * 10_000}))
        unsaid = await http.post("/deploy", content=endless(), headers={"content-type": "application/json"})
        assert (413, 413) == (said.status_code, unsaid.status_code)
        assert "application/problem+json" == said.headers["content-type"] == unsaid.headers["content-type"]
        assert 202 == (await http.post("/deploy", json=wish(environment_vars={"A": "x" * 9_000}))).status_code

    here.play(act)


def test_slow_body() -> None:
    """F32: a body that does not come in time is 408."""
    here = asked()

    async def act(http: httpx.AsyncClient) -> None:
        async def slow() -> AsyncIterator[bytes]:
            yield b"{"
            await anyio.sleep(5)
            yield b"}"

        transport = httpx.ASGITransport(limits.Bounded(here.app, 1000, 0.2))
        async with httpx.AsyncClient(transport=transport, base_url=http.base_url, headers=http.headers) as hasty:
            answer = await hasty.post("/deploy", content=slow(), headers={"content-type": "application/json"})
        assert (408, "close") == (answer.status_code, answer.headers["connection"])

    here.play(act)


@pytest.mark.parametrize("tls", [False, True])
def test_headers(tls: bool) -> None:
    """No answer may be kept, framed, sniffed or take scripts from elsewhere, errors included; with TLS only TLS."""
    here = asked(**({"certificate": "/etc/c.pem", "key": "/etc/k.pem"} if tls else {}))

    async def act(http: httpx.AsyncClient) -> None:
        for path in ("/services", "/nowhere", "/", "/deploy?limit=0", "/openapi.json"):
            headers = (await http.get(path)).headers
            assert "default-src 'none'" in headers["content-security-policy"]
            assert "unsafe" not in headers["content-security-policy"]
            assert "frame-ancestors 'none'" in headers["content-security-policy"]
            assert ("nosniff", "DENY", "no-store", "same-origin") == (
                headers["x-content-type-options"],
                headers["x-frame-options"],
                headers["cache-control"],
                headers["referrer-policy"],
            )
            assert tls is ("strict-transport-security" in headers)

    here.play(act)
