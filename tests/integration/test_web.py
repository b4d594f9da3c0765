"""What the answers of a server mean, with a stand-in that fails as it is told to."""

from collections.abc import Callable

import anyio
import httpx
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.routing import Route

from shipways.adapters import web
from shipways.errors import PreflightError, Transient
from shipways.rehearse.faults import Fault, Faulty, Traffic
from shipways.rehearse.serving import served
from shipways.testing.console import ManualClock

pytestmark = pytest.mark.integration


class Counter:
    """An application that counts what was done, and where it sends people elsewhere."""

    def __init__(self) -> None:
        self.done = 0
        self.elsewhere = ""
        self.headers: list[str] = []
        routes = [Route("/do", self._do, methods=["POST"]), Route("/away", self._away, methods=["GET", "POST"])]
        self.app = Starlette(routes=routes)

    async def _do(self, request: Request) -> Response:
        self.done += 1
        self.headers.append(request.headers.get("authorization", ""))
        return JSONResponse({"done": self.done})

    async def _away(self, request: Request) -> Response:
        return RedirectResponse(self.elsewhere, 307)


def ask(url: str, make: Callable[[httpx.AsyncClient], httpx.Request]) -> httpx.Response:
    """Send one request."""

    async def main() -> httpx.Response:
        async with web.client(url) as http:
            return await web.send(http, make(http), clock=ManualClock())

    return anyio.run(main)


@pytest.mark.parametrize(
    ("fault", "done", "after"),
    [(Fault.ERROR, 0, None), (Fault.ERROR_AFTER, 1, None), (Fault.LOST, 1, None), (Fault.LIMIT, 0, 1.0)],
)
def test_faults(fault: Fault, done: int, after: float | None) -> None:
    """What may have been done, and what a server asks for, is worth another look."""
    counter, traffic = Counter(), Traffic()
    with served(Faulty(counter.app, lambda *_: fault, traffic)) as url, pytest.raises(Transient) as raised:
        ask(url, lambda http: http.build_request("POST", "/do"))
    assert (done, after) == (counter.done, raised.value.after)
    assert {"POST": 1} == traffic.methods()


@pytest.mark.parametrize("fault", [Fault.NONE, Fault.SLOW])
def test_success(fault: Fault) -> None:
    """An answer is given as it came."""
    counter = Counter()
    with served(Faulty(counter.app, lambda *_: fault, Traffic())) as url:
        assert {"done": 1} == ask(url, lambda http: http.build_request("POST", "/do")).json()


def test_nobody_answers() -> None:
    """A port where nothing listens is a network fault."""
    with pytest.raises(Transient, match="does not answer"):
        ask("http://127.0.0.1:1", lambda http: http.build_request("GET", "/"))


def test_only_safe() -> None:
    """Neither a request nor a redirect leaves this machine without TLS."""
    counter = Counter()
    counter.elsewhere = "http://registry.example/x"
    with served(counter.app) as url, pytest.raises(PreflightError, match="is not HTTPS"):
        ask(url, lambda http: http.build_request("GET", "/away"))


def test_redirects_carry_no_credentials() -> None:
    """Another origin does not get the token."""
    first, second = Counter(), Counter()
    with served(first.app) as one, served(second.app) as two:
        first.elsewhere = f"{two}/do"
        ask(one, lambda http: http.build_request("POST", "/do", headers={"Authorization": "Bearer canary"}))
        ask(one, lambda http: http.build_request("POST", "/away", headers={"Authorization": "Bearer canary"}))
    assert (["Bearer canary"], [""]) == (first.headers, second.headers)
