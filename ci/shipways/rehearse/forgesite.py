"""Several repositories at one stand-in for GitHub."""

import re
from collections.abc import Mapping
from typing import Final

from starlette.types import ASGIApp, Receive, Scope, Send

_REPOSITORY: Final = re.compile(r"(?:/api/(?:v3|uploads)/repos)?/([^/]+/[^/]+)(?:/|$)")


class Site:
    """An ASGI application: a request about a repository goes to that one, any other to `first`."""

    def __init__(self, first: ASGIApp, others: Mapping[str, ASGIApp]) -> None:
        self._first = first
        self._others = {name.lower(): app for name, app in others.items()}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request."""
        found = _REPOSITORY.match(scope.get("path", ""))
        app = self._others.get(found[1].lower(), self._first) if found else self._first
        await app(scope, receive, send)
