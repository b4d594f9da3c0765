"""What jobs are done with, and what they and the desk both do."""

import contextlib
from collections.abc import AsyncIterator, Callable, Collection, Iterable, Iterator
from dataclasses import dataclass
from typing import Final

import anyio

from shipways.errors import Problem
from shipways.model.secret import masked
from shipways.outside.jobs import Bounds, Bringer, JobJournal
from shipways.outside.platforms import Site
from shipways.ports import Clock
from shipways.run.trail import Trail

_CLOSE: Final = 10.0
"""Seconds to end connections."""
_WHY: Final = 1000
"""Letters of a reason that are told: its end, as the last lines of a log say what happened."""
_SAID: Final = 4000
"""Letters of all that is wrong."""
_JOBS: Final = 1000
_YEAR: Final = 366 * 86400.0
"""So many jobs of a service, of no more than a year: what people look back at. All others are in the trail."""
_NEWS: Final = 50
"""News are long: up to 4 MB a job, with what a build has printed."""


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


def hidden(text: str, values: Collection[str]) -> str:
    """A text without the values, as UTF-8 has it: a name on a disk may be none, and is told nevertheless."""
    return masked(text, values).encode(errors="replace").decode()


def said(problems: Iterable[Problem], values: Collection[str]) -> str:
    """Where, what and why, in a length that can be shown; nothing has one of the values in it, nor a part of one."""
    text = "; ".join(
        ": ".join(filter(None, (each.path, each.what, _end(hidden(each.why, values))))) for each in problems
    )
    return hidden(text, values)[:_SAID]


def _end(text: str) -> str:
    return text if len(text) <= _WHY else f"… {text[-_WHY:]}"


def remembered(now: float) -> Bounds:
    """What is remembered of the jobs of a service."""
    return Bounds(jobs=_JOBS, news=_NEWS, before=now - _YEAR)


def pieces(host: str, text: str, size: int) -> Iterator[str]:
    """What a host has printed, in pieces of whole lines that say where they come from; of a longer one, its begin."""
    made = ""
    for line in (f"{host}: {each}"[:size] for each in text.splitlines()):
        if made and len(made) + 1 + len(line) > size:
            yield made
            made = ""
        made = f"{made}\n{line}" if made else line
    if made:
        yield made
