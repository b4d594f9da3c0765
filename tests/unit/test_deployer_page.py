"""The page of the deployer without a browser: what is in it, and that its forms do what they say."""

import re
from html.parser import HTMLParser

import httpx

from asking import CANARY, Asked, asked, done, wish
from shipways.deployer.models import DeployRequest
from shipways.deployer.shown import wanted

ODD = "/srv/services/<script>alert(1)</script>&\"'"


class Elements(HTMLParser):
    """The elements of a page."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Each of them."""
        self.found.append((tag, dict(attrs)))

    def of(self, *tags: str) -> list[dict[str, str | None]]:
        """Those of these kinds."""
        return [attributes for tag, attributes in self.found if tag in tags]


async def login(http: httpx.AsyncClient, here: Asked, who: str = "ann") -> None:
    """A session, without the token in a header."""
    answer = await http.post("/ui/login", data={"token": here.words[who]})
    assert (303, "/") == (answer.status_code, answer.headers["location"])
    cookie = answer.headers["set-cookie"].lower()
    assert ("httponly" in cookie, "samesite=strict" in cookie) == (True, True)
    assert here.words[who] not in cookie


async def all_pages(http: httpx.AsyncClient, job: str) -> list[httpx.Response]:
    """Each page there is."""
    paths = (
        "/",
        f"/ui/jobs/{job}",
        f"/ui/jobs/{job}/rollback",
        f"/ui/jobs/{job}/cancel",
        "/ui/services/pulse",
        "/ui/login",
    )
    return [await http.get(path) for path in paths]


def test_login() -> None:
    """Who is not known is led to the page that asks for a token; sessions end with logging out, time, or the token."""
    here = asked()

    async def act(http: httpx.AsyncClient) -> None:
        for path in ("/", "/ui/jobs/1", "/ui/services/pulse"):
            answer = await http.get(path)
            assert (303, "/ui/login") == (answer.status_code, answer.headers["location"])
        for wrong in ("", "x", CANARY, "shipways-" + "x" * 600):
            answer = await http.post("/ui/login", data={"token": wrong})
            assert answer.status_code in {400, 401}
            assert ("set-cookie" in answer.headers, CANARY in answer.text) == (False, False)
        await login(http, here)
        assert 200 == (await http.get("/")).status_code
        kept = str(http.cookies["shipways-session"])
        await http.post("/ui/logout")
        http.cookies.set("shipways-session", kept)
        assert 303 == (await http.get("/")).status_code
        http.cookies.clear()
        await login(http, here)
        here.clock.advance(13 * 3600)
        assert 303 == (await http.get("/")).status_code
        await login(http, here)
        here.tokens.now = ""
        assert 303 == (await http.get("/")).status_code

    here.play(act, who="nobody")


def test_forms_of_others() -> None:
    """A form of another site does nothing, though the browser would send the cookie."""
    here = asked()

    async def act(http: httpx.AsyncClient) -> None:
        await login(http, here)
        job = await here.desk.submit(wanted(DeployRequest.model_validate(wish())), by="ann")
        for headers in ({"origin": "https://evil.example"}, {"sec-fetch-site": "cross-site"}, {"origin": "null"}):
            assert 403 == (await http.post(f"/ui/jobs/{job.id}/cancel", headers=headers)).status_code
            assert 403 == (await http.post("/ui/login", data={"token": "x"}, headers=headers)).status_code
        found = await here.desk.job(job.id)
        assert found
        assert "" == found.error

    here.play(act, who="nobody")


def test_overview() -> None:
    """What runs where, since when and how healthy it is, and the newest jobs in pages."""
    here = asked()

    async def act(http: httpx.AsyncClient) -> None:
        assert "There are none." in (await http.get("/")).text
        for _ in range(27):
            await done(http)
        await http.put("/services/pulse/hold", json={"reason": "the <audit>"})
        text = (await http.get("/")).text
        for words in ("host-1", "healthy", "held", "the &lt;audit&gt;", "00000027", "by ann", "/?before=00000003"):
            assert words in text
        assert "00000002" not in text
        older = (await http.get("/?before=00000003")).text
        assert ("00000001" in older, "Older jobs" in older) == (True, False)
        assert 400 == (await http.get("/?before=none")).status_code

    here.play(act)


def test_rollback() -> None:
    """A rollback is asked about on a page of its own, which does nothing; its form does; a refusal is shown there."""
    here = asked()

    async def act(http: httpx.AsyncClient) -> None:
        await login(http, here)
        first, second = [await done(http, service_path=f"/srv/services/{name}") for name in ("one", "two")]
        path = f"/ui/jobs/{second['deploy_job_id']}/rollback"
        asked_for = await http.get(path)
        assert (200, [{"class": "actions", "method": "post"}]) == (
            asked_for.status_code,
            [form for form in Elements(asked_for.text).of("form") if form.get("class")],
        )
        assert 2 == len(await here.desk.jobs())
        made = await http.post(path)
        assert (303, "/ui/jobs/00000003") == (made.status_code, made.headers["location"])
        for _ in range(20):
            await http.get("/deploy/00000003")
        assert "Rollback" in (await http.get("/ui/jobs/00000003")).text
        again = await http.post(path)
        assert (409, True, True) == (again.status_code, "is not what runs" in again.text, 'role="alert"' in again.text)
        assert 404 == (await http.get(f"/ui/jobs/{first['deploy_job_id']}/explode")).status_code
        assert 404 == (await http.post(f"/ui/jobs/{first['deploy_job_id']}/explode")).status_code

    here.play(act)


