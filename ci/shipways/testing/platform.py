"""A platform in memory: things run there, are healthy or not, and fail as they are told to."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Final

import anyio.lowlevel

from shipways.errors import Moved, Problem, Transient, Unfinished
from shipways.model.deployment import Pulse, Running, Terms
from shipways.model.item import Item
from shipways.model.manifest import Manifest
from shipways.outside.platforms import Site
from shipways.testing.place import Crash, Fault

_TERMS: Final = Terms(wait=3, interval=1, watch=0)


@dataclass(slots=True)
class Platform:
    """What runs, what of it is not healthy (`sick`, by item and digest), and every change in its order.

    `begun` tells a start of everything from the next.
    """

    running: dict[str, Running] = field(default_factory=dict)
    sick: set[tuple[str, str]] = field(default_factory=set)
    log: list[tuple[str, str]] = field(default_factory=list)
    begun: str = ""

    def put(self, item: str, digest: str, previous: str) -> None:
        """The change itself."""
        self.log.append((item, digest))
        self.running[item] = Running(digest=digest, previous=previous, url=f"memory:{item}")

    def mixed(self) -> bool:
        """Whether something runs that is not healthy."""
        return any((item, running.digest) in self.sick for item, running in self.running.items())


class PlatformDeployer:
    """The `Deployer` port over a platform. `fault` decides how each call of `apply` ends."""

    def __init__(
        self,
        platform: Platform,
        items: Sequence[Item],
        fault: Callable[[Item], Fault] = lambda _: Fault.NONE,
        terms: Terms = _TERMS,
    ) -> None:
        self.name = "deploy.test"
        self.terms = terms
        self.platform = platform
        self._items = tuple(items)
        self._fault = fault

    def items(self) -> tuple[Item, ...]:
        """Those that it was made with, without what they want."""
        return tuple(replace(item, want="") for item in self._items)

    def desired(self, manifest: Manifest) -> tuple[Item, ...]:
        """The items that it was made with."""
        del manifest
        return self._items

    async def preflight(self, site: Site) -> tuple[Problem, ...]:
        """Nothing is in the way."""
        del site
        return ()

    async def observe(self, site: Site, items: Sequence[Item]) -> Mapping[str, Running]:
        """What runs."""
        del site
        return {item.id: self.platform.running[item.id] for item in items if item.id in self.platform.running}

    async def apply(self, site: Site, item: Item, seen: Running, previous: str) -> str:
        """Let it run, if what was seen still does."""
        del site
        fault = self._fault(item)
        await anyio.lowlevel.checkpoint()
        if fault is Fault.CRASH:
            raise Crash
        if fault is Fault.BUSY:
            raise Transient(Problem(path=item.id, what="busy"), after=1.0)
        if fault is Fault.REFUSED:
            raise Unfinished(Problem(path=item.id, what="refused"))
        if fault is Fault.RIVAL:
            self.platform.put(item.id, item.want, previous)
        if self.platform.running.get(item.id, Running()).digest != seen.digest:
            raise Moved(Problem(path=item.id, what="has changed"))
        self.platform.put(item.id, item.want, previous)
        await anyio.lowlevel.checkpoint()
        if fault is Fault.LOST:
            raise Transient(Problem(path=item.id, what="no answer"))
        if fault is Fault.CRASH_AFTER:
            raise Crash
        return f"memory:{item.id}"

    async def probe(self, site: Site, item: Item) -> Pulse:
        """Whether it is healthy."""
        del site
        await anyio.lowlevel.checkpoint()
        running = self.platform.running.get(item.id, Running()).digest
        if running != item.want:
            return Pulse(healthy=False, why=f"{running or 'nothing'} runs")
        sick = (item.id, item.want) in self.platform.sick
        return Pulse(healthy=not sick, why="503" if sick else "", answered=sick, begun=self.platform.begun)

    async def withdraw(self, site: Site, item: Item) -> None:
        """End it; nothing else than what was to run there."""
        del site
        if self.platform.running.get(item.id, Running()).digest not in {"", item.want}:
            raise Moved(Problem(path=item.id, what="has changed"))
        if self.platform.running.pop(item.id, None):
            self.platform.log.append((item.id, ""))

    async def logs(self, site: Site, item: Item) -> str:
        """What it printed."""
        del site
        return f"{item.id} began\n{item.id} broke\n"
