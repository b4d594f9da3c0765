"""What jobs are done with, and what they and the desk both do."""

import contextlib
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from typing import Final

import anyio

from shipways.errors import Held, Problem
from shipways.outside.jobs import Bringer, JobJournal
from shipways.outside.platforms import Site
from shipways.ports import Clock
from shipways.run.trail import Trail

_CLOSE: Final = 10.0
"""Seconds to end connections."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Tools:
    """What jobs are done with. `site` opens the doors for one job; `timeout`: its seconds; `name` makes an id.

    `grace`: seconds that running jobs have to end when the desk is closed; those that have not go on when it is opened.
    """

    journal: JobJournal
    trail: Trail
    bringer: Bringer
    clock: Clock
    site: Callable[[], Site]
    name: Callable[[], str]
    timeout: float
    concurrent: int
    grace: float


@contextlib.asynccontextmanager
async def reaching(opened: Callable[[], Site]) -> AsyncIterator[Site]:
    """Doors whose connections end with the block, also when it is cancelled."""
    site = opened()
    try:
        yield site
    finally:
        with anyio.move_on_after(_CLOSE, shield=True):
            await site.hosts.aclose()


def held(service: str, by: str, reason: str) -> Held:
    """Why nothing is deployed."""
    return Held(Problem(path=service, what=f"is held by {by}", why=reason, hint="take the hold back first"))
