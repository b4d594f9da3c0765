"""What a rehearsal notices, and what comes to its stand-ins."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace

import anyio
import pytest
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from harbouring import CRATES, crates, rehearsal
from shipways.config.load import parse
from shipways.errors import Unfinished
from shipways.model.item import Item, Seen
from shipways.outside.channels import Outside
from shipways.ports import Clock
from shipways.publish.crates import CratesChannel
from shipways.rehearse.berths.crates import CratesBerth
from shipways.rehearse.cases import ALL, FAULTS, RANDOM, Case, Size, planned
from shipways.rehearse.crates import Crates
from shipways.rehearse.faults import READS
from shipways.rehearse.harbour import harbour
from shipways.rehearse.rehearsal import Rehearsal, Result
from shipways.rehearse.summary import matrix, verdict

pytestmark = pytest.mark.integration

CANARY = "canary-of-the-user"


def play(made: Rehearsal, *faults: str) -> tuple[Result, ...]:
    """Every case of these faults at the registry."""

    async def main() -> tuple[Result, ...]:
        size = await made.measure("crates")
        return tuple([await made.play(case) for case in planned({"crates": size}, faults, made.seed)])

    return anyio.run(main)


@dataclass
class Behind(CratesBerth):
    """A registry that requests reach through something else."""

    def __init__(self, berth: CratesBerth) -> None:
        self.__dict__ = berth.__dict__
        self.sent: list[bytes] = []

    def fresh(self, clock: Clock) -> Sequence[ASGIApp]:
        return [self.behind(app) for app in super().fresh(clock)]

    def behind(self, app: ASGIApp) -> ASGIApp:
        """What the requests come to."""

        async def enter(scope: Scope, receive: Receive, send: Send) -> None:
            self.sent += [b"".join(header) for header in scope["headers"]] + [scope["query_string"]]

            async def heard() -> Message:
                message = await receive()
                self.sent.append(message.get("body", b""))
                return self.changed(message, scope)

            await app(scope, heard, send)

        return enter

    def changed(self, message: Message, scope: Scope) -> Message:
        """What is passed on."""
        return message


class Forgetful(Behind):
    """It takes everything, and has nothing."""

    def behind(self, app: ASGIApp) -> ASGIApp:
        async def enter(scope: Scope, receive: Receive, send: Send) -> None:
            if scope["method"] in READS:
                await app(scope, receive, send)
                return
            await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"2")]})
            await send({"type": "http.response.body", "body": b"{}"})

        return enter


class Altering(Behind):
    """It has other bytes than were sent."""

    def changed(self, message: Message, scope: Scope) -> Message:
        body = message.get("body", b"")
        return message | {"body": body[:-1] + b"?"} if scope["method"] == "PUT" and body else message


class Doubling(Crates):
    """It takes a version twice."""

    def _problem(self, metadata: Mapping[str, object]) -> str:
        return ""


class Slow(Behind):
    """It shows what it has taken late, and takes it again meanwhile."""

    def fresh(self, clock: Clock) -> Sequence[ASGIApp]:
        self._crates = Doubling(tokens={self._token}, now=clock.now, lag=3)
        return (self._crates.app,)


@dataclass(frozen=True, slots=True, kw_only=True)
class Blind(CratesChannel):
    """A channel with a bug: it never sees anything."""

    async def observe(self, outside: Outside, items: Sequence[Item]) -> Mapping[str, Seen]:
        return {}


def behind(kind: type[Behind], made: list[Behind]) -> SimpleNamespace:
    """As a module of `berths/`."""

    def berth(*words: object) -> Behind:
        made.append(kind(CratesBerth(words[0].publish.crates, words[1], "example/pair")))  # type: ignore[attr-defined,arg-type]
        return made[-1]

    return SimpleNamespace(berth=berth)


@pytest.mark.parametrize("registry", ["", "company", "sparse+https://index.example/"])
def test_crates(tmp_path: Path, registry: str) -> None:
    """Two crates converge at whichever registry the config names, of which nothing is asked."""
    with rehearsal(CRATES.format(registry=registry), tmp_path) as made:
        results = play(made, "killed", "error-after", "duplicate", "half")
    assert ["", None] == ["".join(result.problem for result in results), verdict(results, 1)]
    assert 10 < len([result for result in results if result.hit])


@pytest.mark.long
def test_crates_everywhere(tmp_path: Path) -> None:
    """Every fault at every request of the crates converges; the count is printed."""
    with rehearsal(CRATES.format(registry=""), tmp_path) as made:
        results = play(made, *(fault for fault in FAULTS if fault != RANDOM))
    print(matrix(results, 1))  # noqa: T201 - the figure
    assert "" == "".join(result.problem for result in results)


def test_place_that_forgets(tmp_path: Path) -> None:
    """A place that stores nothing fails already where nothing goes wrong."""
    with (
        rehearsal(CRATES.format(registry="company"), tmp_path, behind(Forgetful, [])) as made,
        pytest.raises(Unfinished, match="is uploaded, and the index does not show it") as told,
    ):
        play(made, "lost")
    assert 5 == told.value.exit_code


def test_applied_twice(tmp_path: Path) -> None:
    """What is taken twice after an answer that was lost does not converge: exit 5, and how to play it alone."""
    with rehearsal(CRATES.format(registry="company"), tmp_path, behind(Slow, [])) as made:
        results = play(made, "lost")
    bad = [result for result in results if result.problem]
    error = verdict(results, made.seed)
    assert error is not None
    assert (True, 5, False) == (0 < len(bad) < len(results), error.exit_code, bad[0].conflict)
    assert "crates has [" in bad[0].problem
    assert f"`shipways rehearse --faults {bad[0].case.id} --seed 1` plays it alone" in str(error)
    assert f"{len(bad)} do not converge" in matrix(results, 1).title


def test_other_bytes(tmp_path: Path) -> None:
    """A place that has other bytes than were sent ends the rehearsal with exit 6."""
    with rehearsal(CRATES.format(registry="company"), tmp_path, behind(Altering, [])) as made:
        results = play(made, "killed-after")
    assert {True} == {result.conflict for result in results}
    error = verdict(results, 1)
    assert (6, True) == (error.exit_code if error else 0, "is there, not" in str(error))


def test_channel_that_does_it_again(tmp_path: Path) -> None:
    """A channel that applies what is there is noticed by the second run, without any fault."""
    with rehearsal(CRATES.format(registry="company"), tmp_path, behind(Slow, [])) as made:
        made.channels = (Blind(registry="company"),)
        made.harbour.clear()
        anyio.run(made.again)
        assert "applied 2 items, by 2 requests" in anyio.run(made.again)
        assert {""} != {result.problem for result in play(made, "slow")}


def test_nobody_hears_a_token_of_the_user(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The stand-ins are sent tokens that are made up for them, and none of this process."""
    for name in ("CARGO_REGISTRY_TOKEN", "CARGO_REGISTRIES_COMPANY_TOKEN", "GH_TOKEN", "SHIPWAYS_PYPI_TOKEN"):
        monkeypatch.setenv(name, CANARY)
    ears: list[Behind] = []
    with rehearsal(CRATES.format(registry="company"), tmp_path, behind(Behind, ears)) as made:
        play(made, "killed")
        assert ["CARGO_REGISTRIES_COMPANY_TOKEN"] == list(made.harbour.env)
    said = b"\n".join(ears[0].sent)
    assert (True, False) == (b"rehearsal-" in said, CANARY.encode() in said)