def test_hold() -> None:
    """A hold needs a reason, is shown, and is taken back by a button."""
    here = asked()

    async def act(http: httpx.AsyncClient) -> None:
        await done(http)
        empty = await http.post("/ui/services/pulse/hold", data={"reason": " "})
        assert (400, True) == (empty.status_code, 'role="alert"' in empty.text)
        assert 303 == (await http.post("/ui/services/pulse/hold", data={"reason": "the audit"})).status_code
        assert "the audit" in (await http.get("/ui/services/pulse")).text
        await http.put("/services/atlas/hold", json={"reason": "not <yet>"})
        assert "not &lt;yet&gt;" in (await http.get("/")).text, "also of what runs nowhere"
        held = await http.get("/ui/services/atlas")
        assert (200, True, True) == (held.status_code, "not &lt;yet&gt;" in held.text, "/atlas/release" in held.text)
        assert 303 == (await http.post("/ui/services/atlas/release")).status_code
        assert 404 == (await http.get("/ui/services/atlas")).status_code
        assert 303 == (await http.post("/ui/services/pulse/release")).status_code
        assert "the audit" not in (await http.get("/ui/services/pulse")).text

    here.play(act)


def test_reader() -> None:
    """Who may only read sees no button that they may not press, and cannot press it either."""
    here = asked()

    async def act(http: httpx.AsyncClient) -> None:
        job = (await here.desk.submit(wanted(DeployRequest.model_validate(wish())), by="ann")).id
        for path in ("/", f"/ui/jobs/{job}", "/ui/services/pulse"):
            page = await http.get(path)
            assert (200, []) == (page.status_code, Elements(page.text).of("form", "button"))
            assert "/cancel" not in page.text
        for path in (f"/ui/jobs/{job}/cancel", "/ui/services/pulse/hold", "/ui/services/pulse/release"):
            assert 403 == (await http.post(path, data={"reason": "x"})).status_code

    here.play(act, who="rob")


def test_escaped_and_named() -> None:
    """No value is taken for HTML, none is in a script, fields have labels, and a secret is on no page."""
    here = asked()

    async def act(http: httpx.AsyncClient) -> None:
        await login(http, here)
        job = await done(http, service_path=ODD)
        here.desk.tell(job["deploy_job_id"], "log", "<script>alert(2)</script>")
        for page in await all_pages(http, job["deploy_job_id"]):
            elements, text = Elements(page.text), page.text
            assert 200 == page.status_code
            assert ("alert(1)</script>" in text, "<script>alert" in text, CANARY in text) == (False, False, False)
            assert ["/static/live.js"] == [script.get("src") for script in elements.of("script")]
            assert [] == [a for _, a in elements.found for name in a if name.startswith("on") or name == "style"]
            labels = {label.get("for") for label in elements.of("label")}
            assert labels == {field.get("id") for field in elements.of("input") if "hidden" not in field}
            assert 1 == len(elements.of("h1")) == len(elements.of("main"))
            assert "en" == elements.of("html")[0]["lang"]
            assert all(head.get("scope") for head in elements.of("th"))
        assert "&lt;script&gt;alert(2)" in (await http.get(f"/ui/jobs/{job['deploy_job_id']}")).text

    here.play(act)


def test_unknown() -> None:
    """What there is not is a page that says so."""

    async def act(http: httpx.AsyncClient) -> None:
        for path in ("/ui/jobs/none", "/ui/services/none", "/ui/jobs/none/cancel"):
            answer = await http.get(path)
            assert (404, "text/html") == (answer.status_code, answer.headers["content-type"].partition(";")[0])
            assert "Not Found" in answer.text
        assert 400 == (await http.get("/ui/services/..%3B")).status_code

    asked().play(act)


def test_files() -> None:
    """Styles and script come from here, to be kept as long as they are the same; nothing else lies there."""

    async def act(http: httpx.AsyncClient) -> None:
        for name, kind in (("style.css", "text/css"), ("live.js", "text/javascript"), ("icon.svg", "image/svg+xml")):
            answer = await http.get(f"/static/{name}")
            assert (200, kind, "no-cache") == (
                answer.status_code,
                answer.headers["content-type"].partition(";")[0],
                answer.headers["cache-control"],
            )
            assert not re.search(r"https?://(?!www\.w3\.org/2000/svg)", answer.text)
        for path in ("/static/../page.py", "/static/%2e%2e/page.py", "/static/", "/static/none"):
            assert (await http.get(path)).status_code in {401, 404}, path

    asked().play(act, who="nobody")
