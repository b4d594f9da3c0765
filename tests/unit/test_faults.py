"""What each fault does to a request and its answer."""

import contextlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from email.utils import parsedate_to_datetime
from time import time

import anyio
import httpx
import pytest
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from shipways.rehearse.faults import Fault, Faulty, Traffic


@dataclass
class Place:
    """It keeps the bodies that it has got whole, and answers how many these are."""

    bodies: list[bytes] = field(default_factory=list)
    traffic: Traffic = field(default_factory=Traffic)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self.bodies.append(await Request(scope, receive).body())
        await Response(str(len(self.bodies)))(scope, receive, send)

    def ask(self, fault: Fault, method: str = "PUT") -> tuple[int, str, Mapping[str, str]] | None:
        """Status, body and headers of the answer; None where it breaks off."""

        async def main() -> httpx.Response:
            transport = httpx.ASGITransport(Faulty(self, lambda *_: fault, self.traffic))
            async with httpx.AsyncClient(transport=transport, base_url="http://place") as http:
                return await http.request(method, "/x", content=b"12345678" if method == "PUT" else b"")

        with contextlib.suppress(AssertionError):  # which this transport raises for an answer without an end
            answer = anyio.run(main)
            return answer.status_code, answer.text, answer.headers
        return None


@pytest.mark.parametrize(
    ("fault", "answer", "done"),
    [
        (Fault.NONE, (200, "1"), 1),
        (Fault.SLOW, (200, "1"), 1),
        (Fault.ERROR, (503, ""), 0),
        (Fault.ERROR_AFTER, (503, ""), 1),
        (Fault.LOST, None, 1),
        (Fault.LIMIT, (429, ""), 0),
        (Fault.SKEW, (429, ""), 0),
        (Fault.FORBIDDEN, (403, ""), 0),
        (Fault.DUPLICATE, (200, "2"), 2),
        (Fault.HALF, None, 0),
    ],
)
def test_fault(fault: Fault, answer: tuple[int, str] | None, done: int) -> None:
    """What the client is told, and how often it was done."""
    place = Place()
    said = place.ask(fault)
    assert (answer, [b"12345678"] * done) == (said[:2] if said else None, place.bodies)
    assert [("PUT", "/x")] == place.traffic.requests == place.traffic.writes()


def test_every_fault_is_tried() -> None:
    """The test above has all of them."""
    marks = test_fault.pytestmark  # type: ignore[attr-defined]
    assert set(Fault) == {row[0] for row in marks[0].args[1]}


def test_reset() -> None:
    """A limit tells the seconds, or the moment by a clock that is wrong."""
    limit, skew = Place().ask(Fault.LIMIT), Place().ask(Fault.SKEW)
    assert limit is not None
    assert skew is not None
    assert "1" == limit[2]["Retry-After"]
    assert 1190 < parsedate_to_datetime(skew[2]["Retry-After"]).timestamp() - time() < 1210


def test_reads_are_no_writes() -> None:
    """Only what may change something is counted as that."""
    place = Place()
    place.ask(Fault.NONE, "GET")
    assert (1, []) == (len(place.traffic.requests), place.traffic.writes())