def test_channel_without_a_stand_in(tmp_path: Path) -> None:
    """It is in no config that is rehearsed, and named."""
    config = parse(CRATES.format(registry=""), "shipways.toml")
    (tmp_path / "dist").mkdir()
    with harbour(config, crates(tmp_path / "dist"), tmp_path, builders=()) as port:
        assert (("crates", "files"), {None}) == (port.absent, {table for _, table in port.config.publish})


@pytest.mark.parametrize("index", ["", "[publish.pypi]"])
def test_trusted_publishing(tmp_path: Path, index: str) -> None:
    """Nobody has a token for crates.io: one is minted by the identity of a job, whichever stand-in tells that."""
    with rehearsal(f"{CRATES.format(registry='')}\n{index}", tmp_path) as made:
        assert "CARGO_REGISTRY_TOKEN" not in made.harbour.env
        results = play(made, "lost", "duplicate", "limit", "killed-after")
        identity = made.harbour.env["ACTIONS_ID_TOKEN_REQUEST_URL"]
        assert identity.startswith(made.harbour.moored["pypi" if index else "crates"].urls[0])
    assert (["", None]) == ["".join(result.problem for result in results), verdict(results, 1)]


def test_company(tmp_path: Path) -> None:
    """A channel is rehearsed with those that its items need, and `all` with all."""
    with rehearsal(CRATES.format(registry=""), tmp_path) as made:
        assert ({"crates"}, {"crates", "files"}) == (made.company("crates"), made.company(ALL))
        result = anyio.run(made.measure, "files")
        assert Size(requests=0, writes=0, items=6) == result
        assert Case(channel="files", fault="killed", at=0) in planned({"files": result}, ("killed",), 1)
