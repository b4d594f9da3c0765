"""What can go wrong between a client and a place, done to a stand-in's requests."""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum

import anyio
from starlette.types import ASGIApp, Message, Receive, Scope, Send


class Fault(StrEnum):
    """What happens to one request."""

    NONE = "none"
    ERROR = "error"
    """503, and nothing is done."""
    ERROR_AFTER = "error after success"
    """It is done, and the answer is 503."""
    LOST = "lost answer"
    """It is done, and the connection breaks without an answer."""
    LIMIT = "limit"
    """429 with the time of the reset, and nothing is done."""
    SLOW = "slow"
    """It is done after a moment."""


Chooser = Callable[[str, str], Fault]
"""The fault for a request, by method and path."""


@dataclass(slots=True)
class Traffic:
    """What came to a stand-in: how often each method and path, to count what a run does."""

    requests: list[tuple[str, str]] = field(default_factory=list)

    def methods(self) -> Counter[str]:
        """How many requests of each method."""
        return Counter(method for method, _ in self.requests)


class Faulty:
    """An ASGI application around another one (ASGI specification, "HTTP")."""

    def __init__(self, app: ASGIApp, choose: Chooser, traffic: Traffic) -> None:
        self._app = app
        self._choose = choose
        self._traffic = traffic

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        self._traffic.requests.append((scope["method"], scope["path"]))
        fault = self._choose(scope["method"], scope["path"])
        if fault is Fault.ERROR:
            await _drain(receive)
            await _answer(send, 503)
        elif fault is Fault.LIMIT:
            await _drain(receive)
            await _answer(send, 429, (b"retry-after", b"1"))
        elif fault is Fault.SLOW:
            await anyio.sleep(0.2)
            await self._app(scope, receive, send)
        elif fault in (Fault.ERROR_AFTER, Fault.LOST):
            await self._app(scope, receive, _swallow)
            if fault is Fault.ERROR_AFTER or scope["method"] == "HEAD":  # whose answer has no body to be missing
                await _answer(send, 503)
            else:  # a body is promised that never comes, so that the server ends the connection
                start = {"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"1")]}
                await send(start)
        else:
            await self._app(scope, receive, send)


async def _drain(receive: Receive) -> None:
    """Who waits to be told to send a body never sends it after an answer, and it would be looked for ever after."""
    while (await receive()).get("more_body"):
        pass


async def _swallow(message: Message) -> None:
    del message


async def _answer(send: Send, status: int, *headers: tuple[bytes, bytes]) -> None:
    await send({"type": "http.response.start", "status": status, "headers": [(b"content-length", b"0"), *headers]})
    await send({"type": "http.response.body", "body": b""})
