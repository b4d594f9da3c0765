"""Deploy: what runs becomes what should run, all of it and healthy, or what ran before runs again."""

import contextlib
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Final

import anyio

from shipways.errors import DeployFailed, Problem, ShipwaysError, Unfinished
from shipways.model.deployment import Move, Running
from shipways.model.event import Began, Ended, Note, Started
from shipways.model.item import Item
from shipways.model.outcome import Outcome, Row, State
from shipways.outside.moves import Moves, Unmoved
from shipways.outside.platforms import Deployer, Site
from shipways.ports import Clock, Console
from shipways.run.asking import asked, printed
from shipways.run.ending import ended
from shipways.run.patience import insist, persist
from shipways.run.phases import host_of
from shipways.run.returning import foreign, later
from shipways.tasks import in_order

WIDTH: Final = 30
"""How many items are applied at once."""
_AGAIN: Final = 1.0
"""Seconds after which one is asked again that has answered, and not well."""
_FOREIGN: Final = "somebody else has deployed there since"


@dataclass(frozen=True, slots=True, kw_only=True)
class Crew:
    """What a deployment works with. `record` is told of every item that was applied or taken back, at once.

    `moves` knows what a run before this one moved and did not settle: it returns with the rest. `leaves` says whether
    a run that is cancelled leaves all as it is, for the next one.
    """

    site: Site
    console: Console
    clock: Clock
    record: Callable[[Row], None] = lambda _: None
    moves: Moves = field(default_factory=Unmoved)
    leaves: Callable[[], bool] = lambda: False


async def deploy(deployer: Deployer, items: Sequence[Item], crew: Crew, *, apply: bool = True) -> Outcome:
    """Bring all items of a deployment to what they should be. Without `apply`, only look.

    They stand and fall together: when one is not healthy in time, or fails while it is watched, or the run is
    interrupted, those that were moved return to what they were. A failure is a row. Raises Unfinished when nothing can
    be seen.
    """
    run = _Run(deployer=deployer, items={item.id: item for item in items}, crew=crew)
    await run.look()
    return await run.through(run.go) if apply else run.outcome()


async def undo(deployer: Deployer, items: Sequence[Item], crew: Crew) -> Outcome:
    """Let those return that a run moved which did not end. A failure is a row: that of a host that is silent, too."""
    moved = crew.moves.moved()
    begun = {item.id: replace(item, want=moved[item.id].want) for item in items if item.id in moved}
    run = _Run(deployer=deployer, items=begun, crew=crew)
    run.recall()
    return await run.through(run.back)


def failure(outcome: Outcome) -> ShipwaysError | None:
    """What a deployment with this outcome ends with."""
    problems = tuple(_placed(row.item.id, problem) for row in outcome.rows for problem in row.problems)
    return DeployFailed(*problems) if problems else None


def _placed(item: str, problem: Problem) -> Problem:
    """With the item: a program that failed does not say where it was run."""
    return problem if problem.path.startswith(item) else replace(problem, path=f"{item}: {problem.path}".rstrip(": "))


