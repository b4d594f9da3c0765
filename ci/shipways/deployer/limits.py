"""Around everything that is answered: who may ask at all and how often, how much may be sent, and headers."""

import ipaddress
import math
from collections import OrderedDict
from dataclasses import dataclass
from typing import Final

import anyio
from starlette.datastructures import Headers, MutableHeaders
from starlette.exceptions import HTTPException
from starlette.responses import RedirectResponse
from starlette.types import ASGIApp, Message, Receive, Send
from starlette.types import Scope as Asgi

from shipways.deployer.access import Asker, Door, forged
from shipways.deployer.problems import answered
from shipways.errors import Problem
from shipways.ports import Clock

OPEN: Final = frozenset({"/livez", "/readyz", "/health", "/capabilities", "/openapi.json", "/ui/login"})
STATIC: Final = "/static/"
_BODY: Final = 30.0
"""Seconds in which a whole request has to arrive."""
_KNOWN: Final = 4096
"""Of how many that ask it is remembered how often."""
_POLICY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self'; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
_HEADERS: Final = {
    "content-security-policy": _POLICY,
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": "camera=(), geolocation=(), microphone=()",
    "referrer-policy": "same-origin",  # with none, browsers say that forms come from nowhere
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
}


class Rates:
    """A bucket for each that asks: it holds the requests of a minute, and fills again as time goes."""

    def __init__(self, clock: Clock, rate: int) -> None:
        self._clock = clock
        self._rate = rate
        self._left: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def wait(self, who: str) -> int:
        """Take one. Seconds after which to ask again; 0 when it is let through."""
        now = self._clock.monotonic()
        left, then = self._left.pop(who, (float(self._rate), now))
        left = min(left + (now - then) * self._rate / 60, self._rate)
        through = left >= 1
        self._left[who] = (left - 1 if through else left, now)
        if len(self._left) > _KNOWN:
            self._left.popitem(last=False)
        return 0 if through else math.ceil((1 - left) * 60 / self._rate)


@dataclass(frozen=True, slots=True)
class Gate:
    """Lets in who is known, and not too often; it looks at no body for that."""

    app: ASGIApp
    door: Door
    rates: Rates

    async def __call__(self, scope: Asgi, receive: Receive, send: Send) -> None:
        """Who asks is in the state of the request."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        asker = self.door.asker(scope)
        answer = self._limited(scope, asker) or _refused(scope, asker)
        scope.setdefault("state", {})["asker"] = asker
        await (answer or self.app)(scope, receive, send)

    def _limited(self, scope: Asgi, asker: Asker | None) -> ASGIApp | None:
        wait = self.rates.wait(f"@{asker.name}" if asker else _address(scope))
        if not wait:
            return None
        return answered(429, Problem(what="asks too often"), headers={"retry-after": str(wait)})


def _refused(scope: Asgi, asker: Asker | None) -> ASGIApp | None:
    path = scope["path"]
    if forged(scope) and (asker is None or asker.form):
        return answered(403, Problem(what="another page asks this", hint="use the page of the deployer itself"))
    if asker or path in OPEN or path.startswith(STATIC):
        return None
    if path == "/" or path.startswith("/ui/"):
        return RedirectResponse("/ui/login", 303)
    given = "authorization" in Headers(scope=scope)
    what = "the token is not valid" if given else "a token is needed: Authorization: Bearer TOKEN"
    error = ' error="invalid_token"' if given else ""
    return answered(401, Problem(what=what), headers={"www-authenticate": f"Bearer{error}"})


@dataclass(frozen=True, slots=True)
class Bounded:
    """A body that is longer than `most` bytes, or does not come whole within `seconds`, is not read to its end."""

    app: ASGIApp
    most: int
    seconds: float = _BODY

    async def __call__(self, scope: Asgi, receive: Receive, send: Send) -> None:
        """What comes after the body is the end of the connection, which may take as long as it wants."""
        deadline, whole, size = anyio.current_time() + self.seconds, False, 0

        async def bounded() -> Message:
            nonlocal whole, size
            if whole:
                return await receive()
            try:
                with anyio.fail_after(max(deadline - anyio.current_time(), 0)):
                    message = await receive()
            except TimeoutError:
                raise HTTPException(408, "the request did not arrive in time", {"connection": "close"}) from None
            size += len(message.get("body", b""))
            if size > self.most:
                raise HTTPException(413, f"a request has at most {self.most} bytes", {"connection": "close"})
            whole = not message.get("more_body", False)
            return message

        await self.app(scope, bounded if scope["type"] == "http" else receive, send)


@dataclass(frozen=True, slots=True)
class Headed:
    """Headers that keep a browser from doing more with an answer than it should."""

    app: ASGIApp
    secure: bool

    async def __call__(self, scope: Asgi, receive: Receive, send: Send) -> None:
        """Each answer gets them."""

        async def headed(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                headers.update(_HEADERS)
                # What is the same for everybody may be kept, but is asked for again: another version has other files.
                headers.setdefault("cache-control", "no-cache" if scope["path"].startswith(STATIC) else "no-store")
                if self.secure:
                    headers["strict-transport-security"] = "max-age=31536000"
            await send(message)

        await self.app(scope, receive, headed)


def _address(scope: Asgi) -> str:
    """Where a request comes from. Who has one address of IPv6 has 2⁶⁴ of them."""
    host = str((scope.get("client") or ("",))[0])
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return host
    return host if address.version == 4 else str(ipaddress.ip_network((host, 64), strict=False))
