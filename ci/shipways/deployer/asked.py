"""What an operation gets with its request: the desk, who asks, and whether they may."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Annotated, Any

import anyio
from fastapi import Depends, HTTPException, Request, Security
from fastapi.security import HTTPBearer

from shipways.config.serve import Serve
from shipways.deployer.access import Asker, Sessions
from shipways.deployer.desk import Desk
from shipways.deployer.figures import Figures
from shipways.deployer.tokens import Keys, Scope
from shipways.model.job import Standing
from shipways.ports import Clock

_BEARER = HTTPBearer(auto_error=False, description="A token of `shipways serve --new-token NAME`.")
_FRESH = 5.0
"""Seconds for which hosts and registry are not asked again: who asks for the health is not known."""


@dataclass(slots=True)
class House:
    """What the whole application works with. `stopping` is set when it is to end, `followers` how many
    listen to jobs now."""

    desk: Desk
    serve: Serve
    keys: Keys
    sessions: Sessions
    figures: Figures
    clock: Clock
    stopping: asyncio.Event = field(default_factory=asyncio.Event)
    followers: int = 0
    _lock: anyio.Lock = field(default_factory=anyio.Lock)
    _seen: tuple[float, Standing] | None = None

    async def standing(self) -> Standing:
        """As it was seen a moment ago, or now: one look for all who wait for it, however long that takes."""
        async with self._lock:
            if self._seen is None or self.clock.monotonic() - self._seen[0] >= _FRESH:
                found = await self.desk.standing()
                self._seen = (self.clock.monotonic(), found)
            return self._seen[1]


def house(request: Request) -> House:
    """That of the application."""
    found: House = request.app.state.house
    return found


def asker(request: Request) -> Asker | None:
    """Who asks; the gate has looked."""
    found: Asker | None = request.state.asker
    return found


def allowed(scope: Scope) -> Callable[..., Asker]:
    """Who asks, when they may do this."""

    def check(who: Annotated[Asker | None, Depends(asker)], _: Annotated[Any, Security(_BEARER)]) -> Asker:
        if who is None or scope not in who.scopes:
            raise HTTPException(403, f"the token has no scope {scope}")
        return who

    return check


InHouse = Annotated[House, Depends(house)]
Someone = Annotated[Asker | None, Depends(asker)]
Reader = Annotated[Asker, Depends(allowed(Scope.READ))]
Deployer = Annotated[Asker, Depends(allowed(Scope.DEPLOY))]
Holder = Annotated[Asker, Depends(allowed(Scope.HOLD))]