@dataclass(slots=True, kw_only=True)
class _Run:
    """The state of one deployment; nothing outside this module sees it change."""

    deployer: Deployer
    items: Mapping[str, Item]
    crew: Crew
    seen: dict[str, Running] = field(default_factory=dict)
    first: dict[str, Running] = field(default_factory=dict)
    rows: dict[str, Row] = field(default_factory=dict)
    begun: dict[str, Move] = field(default_factory=dict)
    moved: list[str] = field(default_factory=list)
    hung: set[str] = field(default_factory=set)
    limit: anyio.CapacityLimiter = field(default_factory=lambda: anyio.CapacityLimiter(WIDTH))

    async def look(self) -> None:
        """What runs before anything is done."""
        self.seen = dict(await self._observe(tuple(self.items.values())))
        self.recall()

    def recall(self) -> None:
        """What was begun before this run and did not end, but for what somebody else has changed since."""
        begun = {name: move for name, move in self.crew.moves.moved().items() if name in self.items}
        begun = {name: move for name, move in begun.items() if not foreign(self.seen.get(name, Running()), move)}
        self.first = {**self.seen, **{name: move.before for name, move in begun.items()}}
        self.begun, self.moved = begun, [*begun]

    async def through(self, act: Callable[[], Awaitable[None]]) -> Outcome:
        """Act, while the console shows it."""
        self.crew.console.emit(Began(steps=tuple(self.items)))
        try:
            await act()
        finally:
            self.crew.console.emit(Ended())
        return self.outcome()

    def outcome(self) -> Outcome:
        """A row for each item."""
        rows = tuple(self.rows.get(name) or self.standing(item) for name, item in self.items.items())
        return Outcome(rows=rows, begun=True)

    async def go(self) -> None:
        """Each item after what it needs; then the watch; and the way back where it did not go well."""
        try:
            await in_order({item.id: item.needs for item in self.items.values()}, self._attempt)
            if self.moved and not self._failed():
                await self._watch()
        except (Exception, anyio.get_cancelled_exc_class()) as error:
            if isinstance(error, Exception) or not self.crew.leaves():
                with anyio.CancelScope(shield=True):
                    await self.back()
            raise
        if self._failed():
            await self.back()
        else:
            self.crew.moves.settled()

    def standing(self, item: Item) -> Row:
        """The row of an item that nothing was done to."""
        running = self.seen.get(item.id, Running())
        state = State.DONE if running.digest == item.want and not running.torn else State.PENDING
        return Row(item=item, state=state, before=running.digest, stamp=running.stamp, url=running.url)

    async def _attempt(self, name: str) -> None:
        """Apply it and wait until it is healthy; nothing begins once something has failed."""
        item, before, begin = self.items[name], self.first[name], self.crew.clock.monotonic()
        row = self.standing(item)
        if self._failed():
            return
        try:
            async with self.limit:
                tries = await self._apply(item, before.previous if before.digest == item.want else before.digest)
            await self._gate(item)
        except ShipwaysError as error:
            seconds = self.crew.clock.monotonic() - begin
            self._end(replace(row, state=State.FAILED, problems=tuple(error.problems), seconds=seconds))
            return
        if tries:
            seconds = self.crew.clock.monotonic() - begin
            row = replace(row, state=State.APPLIED, url=self.seen[name].url, seconds=seconds, tries=tries)
        self._end(row)

    async def _apply(self, item: Item, previous: str) -> int:
        """After how many tries it runs; 0 when it ran before."""

        async def act(tries: int) -> int:
            seen = self.seen[item.id]
            if self._foreign(item.id):
                raise Unfinished(Problem(path=item.id, what=_FOREIGN, why=f"{seen.digest} runs there"))
            if item.want and seen.digest == item.want and not seen.torn:
                return tries - 1
            if tries == 1:
                self._begin(item)
            url = ""
            if item.want:
                url = await self.deployer.apply(self.crew.site, item, seen, previous)
            else:  # one that could not be begun may have left something, too
                await self.deployer.withdraw(self.crew.site, self.items[item.id])
            self.seen[item.id] = Running(digest=item.want, previous=previous, url=url)
            return tries

        async def look() -> None:
            first = item if item.want else self.items[item.id]
            self.seen |= await self._observe((first, *later(item, self.items.values())))

        return await insist(item.id, act, look, self.crew.console, self.crew.clock)

    def _begin(self, item: Item) -> None:
        self.crew.console.emit(Started(step=item.id))
        if item is self.items[item.id]:  # and not on its way back
            self.crew.moves.move(item.id, Move(want=item.want, before=self.first[item.id]))
        if item.id not in self.moved:
            self.moved.append(item.id)

    def _foreign(self, name: str) -> bool:
        mine = Move(want=self.items[name].want, before=self.first[name])
        return foreign(self.seen[name], mine, self.begun.get(name, mine))

    async def _gate(self, item: Item) -> None:
        """Wait until it is healthy. Raises DeployFailed with the end of its log."""
        terms, clock = self.deployer.terms, self.crew.clock
        end, wrong = clock.monotonic() + terms.wait, 0
        while not (pulse := await asked(self.deployer, self.crew.site, item)).healthy:
            wrong += pulse.answered
            if pulse.lost or wrong > terms.retries or clock.monotonic() >= end:
                raise DeployFailed(await self._unhealthy(item, pulse.why))
            await clock.sleep(max(terms.interval, _AGAIN) if pulse.answered else terms.interval)

    async def _watch(self) -> None:
        """Ask on for a while; a single bad answer is asked for again, but not one that has begun anew meanwhile."""
        terms, clock = self.deployer.terms, self.crew.clock
        end, moved, begun = clock.monotonic() + terms.watch, tuple(self.moved), dict[str, str]()
        if terms.watch:
            self.crew.console.emit(Note(text=f"{self.deployer.name}: is watched for {terms.watch:g} s"))
        while clock.monotonic() < end and not self._failed():
            await clock.sleep(min(terms.interval, end - clock.monotonic()))
            for name in moved:
                await self._stays(self.items[name], begun)

    async def _stays(self, item: Item, begun: dict[str, str]) -> None:
        try:
            pulse = await asked(self.deployer, self.crew.site, item)
            if not pulse.healthy:
                await self._gate(item)
            elif begun.setdefault(item.id, pulse.begun) != pulse.begun:
                raise DeployFailed(await self._unhealthy(item, "it ended, and was started again"))
        except ShipwaysError as error:
            self._end(replace(self.rows[item.id], state=State.FAILED, problems=tuple(error.problems)))

    async def back(self) -> None:
        """Those that were moved go back, what others need last."""
        needing: dict[str, Collection[str]] = {
            name: [other for other in self.moved if name in self.items[other].needs] for name in self.moved
        }
        await in_order(needing, self._undo)

    async def _undo(self, name: str) -> None:
        item, before = self.items[name], self.first[name]
        row = self.rows.get(name) or replace(self.standing(item), before=before.digest)
        back = replace(item, want=before.digest)
        why = await self._unreturned(back, before)
        if why and why != _FOREIGN:
            hint = f"look at it yourself: {self.deployer.name} runs a mixture; the next run tries it again"
            lost = Problem(path=name, what=f"could not return to {before.digest or 'nothing'}", why=why, hint=hint)
        else:
            lost = Problem(path=name, what=f"is left as it is: {why}")
            with contextlib.suppress(ShipwaysError):  # a run that does not know it lets it return once more
                self.crew.moves.returned(name)
        if why:
            self._end(replace(row, state=State.FAILED, problems=(*row.problems, lost)))
            return
        self.crew.console.emit(Note(text=f"{name}: returned to {before.digest or 'nothing'}", level="warning"))
        self.rows[name] = replace(row, state=State.RETURNED)
        with contextlib.suppress(ShipwaysError):  # what has returned has, and the others have to
            self.crew.record(replace(row, item=back, before=item.want, state=State.RETURNED))

    async def _unreturned(self, back: Item, before: Running) -> str:
        """Why it has not returned; empty when it has. Where a host has not answered in time it is not asked again."""
        item, host, seconds = self.items[back.id], host_of(back.id), self.deployer.terms.back
        if host in self.hung:
            return f"{host} did not answer before"
        try:
            with anyio.fail_after(seconds):
                self.seen |= await self._observe((item,))
                await self._apply(back, before.previous)
                if back.want:
                    await self._gate(back)
        except TimeoutError:
            self.hung.add(host)
            return f"it was not done in {seconds:g} s"
        except ShipwaysError as error:
            if item.id not in self.seen:
                self.hung.add(host)
            return error.problems[0].what
        return ""

    async def _unhealthy(self, item: Item, why: str) -> Problem:
        told = await printed(self.deployer, self.crew.site, item)
        hint = "" if item.id in self.moved else f"it was deployed before: `shipways rollback {self.deployer.name[7:]}`"
        return Problem(path=item.id, what=f"is not healthy: {why}", why=told, hint=hint)

    async def _observe(self, items: Sequence[Item]) -> Mapping[str, Running]:
        """Ask, again while there is no answer. An item of which nothing is said does not run."""
        found = await persist(
            self.deployer.name,
            lambda: self.deployer.observe(self.crew.site, items),
            self.crew.console,
            self.crew.clock,
        )
        return {item.id: found.get(item.id, Running()) for item in items}

    def _failed(self) -> bool:
        return any(row.state is State.FAILED for row in self.rows.values())

    def _end(self, row: Row) -> None:
        """What cannot be recorded has failed."""
        self.rows[row.item.id] = row
        try:
            ended(row, self.crew.record, self.crew.console)
        except ShipwaysError as error:
            self._end(replace(row, state=State.FAILED, problems=tuple(error.problems)))
