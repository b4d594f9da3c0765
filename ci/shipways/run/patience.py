"""Trying again: only what a place says is worth it, each time later, or when the place asks for it."""

from collections.abc import Awaitable, Callable
from typing import Final, TypeVar

from shipways.errors import Moved, ShipwaysError, Transient
from shipways.model.event import Note
from shipways.ports import Clock, Console

TRIES: Final = 6
"""How often an item is tried, and a place is asked, in one run."""
PATIENCE: Final = 3900.0
"""Seconds that a place may ask to be left alone: GitHub's limit is counted by the hour, and clocks differ."""
_T = TypeVar("_T")


async def persist(what: str, ask: Callable[[], Awaitable[_T]], console: Console, clock: Clock) -> _T:
    """The answer of a place that is asked again while it does not give one. Raises what the last try does."""
    for tries in range(1, TRIES + 1):
        try:
            return await ask()
        except Transient as error:
            if tries == TRIES:
                raise
            await pause(what, error, tries, console, clock)
    raise AssertionError("the last try returns or raises")


async def insist(
    what: str,
    act: Callable[[int], Awaitable[_T]],
    look: Callable[[], Awaitable[None]],
    console: Console,
    clock: Clock,
) -> _T:
    """What an act gives that is told which try it is, from one on. After a doubt it is tried again, but after a look.

    Raises what the last try does.
    """
    for tries in range(1, TRIES + 1):
        try:
            return await act(tries)
        except (Transient, Moved) as error:
            if tries == TRIES:
                raise
            await pause(what, error, tries, console, clock)
        await look()
    raise AssertionError("the last try returns or raises")


async def pause(what: str, error: ShipwaysError, tries: int, console: Console, clock: Clock) -> None:
    """Wait as long as the place asks for, else longer each time. Raises the error when that is too long."""
    asked = error.after if isinstance(error, Transient) else None
    seconds = float(2 ** (tries - 1)) if asked is None else asked
    if seconds > PATIENCE:
        raise error
    text = f"{what}: {error.problems[0].what}; again in {seconds:g} s (try {tries} of {TRIES})"
    console.emit(Note(text=text, level="warning"))
    await clock.sleep(seconds)
