"""What can go wrong between a client and a place, done to a stand-in's requests."""

import contextlib
import email.utils
import time
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

import anyio
from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

READS: Final = frozenset({"GET", "HEAD"})
"""The methods of requests that change nothing (RFC 9110, 9.2.1)."""
_ASKING: Final = "/git-upload-pack"
"""How the path of a POST ends that only asks a git server for something (gitprotocol-http, "Smart Clients")."""
_MOMENT: Final = 0.05
"""Seconds by which an answer comes later: long enough for the requests beside it to overtake it."""
_WRONG: Final = 1200.0
"""Seconds by which a clock is wrong."""


class Fault(StrEnum):
    """What happens to one request; the value is its name on the command line."""

    NONE = "none"
    ERROR = "error"
    """503, and nothing is done."""
    ERROR_AFTER = "error-after"
    """It is done, and the answer is 503."""
    LOST = "lost"
    """It is done, and the connection breaks without an answer."""
    LIMIT = "limit"
    """429 with the time of the reset, and nothing is done."""
    SKEW = "skew"
    """429 with the moment of the reset, by a clock that is 20 minutes ahead of ours."""
    SLOW = "slow"
    """It is done after a moment."""
    FORBIDDEN = "forbidden"
    """403, and nothing is done: the token has not the right."""
    DUPLICATE = "duplicate"
    """It arrives twice, and the answer is that to the second one: what has the name is there already."""
    HALF = "half"
    """Half of its body arrives, then the connection breaks."""

    @property
    def needs_body(self) -> bool:
        """Whether it means nothing for a request that only reads."""
        return self in (Fault.DUPLICATE, Fault.HALF)


def reads(method: str, path: str) -> bool:
    """Whether a request changes nothing."""
    return method in READS or path.endswith(_ASKING)


Chooser = Callable[[str, str], Fault]
"""The fault for a request, by method and path."""


@dataclass(slots=True)
class Traffic:
    """What came to a stand-in: how often each method and path, to count what a run does."""

    requests: list[tuple[str, str]] = field(default_factory=list)

    def methods(self) -> Counter[str]:
        """How many requests of each method."""
        return Counter(method for method, _ in self.requests)

    def writes(self) -> list[tuple[str, str]]:
        """Those that change something."""
        return [(method, path) for method, path in self.requests if not reads(method, path)]


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
        if fault in (Fault.DUPLICATE, Fault.HALF):
            await self._again(fault, scope, receive, send)
        elif fault in (Fault.ERROR_AFTER, Fault.LOST):
            await self._app(scope, receive, _swallow)
            await (_answer(send, 503) if fault is Fault.ERROR_AFTER else _break_off(scope, send))
        elif refusal := _refusal(fault):
            await _drain(receive)
            await _answer(send, *refusal)
        else:
            await anyio.sleep(_MOMENT if fault is Fault.SLOW else 0)
            await self._app(scope, receive, send)

    async def _again(self, fault: Fault, scope: Scope, receive: Receive, send: Send) -> None:
        """With the body in hand: all of it twice, or its first half and nothing more."""
        body = await _body(receive)
        if fault is Fault.DUPLICATE:
            await self._app(dict(scope), _replayed(body), _swallow)
            await self._app(dict(scope), _replayed(body), send)
            return
        with contextlib.suppress(ClientDisconnect):
            await self._app(scope, _replayed(body[: len(body) // 2], whole=False), _swallow)
        await _break_off(scope, send)


def _refusal(fault: Fault) -> tuple[int, Iterable[tuple[bytes, bytes]]] | None:
    """Status and headers of an answer for which nothing is done."""
    at = email.utils.formatdate(time.time() + 1 + _WRONG, usegmt=True)
    answers: dict[Fault, tuple[int, Iterable[tuple[bytes, bytes]]]] = {
        Fault.ERROR: (503, ()),
        Fault.FORBIDDEN: (403, ()),
        Fault.LIMIT: (429, [(b"retry-after", b"1")]),
        Fault.SKEW: (429, [(b"retry-after", at.encode())]),
    }
    return answers.get(fault)


async def _body(receive: Receive) -> bytes:
    """All that the client sends."""
    body, more = bytearray(), True
    while more:
        message = await receive()
        body += message.get("body", b"")
        more = message.get("more_body", False)
    return bytes(body)


def _replayed(body: bytes, *, whole: bool = True) -> Receive:
    """The body once more, and then, as it ends in the middle, that nobody is there any more."""
    messages = iter([{"type": "http.request", "body": body, "more_body": not whole}])

    async def receive() -> Message:
        return next(messages, {"type": "http.disconnect"})

    return receive


async def _drain(receive: Receive) -> None:
    """Who waits to be told to send a body never sends it after an answer, and it would be looked for ever after."""
    while (await receive()).get("more_body"):
        pass


async def _swallow(message: Message) -> None:
    del message


async def _break_off(scope: Scope, send: Send) -> None:
    """A body is promised that never comes, so that the server ends the connection."""
    if scope["method"] == "HEAD":  # whose answer has no body to be missing
        await _answer(send, 503)
        return
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"1")]})


async def _answer(send: Send, status: int, headers: Iterable[tuple[bytes, bytes]] = ()) -> None:
    await send({"type": "http.response.start", "status": status, "headers": [(b"content-length", b"0"), *headers]})
    await send({"type": "http.response.body", "body": b""})
