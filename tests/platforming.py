"""Runs of deployments to a platform in memory: three items, two of which have a need."""

from collections.abc import Callable, Sequence
from dataclasses import replace

import anyio

from shipways.model.deployment import Running, Terms
from shipways.model.item import Item, ItemKind, Phase
from shipways.model.outcome import Outcome, Row, State
from shipways.outside.moves import Moves, Unmoved
from shipways.run.deploying import Crew, deploy, undo
from shipways.testing.console import ManualClock, RecordingConsole
from shipways.testing.doors import CLOSED_SITE
from shipways.testing.place import Fault, scripted
from shipways.testing.platform import Platform, PlatformDeployer

INDEX = Item(id="deploy.test/index", kind=ItemKind.MOVING, phase=Phase.DEPLOY, want="new")
AGENT = replace(INDEX, id="deploy.test/agent", needs=(INDEX.id,))
PAGE = replace(INDEX, id="deploy.test/page")
ALL = (INDEX, AGENT, PAGE)
OLD = {item.id: Running(digest="old", previous="older") for item in ALL}


class Run:
    """One process that deploys to the same platform."""

    def __init__(self, platform: Platform, faults: Sequence[Fault] = (), terms: Terms | None = None) -> None:
        self.console, self.clock = RecordingConsole(), ManualClock()
        self.recorded: list[Row] = []
        self.record: Callable[[Row], None] = self.recorded.append
        self.moves: Moves = Unmoved()
        self.platform = platform
        self.deployer = PlatformDeployer(platform, ALL, scripted(iter(faults)))
        self.deployer.terms = terms or self.deployer.terms

    def crew(self) -> Crew:
        """What it works with."""
        return Crew(site=CLOSED_SITE, console=self.console, clock=self.clock, record=self.record, moves=self.moves)

    def __call__(self, items: Sequence[Item] = ALL, *, apply: bool = True) -> Outcome:
        return anyio.run(lambda: deploy(self.deployer, items, self.crew(), apply=apply))

    def undo(self) -> Outcome:
        """Take back what a run before has begun."""
        return anyio.run(lambda: undo(self.deployer, ALL, self.crew()))


def digests(platform: Platform) -> dict[str, str]:
    """What runs, by item."""
    return {name: running.digest for name, running in platform.running.items()}


def states(outcome: Outcome) -> dict[str, State]:
    """The state of every item."""
    return {row.item.id: row.state for row in outcome.rows}
