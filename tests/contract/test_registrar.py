"""What every registry of services does, the public fake included; and what is made of one that does not."""

import contextlib
import json
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

import anyio
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, RedirectResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp

from peers import endless
from shipways.adapters.registrar import HttpRegistrar
from shipways.errors import ShipwaysError, Transient, Unfinished
from shipways.outside.registrars import Entry, Event, Registrar
from shipways.rehearse.faults import Fault, Faulty, Traffic
from shipways.rehearse.registrar import ENTRY, ServiceRegistry
from shipways.rehearse.serving import served
from shipways.testing.console import ManualClock
from shipways.testing.registrar import MemoryRegistrar

pytestmark = pytest.mark.integration

ONE = Entry(droplet_id=24, service_name="web", endpoint="http://a:80", release="00ff", event=Event.DEPLOYED)


@dataclass
class Office:
    """A registrar, and how many events its registry has had."""

    registrar: Registrar
    events: Callable[[], list[tuple[object, object]]]

    def register(self, entry: Entry) -> object:
        """What the registry answers."""
        return anyio.run(self.registrar.register, entry)


@contextlib.contextmanager
def at(app: ASGIApp, *, entry: str = "", wait: float = 2) -> Iterator[HttpRegistrar]:
    """The real one, before this application."""
    with served(app) as url:
        yield HttpRegistrar(url, entry, wait, ManualClock())


@pytest.fixture(params=["memory", "read again", "strict", "answer alone"])
def office(request: pytest.FixtureRequest) -> Iterator[Office]:
    """Each kind of registry in turn, and empty."""
    if request.param == "memory":
        memory = MemoryRegistrar()
        yield Office(memory, lambda: [(each.release, each.event) for each in memory.events])
        return
    registry = ServiceRegistry(strict=request.param == "strict")
    with at(registry.app, entry="" if request.param == "answer alone" else ENTRY) as registrar:
        yield Office(registrar, lambda: [(each["version"], each["event"]) for each in registry.events])


def test_registered(office: Office) -> None:
    """S2-15: once, however often it is told the same; a return is an event of its own, and so is the way forward."""
    back = replace(ONE, release="00fe", event=Event.RETURNED)
    assert isinstance(office.register(ONE), dict)
    office.register(ONE)
    office.register(back)
    office.register(back)
    office.register(ONE)
    assert [("00ff", "deployed"), ("00fe", "rolled_back"), ("00ff", "deployed")] == office.events()
    assert "reachable" == anyio.run(office.registrar.standing)


def failed(registrar: Registrar) -> tuple[type[ShipwaysError], str]:
    """How it ends, and the words."""
    with pytest.raises(ShipwaysError) as caught:
        anyio.run(registrar.register, ONE)
    assert caught.value.problems[0].path.startswith("http://127.0.0.1:")
    return type(caught.value), caught.value.problems[0].what


@pytest.mark.parametrize(
    "fault", [Fault.ERROR, Fault.ERROR_AFTER, Fault.LOST, Fault.LIMIT, Fault.DUPLICATE, Fault.HALF]
)
def test_trouble(fault: Fault) -> None:
    """F20: an error, a lost answer, a limit, a request that arrives twice: told or to be tried again, and one event."""
    registry, faults, traffic = ServiceRegistry(), [fault], Traffic()
    app = Faulty(registry.app, lambda *_: faults.pop() if faults else Fault.NONE, traffic)
    with at(app, entry=ENTRY) as registrar:
        if fault is not Fault.DUPLICATE:
            assert Transient is failed(registrar)[0]
        anyio.run(registrar.register, ONE)
    assert [ONE.told] == registry.events
    assert {24: ONE.told} == registry.entries


def test_down() -> None:
    """F20: nobody is there: to be tried again, and said so."""
    with at(ServiceRegistry().app) as registrar:
        pass
    assert (Transient, "does not answer") == failed(registrar)
    assert "does not answer" == anyio.run(registrar.standing)


def answers(make: Callable[[Request], Response], *, wait: float = 2, entry: str = "") -> tuple[type, str]:
    """What becomes of a registry that answers so to everything."""

    async def answer(request: Request) -> Response:
        return make(request)

    with at(
        Starlette(routes=[Route("/{rest:path}", answer, methods=["GET", "POST"])]), wait=wait, entry=entry
    ) as there:
        return failed(there)


@pytest.mark.parametrize(
    ("made", "words"),
    [
        (PlainTextResponse("OK"), "does not say what it has registered"),
        (JSONResponse([ONE.told]), "does not say what it has registered"),
        (JSONResponse({"error": "no room"}), "says that it has not registered it"),
        (JSONResponse({"success": False}), "says that it has not registered it"),
        (JSONResponse({"droplet": {**ONE.told, "service_name": "shop"}}), "has registered another service_name"),
        (JSONResponse({**ONE.told, "endpoint": "http://b:80"}), "has registered another endpoint"),
        (JSONResponse({"detail": "no"}, 422), "refuses it: 422"),
        (JSONResponse({"detail": "taken"}, 409), "does not say what it has registered"),
        (JSONResponse({**ONE.told, "endpoint": "http://b:80"}, 409), "has registered another endpoint"),
        (PlainTextResponse("[" * 60_000), "does not say what it has registered"),
        (PlainTextResponse(json.dumps({**ONE.told, "note": "\ud800"})), "does not say what it has registered"),
        (PlainTextResponse('{"droplet_id": 24, "load": NaN}'), "does not say what it has registered"),
        (PlainTextResponse("x" * 70_000), "answers more than 64 KiB"),
    ],
)
def test_lies(made: Response, words: str) -> None:
    """F20: a good status with something else in it, and refusals: nothing that passes by itself."""
    assert (Unfinished, words) == answers(lambda _: made)


def test_a_lie_that_is_looked_at() -> None:
    """F20: it says that it has registered what it does not know afterwards."""
    with at(ServiceRegistry(lies=True).app, entry=ENTRY) as registrar:
        assert (Transient, "does not know what it was just told") == failed(registrar)
    registry = ServiceRegistry(entries={24: {**ONE.told, "version": "0000"}}, lies=True)
    with at(registry.app, entry=ENTRY) as registrar:
        assert (Unfinished, "has registered another version") == failed(registrar)


def test_slow() -> None:
    """F20: an answer that never ends has its time, and no more."""
    begin = time.monotonic()
    with at(endless, wait=0.5) as registrar:
        assert (Transient, "does not answer") == failed(registrar)
        assert time.monotonic() - begin < 2


def test_nobody_is_led_elsewhere(monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither a redirect nor a proxy of the environment leads to another machine."""
    traffic = Traffic()
    with served(Faulty(ServiceRegistry().app, lambda *_: Fault.NONE, traffic)) as other:
        monkeypatch.setenv("HTTP_PROXY", other)
        monkeypatch.setenv("ALL_PROXY", other)
        for status in (301, 302, 303, 307, 308):
            kind, words = answers(lambda _, status=status: RedirectResponse(f"{other}/register", status))
            assert (Unfinished, True) == (kind, "a redirect" in words)
    assert [] == traffic.requests
