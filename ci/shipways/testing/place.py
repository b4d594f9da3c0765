"""A place in memory: holds values by item, checks what was seen, and fails as it is told to."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

import anyio.lowlevel

from shipways.errors import Moved, Problem, Transient, Unfinished
from shipways.model.item import Item, Publication, Seen
from shipways.model.manifest import Manifest
from shipways.outside.channels import Outside


class Fault(StrEnum):
    """What happens to one call of `apply`."""

    NONE = "none"
    BUSY = "busy"
    """The place does nothing, and says to come again."""
    LOST = "lost"
    """The place does it, and its answer is lost."""
    REFUSED = "refused"
    """The place does nothing, and never will."""
    CRASH = "crash"
    """This program ends before the place is reached."""
    CRASH_AFTER = "crash after"
    """The place does it, and this program ends."""
    RIVAL = "rival"
    """Another runner does the same a moment before."""


class Crash(BaseException):
    """The program ends here, as by a power failure."""


@dataclass(slots=True)
class Place:
    """What is at a place, and every change of it in its order: item and value."""

    values: dict[str, Seen] = field(default_factory=dict)
    log: list[tuple[str, str]] = field(default_factory=list)

    def put(self, item: Item) -> None:
        """The change itself."""
        self.log.append((item.id, item.want))
        self.values[item.id] = Seen(value=item.want, version=item.version, url=f"memory:{item.id}")


class PlaceChannel:
    """The `Channel` port over a place. `fault` decides how each call of `apply` ends."""

    def __init__(
        self, name: str, place: Place, items: Sequence[Item], fault: Callable[[Item], Fault] = lambda _: Fault.NONE
    ) -> None:
        self.name = name
        self.place = place
        self.items = tuple(items)
        self._fault = fault

    def desired(self, manifest: Manifest) -> tuple[Item, ...]:
        """The items that it was made with."""
        del manifest
        return self.items

    async def observe(self, outside: Outside, items: Sequence[Item]) -> Mapping[str, Seen]:
        """What is there."""
        del outside
        return {item.id: self.place.values[item.id] for item in items if item.id in self.place.values}

    async def apply(self, outside: Outside, item: Item, seen: Seen) -> Publication:
        """Put it there, if what was seen is still there."""
        del outside
        fault = self._fault(item)
        await anyio.lowlevel.checkpoint()  # here the run may be ended from outside, and below
        if fault is Fault.CRASH:
            raise Crash
        if fault is Fault.BUSY:
            raise Transient(Problem(path=item.id, what="busy"), after=1.0)
        if fault is Fault.REFUSED:
            raise Unfinished(Problem(path=item.id, what="refused"))
        if fault is Fault.RIVAL:
            self.place.put(item)
        if self.place.values.get(item.id, Seen()) != seen:
            raise Moved(Problem(path=item.id, what="has changed"))
        self.place.put(item)
        await anyio.lowlevel.checkpoint()
        if fault is Fault.LOST:
            raise Transient(Problem(path=item.id, what="no answer"))
        if fault is Fault.CRASH_AFTER:
            raise Crash
        return Publication(item=item.id, url=f"memory:{item.id}")


def scripted(faults: Iterator[Fault]) -> Callable[[Item], Fault]:
    """The faults in their order, none after the last."""
    return lambda _: next(faults, Fault.NONE)
