"""What every verifier of services does, the public fake included; and what is made of one that does not."""

import contextlib
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace

import anyio
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, RedirectResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp

from peers import endless
from shipways.adapters.verifier import HttpVerifier
from shipways.errors import ShipwaysError, Transient, Unfinished
from shipways.outside.verifiers import Candidate, Verifier
from shipways.rehearse.faults import Fault, Faulty, Traffic
from shipways.rehearse.serving import served
from shipways.rehearse.verifier import PATH, ServiceVerifier
from shipways.testing.console import ManualClock
from shipways.testing.verifier import MemoryVerifier

pytestmark = pytest.mark.integration

ONE = Candidate(droplet_id=24, service_name="web", service_url="http://a:80", release="00ff")


@dataclass
class Bench:
    """A verifier, what it was asked, and what it refuses."""

    verifier: Verifier
    asked: Callable[[], list[Mapping[str, str | int]]]
    refused: dict[str, str]


@contextlib.contextmanager
def at(app: ASGIApp, *, wait: float = 2) -> Iterator[HttpVerifier]:
    """The real one, before this application."""
    with served(app) as url:
        yield HttpVerifier(url + PATH, wait, ManualClock())


@pytest.fixture(params=["memory", "by its status", "in its words"])
def bench(request: pytest.FixtureRequest) -> Iterator[Bench]:
    """Each kind of verifier in turn, which refuses nothing yet."""
    if request.param == "memory":
        memory = MemoryVerifier()
        yield Bench(memory, lambda: [each.told for each in memory.asked], memory.refused)
        return
    place = ServiceVerifier(mild=request.param == "in its words")
    with at(place.app) as verifier:
        yield Bench(verifier, lambda: place.asked, place.refused)


def test_verified(bench: Bench) -> None:
    """S2-23: it is asked about a release and where that serves; asked again it looks again."""
    anyio.run(bench.verifier.verify, ONE)
    anyio.run(bench.verifier.verify, ONE)
    told = {"droplet_id": 24, "service_name": "web", "service_url": "http://a:80", "version": "00ff"}
    assert [told, told] == bench.asked()


def test_refused(bench: Bench) -> None:
    """S2-23: a refusal is one for good, with its words, and that of one release."""
    bench.refused["00fe"] = "answers in French"
    with pytest.raises(Unfinished, match="answers in French") as caught:
        anyio.run(bench.verifier.verify, replace(ONE, release="00fe"))
    assert not isinstance(caught.value, Transient)
    anyio.run(bench.verifier.verify, ONE)


def failed(verifier: Verifier) -> tuple[type[ShipwaysError], str]:
    """How it ends, and the words."""
    with pytest.raises(ShipwaysError) as caught:
        anyio.run(verifier.verify, ONE)
    assert caught.value.problems[0].path.startswith("http://127.0.0.1:")
    return type(caught.value), caught.value.problems[0].what


@pytest.mark.parametrize("fault", [Fault.ERROR, Fault.ERROR_AFTER, Fault.LOST, Fault.LIMIT, Fault.HALF])
def test_trouble(fault: Fault) -> None:
    """An error, a lost answer, a limit: to be tried again, and then verified."""
    place, faults = ServiceVerifier(), [fault]
    with at(Faulty(place.app, lambda *_: faults.pop() if faults else Fault.NONE, Traffic())) as verifier:
        assert Transient is failed(verifier)[0]
        anyio.run(verifier.verify, ONE)
    assert ONE.told == place.asked[-1]


def test_down() -> None:
    """Nobody is there: to be tried again, and said so."""
    with at(ServiceVerifier().app) as verifier:
        pass
    assert (Transient, "does not answer") == failed(verifier)


@contextlib.contextmanager
def answering(make: Callable[[Request], Response]) -> Iterator[HttpVerifier]:
    """One before a verifier that answers so."""

    async def answer(request: Request) -> Response:
        return make(request)

    with at(Starlette(routes=[Route(PATH, answer, methods=["POST"])])) as verifier:
        yield verifier


@pytest.mark.parametrize(
    "made",
    [
        Response(status_code=204),
        PlainTextResponse("OK"),
        PlainTextResponse("[" * 60_000),
        JSONResponse([False]),
        JSONResponse({"verified": True}),
        JSONResponse({"report": "long"}, 201),
    ],
)
def test_yes(made: Response) -> None:
    """A good status is a yes, whatever else is said."""
    with answering(lambda _: made) as verifier:
        anyio.run(verifier.verify, ONE)


@pytest.mark.parametrize(
    ("made", "words"),
    [
        (JSONResponse({"verified": False, "why": "x"}), "does not verify it"),
        (JSONResponse({"verified": "no"}, 202), "does not verify it"),
        (JSONResponse({"verified": None}), "does not verify it"),
        (JSONResponse({"detail": "no"}, 422), "refuses it: 422"),
        (PlainTextResponse("x" * 70_000), "answers more than 64 KiB"),
    ],
)
def test_no(made: Response, words: str) -> None:
    """Refusals, and what nobody reads to its end: no other try makes a yes of them."""
    with answering(lambda _: made) as verifier:
        assert (Unfinished, words) == failed(verifier)


def test_a_long_reason() -> None:
    """Of its words the beginning is told."""
    with (
        answering(lambda _: JSONResponse({"why": "x" * 5_000}, 400)) as verifier,
        pytest.raises(Unfinished) as caught,
    ):
        anyio.run(verifier.verify, ONE)
    assert 300 == len(caught.value.problems[0].why)


def test_slow() -> None:
    """An answer that never ends has its time, and no more."""
    begin = time.monotonic()
    with at(endless, wait=0.5) as verifier:
        assert (Transient, "does not answer") == failed(verifier)
        assert time.monotonic() - begin < 2


def test_nobody_is_led_elsewhere(monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither a redirect nor a proxy of the environment leads to another machine."""
    traffic = Traffic()
    with served(Faulty(ServiceVerifier().app, lambda *_: Fault.NONE, traffic)) as other:
        monkeypatch.setenv("HTTP_PROXY", other)
        monkeypatch.setenv("ALL_PROXY", other)
        for status in (301, 302, 303, 307, 308):
            with answering(lambda _, status=status: RedirectResponse(other + PATH, status)) as verifier:  # type: ignore[misc]
                kind, words = failed(verifier)
            assert (Unfinished, True) == (kind, "a redirect" in words)
    assert [] == traffic.requests
