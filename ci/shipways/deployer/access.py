"""Who asks: a token, a session of the page, or this machine. Nobody else gets further than what is open."""

import hmac
import ipaddress
import secrets
from collections import OrderedDict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from http.cookies import CookieError, SimpleCookie
from typing import Final
from urllib.parse import SplitResult, urlsplit

from starlette.datastructures import Headers
from starlette.types import Scope as Asgi

from shipways.deployer.tokens import LOOPBACK, Keys, Scope, Token, digest_of
from shipways.ports import Clock

COOKIE: Final = "shipways-session"
LASTS: Final = 12 * 3600
"""Seconds of a session."""
_SESSIONS: Final = 1000
_SAFE: Final = frozenset({"GET", "HEAD", "OPTIONS"})
_FORWARDED: Final = ("forwarded", "x-forwarded-for", "x-real-ip")


@dataclass(frozen=True, slots=True, kw_only=True)
class Asker:
    """Who asks, and what they may do. `form`: by the page, so that their forms are looked at."""

    name: str
    scopes: frozenset[Scope]
    form: bool = False


class Sessions:
    """Who is logged in on the page. They end with the process, with their time, and with their token."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._open: OrderedDict[str, tuple[str, float]] = OrderedDict()

    def begin(self, token: Token) -> str:
        """The word of a cookie. The oldest goes when there are too many."""
        word = secrets.token_urlsafe(32)
        self._open[digest_of(word)] = (token.digest, self._clock.monotonic() + LASTS)
        if len(self._open) > _SESSIONS:
            self._open.popitem(last=False)
        return word

    def end(self, word: str) -> None:
        """Log out."""
        self._open.pop(digest_of(word), None)

    def holder(self, word: str, keys: Iterable[Token]) -> Token | None:
        """Whose it is, as long as their token is valid."""
        digest, until = self._open.get(digest_of(word), ("", 0.0))
        if self._clock.monotonic() >= until:
            return None
        return next((token for token in keys if hmac.compare_digest(token.digest, digest)), None)


class Door:
    """Knows who asks. `loopback`: this machine needs no token."""

    def __init__(self, keys: Keys, sessions: Sessions, *, loopback: bool) -> None:
        self._keys = keys
        self._sessions = sessions
        self._loopback = loopback

    def asker(self, scope: Asgi) -> Asker | None:
        """None for nobody who is known."""
        headers = Headers(scope=scope)
        kind, _, word = headers.get("authorization", "").partition(" ")
        if kind:
            token = self._keys.holder(word.strip()) if kind.lower() == "bearer" else None
            return _asker(token)
        if cookie := cookie_of(headers):
            return _asker(self._sessions.holder(cookie, self._keys), form=True)
        if self._loopback and local(scope, headers):
            return Asker(name=LOOPBACK, scopes=frozenset(Scope), form=True)
        return None


def forged(scope: Asgi) -> bool:
    """Whether another page than ours may have sent this. What no browser sends says nothing, and is not."""
    headers = Headers(scope=scope)
    if scope["method"] in _SAFE:
        return False
    if headers.get("sec-fetch-site", "same-origin") not in {"same-origin", "none"}:
        return True
    if "origin" not in headers:
        return False
    origin = _parts(headers["origin"])
    return origin is None or origin.netloc != headers.get("host", "")


def local(scope: Asgi, headers: Headers) -> bool:
    """Whether this machine asks itself: not a proxy here for others, and not a page whose name leads here."""
    client, host = scope.get("client"), _parts(f"//{headers.get('host', '')}")
    return (
        client is not None
        and _loops(client[0])
        and not any(name in headers for name in _FORWARDED)
        and host is not None
        and _loops(host.hostname or "")
    )


def cookie_of(headers: Mapping[str, str]) -> str:
    """The word of a session; empty where there is none."""
    try:
        found = SimpleCookie(headers.get("cookie", "")).get(COOKIE)
    except CookieError:
        return ""
    return found.value if found else ""


def _asker(token: Token | None, *, form: bool = False) -> Asker | None:
    return None if token is None else Asker(name=token.name, scopes=token.scopes, form=form)


def _parts(url: str) -> SplitResult | None:
    """None for what is no URL: an address in brackets that is none."""
    try:
        return urlsplit(url)
    except ValueError:
        return None


def _loops(host: str) -> bool:
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
