"""Plays a case: a run in which something goes wrong, runs until all is there, and a last one that only reads."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from types import MappingProxyType
from typing import Final

import anyio

from shipways.errors import Conflict, Problem, ShipwaysError, Unfinished
from shipways.model.event import Event, Started
from shipways.model.manifest import Manifest
from shipways.model.outcome import Row, State
from shipways.outside.channels import Channel
from shipways.ports import Clock
from shipways.rehearse.cases import ALL, HARMLESS, KILLED, KILLED_AFTER, RANDOM, Case, Size, Storm, Strike
from shipways.rehearse.faults import Fault
from shipways.rehearse.harbour import Harbour
from shipways.run.reconciler import Around, collect, converge

_LIMIT: Final = 60.0
"""Seconds of a run: waiting costs none, so a run that takes as long hangs."""


class Killed(BaseException):
    """The program ends here, as by a power failure."""


@dataclass(slots=True, kw_only=True)
class Witness:
    """The `Console` port of a run that nobody watches, and its record: counts items, and ends the run at one of them.

    `channel` is that whose items count, `all` for every one.
    """

    channel: str = ALL
    before: int = -1
    after: int = -1
    begun: int = 0
    done: int = 0

    def emit(self, event: Event) -> None:
        """An item is about to be applied."""
        if isinstance(event, Started) and self._counts(event.step):
            self.begun += 1
            if self.begun - 1 == self.before:
                raise Killed

    def print(self, text: str) -> None:
        """Nobody reads it."""

    def record(self, row: Row) -> None:
        """An item was applied, and nobody has noted it yet."""
        if self._counts(row.item.id):
            self.done += 1
            if self.done - 1 == self.after:
                raise Killed

    def _counts(self, item: str) -> bool:
        return self.channel in (ALL, item.partition("/")[0])


@dataclass(frozen=True, slots=True, kw_only=True)
class Ran:
    """How a run ended: killed or with an error or neither; and how many items it applied, and requests that changed."""

    killed: bool = False
    error: ShipwaysError | None = None
    applied: int = 0
    writes: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """What became of a case. `hit`: the fault has happened; `tries` are the runs until all was there.

    `problem` is empty when it converged; `seconds` are those of the wall.
    """

    case: Case
    hit: bool
    tries: int
    seconds: float
    problem: str = ""
    conflict: bool = False


@dataclass(slots=True, kw_only=True)
class Rehearsal:
    """A release that can be brought to the harbour again and again. `clock` is the machine's, to measure."""

    channels: Sequence[Channel]
    manifest: Manifest
    dist: Path
    harbour: Harbour
    clock: Clock
    seed: int
    calm: dict[frozenset[str], Mapping[str, object]] = field(default_factory=dict)
    """What a run leaves in which nothing goes wrong, by its channels."""

    def company(self, channel: str) -> frozenset[str]:
        """The channel, with those whose items its own need; `all` are all."""
        items = collect(self.channels, self.manifest)
        needs = {(item.channel, items[need].channel) for item in items.values() for need in item.needs}
        found = {each.name for each in self.channels} if channel == ALL else {channel}
        while more := {need for own, need in needs if own in found} - found:
            found |= more
        return frozenset(found)

    async def measure(self, channel: str) -> Size:
        """How much a channel does. Raises the error of a run in which nothing goes wrong."""
        company = self.company(channel)
        self.harbour.clear()
        witness = Witness(channel=channel)
        ran = await self.run(company, witness)
        if ran.error is not None:
            raise ran.error
        self.calm[company] = self.harbour.holds(company)
        moored = [self.harbour.moored[channel]] if channel != ALL else self.harbour.moored.values()
        requests = sum(len(each.traffic.requests) for each in moored)
        writes = sum(len(each.traffic.writes()) for each in moored)
        return Size(requests=requests, writes=writes, items=witness.done)

    async def again(self) -> str:
        """What is wrong with one more run of everything, where everything is there already; empty when nothing is."""
        return _left(await self.run(self.company(ALL), Witness()))

    async def play(self, case: Case) -> Result:
        """One case, in a harbour that is empty. What `measure` has said of its channel is what has to be there."""
        begin, company = self.clock.monotonic(), self.company(case.channel)
        self.harbour.clear()
        witness, faults = self._armed(case)
        ran, tries = await self.run(company, witness, faults), 1
        hit = ran.killed or any(fault.hit for fault in faults.values())
        problem, conflict = _at_once(case, ran), isinstance(ran.error, Conflict)
        if ran.killed or ran.error:
            ran, tries = await self.run(company, Witness()), 2
            problem, conflict = problem or _told(ran), conflict or isinstance(ran.error, Conflict)
        problem = problem or _left(await self.run(company, Witness())) or self._differs(company)
        seconds = self.clock.monotonic() - begin
        return Result(case=case, hit=hit, tries=tries, seconds=seconds, problem=problem, conflict=conflict)

    async def run(
        self, company: Collection[str], witness: Witness, faults: Mapping[str, Strike | Storm] = MappingProxyType({})
    ) -> Ran:
        """One process, which begins knowing nothing."""
        self.harbour.arm(faults)
        killed, error, applied = False, None, 0
        channels = [channel for channel in self.channels if channel.name in company]
        try:
            with anyio.fail_after(_LIMIT):
                async with self.harbour.outside(self.dist) as outside:
                    around = Around(outside=outside, console=witness, clock=self.harbour.clock, record=witness.record)
                    outcome = await converge(channels, self.manifest, around)
            error, applied = outcome.error(), sum(row.state is State.APPLIED for row in outcome.rows)
        except Killed:
            killed = True
        except TimeoutError:
            error = Unfinished(Problem(path="rehearse", what=f"a run has not ended after {_LIMIT:g} s"))
        return Ran(killed=killed, error=error, applied=applied, writes=self.harbour.writes())

    def _armed(self, case: Case) -> tuple[Witness, Mapping[str, Strike | Storm]]:
        """Who ends the run, if anybody, and the faults."""
        if case.fault == KILLED:
            return Witness(channel=case.channel, before=case.at), {}
        if case.fault == KILLED_AFTER:
            return Witness(channel=case.channel, after=case.at), {}
        if case.fault != RANDOM:
            return Witness(), {case.channel: Strike(Fault(case.fault), case.at)}
        seed = f"{self.seed} {case.at}"
        items = len(collect(self.channels, self.manifest))
        end = Random(seed).randrange(2 * items)  # noqa: S311 - to be repeated; half of them end nowhere
        return Witness(after=end), {name: Storm(f"{seed} {name}") for name in self.harbour.moored}

    def _differs(self, company: frozenset[str]) -> str:
        """How what is there differs from what a run leaves in which nothing goes wrong."""
        wanted, found = self.calm[company], self.harbour.holds(company)
        return "; ".join(
            f"{name} has {found[name]}, not {wanted[name]}" for name in wanted if found[name] != wanted[name]
        )


def _at_once(case: Case, ran: Ran) -> str:
    """What is wrong with how the first run ended: it bears a fault, or says what is not finished."""
    if isinstance(ran.error, Conflict):
        return _told(ran)
    return _told(ran) if case.fault in HARMLESS else ""


def _told(ran: Ran) -> str:
    return str(ran.error) if ran.error else ""


def _left(ran: Ran) -> str:
    """What is wrong with a run for which nothing was left to do."""
    if ran.error or not (ran.applied or ran.writes):
        return _told(ran)
    return f"a run for which nothing was left applied {ran.applied} items, by {ran.writes} requests"
