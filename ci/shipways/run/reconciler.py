"""Converge: makes every place outside what it should be, once, and again without harm until nothing is left to do."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Final

import anyio

from shipways.errors import ConfigError, Conflict, Problem, ShipwaysError
from shipways.model.event import Began, Ended, Note, Skipped, Started
from shipways.model.item import Item, ItemKind, Phase, Publication, Seen, Verdict, has_begun, judge
from shipways.model.manifest import Manifest
from shipways.model.outcome import GOOD, Outcome, Row, State
from shipways.model.pace import wait_text
from shipways.outside.channels import Channel, Outside, Paced
from shipways.ports import Clock, Console
from shipways.run.ending import ended
from shipways.run.patience import insist, persist
from shipways.tasks import in_order, together

WIDTH: Final = 8
"""How many items of one channel are applied at once."""
_NEXT: Final = "release the next version"


@dataclass(frozen=True, slots=True, kw_only=True)
class Around:
    """What the reconciler works with. `record` is told of every item that was applied, at once."""

    outside: Outside
    console: Console
    clock: Clock
    record: Callable[[Row], None] = lambda _: None


async def converge(
    channels: Sequence[Channel], manifest: Manifest, around: Around, *, apply: bool = True, anew: bool = False
) -> Outcome:
    """Observe everything, then apply what is missing: first all of STAGE, then COMMIT. Without `apply`, only observe.

    With `anew` proofs of others are replaced too, as long as nothing is public. Raises ConfigError for needs that
    nobody meets. A failure is a row; nothing of COMMIT begins after one in STAGE.
    """
    items = collect(channels, manifest)
    run = _Run(channels={channel.name: channel for channel in channels}, items=items, around=around, anew=anew)
    await run.look(items.values())
    run.begun = has_begun(tuple(items.values()), tuple(run.seen.get(name, Seen()) for name in items))
    run.foretell()
    if apply:
        around.console.emit(Began(steps=tuple(items)))
        try:
            await run.publish()
        finally:
            around.console.emit(Ended())
    rows = tuple(run.rows.get(name) or run.standing(item) for name, item in items.items())
    return Outcome(rows=rows, begun=run.begun)


def collect(channels: Iterable[Channel], manifest: Manifest) -> dict[str, Item]:
    """The items of all channels by id. Raises ConfigError for needs that no item meets, or only a later phase does."""
    items = _led({item.id: item for channel in channels for item in channel.desired(manifest)})
    problems = [
        Problem(path=item.id, what=f"needs {need}, which no channel brings before")
        for item in items.values()
        for need in item.needs
        if need not in items or (item.phase is Phase.STAGE and items[need].phase is Phase.COMMIT)
    ]
    if problems:
        raise ConfigError(*problems)
    return items


def _led(items: Mapping[str, Item]) -> dict[str, Item]:
    """The items, of which those of COMMIT need every one that comes first."""
    first = tuple(item.id for item in items.values() if item.first)
    return {
        item.id: replace(item, needs=(*item.needs, *first)) if item.phase is Phase.COMMIT and not item.first else item
        for item in items.values()
    }


@dataclass(slots=True, kw_only=True)
class _Run:
    """The state of one run; nothing outside this module sees it change."""

    channels: Mapping[str, Channel]
    items: Mapping[str, Item]
    around: Around
    anew: bool
    begun: bool = False
    seen: dict[str, Seen] = field(default_factory=dict)
    rows: dict[str, Row] = field(default_factory=dict)
    limits: dict[str, anyio.CapacityLimiter] = field(default_factory=dict)

    async def look(self, items: Iterable[Item]) -> None:
        """Observe items, every channel at the same time. Those of a channel that cannot be asked have failed."""
        by_channel: dict[str, list[Item]] = {}
        for item in items:
            by_channel.setdefault(item.channel, []).append(item)

        async def ask(name: str, mine: Sequence[Item]) -> None:
            try:
                self.seen |= await self._observe(name, mine)
            except ShipwaysError as error:
                for item in mine:
                    self._end(Row(item=item, state=State.FAILED, problems=tuple(error.problems)))

        await together(partial(ask, name, mine) for name, mine in by_channel.items())

    def foretell(self) -> None:
        """Say how long places will make this run last, where that is known before."""
        for name, channel in self.channels.items():
            if isinstance(channel, Paced):
                mine = [i for i in self.items.values() if i.channel == name and i.id not in self.rows]
                todo = [self.seen[item.id] for item in mine if self._judge(item) is Verdict.APPLY]
                if seconds := channel.pace(todo):
                    self.around.console.emit(Note(text=f"{name}: {wait_text(seconds)}"))

    async def publish(self) -> None:
        """STAGE, a last look at it, COMMIT."""
        staged = [item for item in self.items.values() if item.phase is Phase.STAGE]
        public = [item for item in self.items.values() if item.phase is Phase.COMMIT]
        await self._settle(staged)
        if any(self.rows[item.id].state is State.APPLIED for item in staged):
            await self._confirm(staged)
        if any(self.rows[item.id].state not in GOOD for item in staged):
            return
        todo = [i for i in public if i.id not in self.rows and self._judge(i) is Verdict.APPLY]
        if todo and not self.begun:
            text = f"point of no return: {len(todo)} items become public, which nobody can take back everywhere"
            self.around.console.emit(Note(text=text))
        await self._settle(public)
        self.begun = self.begun or any(self.rows[item.id].state is State.APPLIED for item in public)

    def standing(self, item: Item) -> Row:
        """The row of an item that was only looked at."""
        states = {
            Verdict.DONE: State.DONE,
            Verdict.KEEP: State.KEPT,
            Verdict.APPLY: State.PENDING,
            Verdict.CONFLICT: State.CONFLICT,
        }
        seen, verdict = self.seen[item.id], self._judge(item)
        problems = (self._conflict(item, seen),) if verdict is Verdict.CONFLICT else ()
        return Row(
            item=item, state=states[verdict], before=seen.value, stamp=seen.stamp, url=seen.url, problems=problems
        )

    async def _settle(self, items: Sequence[Item]) -> None:
        """Each item after what it needs, independent ones at the same time."""

        async def attempt(name: str) -> None:
            if name not in self.rows:
                item = self.items[name]
                lost = [need for need in item.needs if self.rows[need].state not in GOOD]
                await (self._block(item, lost[0]) if lost else self._attempt(item))

        await in_order({item.id: item.needs for item in items}, attempt)

    async def _block(self, item: Item, need: str) -> None:
        self._end(Row(item=item, state=State.BLOCKED, before=self.seen[item.id].value))
        self.around.console.emit(Skipped(step=item.id, kind="needs", reason=f"waits for {need}", fix=""))

    async def _attempt(self, item: Item) -> None:
        """Judge what was seen; apply; after every answer that leaves a doubt, look again before anything else."""
        begin, before = self.around.clock.monotonic(), self.seen[item.id].value
        row = Row(item=item, state=State.FAILED, before=before)
        async with self.limits.setdefault(item.channel, anyio.CapacityLimiter(WIDTH)):
            try:
                published, tries = await self._persist(item)
                if tries:
                    self.seen[item.id] = Seen(value=item.want, version=item.version, url=published.url)
                    row = replace(row, state=State.APPLIED, url=published.url, tries=tries)
                else:
                    row = self.standing(item)
            except Conflict as error:
                row = replace(row, state=State.CONFLICT, problems=tuple(error.problems))
            except ShipwaysError as error:
                row = replace(row, problems=tuple(error.problems))
        seconds = self.around.clock.monotonic() - begin if row.state is not State.DONE else 0.0
        self._end(replace(row, seconds=seconds))

    async def _persist(self, item: Item) -> tuple[Publication, int]:
        """The publication, and after how many tries it was there; 0 when nothing was to be done."""
        channel = self.channels[item.channel]

        async def act(tries: int) -> tuple[Publication, int]:
            seen = self.seen[item.id]
            verdict = self._judge(item)
            if verdict is Verdict.CONFLICT:
                raise Conflict(self._conflict(item, seen))
            if verdict is not Verdict.APPLY:
                return Publication(item=item.id, url=seen.url), tries - 1 if verdict is Verdict.DONE else 0
            self._announce(item, seen, tries)
            return await channel.apply(self.around.outside, item, seen), tries

        async def look() -> None:
            self.seen |= await self._observe(channel.name, (item,))

        return await insist(item.id, act, look, self.around.console, self.around.clock)

    async def _observe(self, name: str, items: Sequence[Item]) -> Mapping[str, Seen]:
        """Ask a channel, again while it does not answer. An item of which it says nothing is not there."""
        ask = partial(self.channels[name].observe, self.around.outside, items)
        found = await persist(name, ask, self.around.console, self.around.clock)
        return {item.id: found.get(item.id, Seen()) for item in items}

    def _judge(self, item: Item) -> Verdict:
        """What is to be done; a passing item is not needed any more when all that need it are there, or newer."""
        if item.passing:
            after = [other for other in self.items.values() if item.id in other.needs]
            settled = {Verdict.DONE, Verdict.KEEP}
            seen = [self._verdict(other) in settled for other in after]
            if seen and all(seen):
                return Verdict.DONE
        return self._verdict(item)

    def _verdict(self, item: Item) -> Verdict:
        return judge(item, self.seen.get(item.id, Seen()), begun=self.begun, anew=self.anew)

    async def _confirm(self, staged: Sequence[Item]) -> None:
        """Whether all that was staged is there: afterwards nothing can be taken back."""
        good = [item for item in staged if self.rows[item.id].state in GOOD]
        await self.look(good)
        for item in good:
            if self.rows[item.id].state in GOOD and self._judge(item) is not Verdict.DONE:
                problem = Problem(path=item.id, what="was put there, and is not there any more")
                self._end(Row(item=item, state=State.FAILED, problems=(problem,)))

    def _announce(self, item: Item, seen: Seen, tries: int) -> None:
        if tries == 1:
            self.around.console.emit(Started(step=item.id))
        if seen.value and item.phase is Phase.STAGE:
            self.around.console.emit(Note(text=f"{item.id}: replaces {seen.value}, of an earlier try"))

    def _end(self, row: Row) -> None:
        self.rows[row.item.id] = row
        ended(row, self.around.record, self.around.console)

    def _conflict(self, item: Item, seen: Seen) -> Problem:
        """What is in the way, and the one thing to do about it."""
        what = f"{seen.value} is there, not {item.want}"
        if item.kind is not ItemKind.PROOF:
            why, hint = "what is public under this name cannot be replaced", _NEXT if item.path else ""
        elif self.begun:
            why = "a part is public, and its proofs stay as they are"
            hint = f"if [publish.attest] is another since, put it back until this release is finished; else {_NEXT}"
        else:
            why, hint = "it proves nothing", "nothing is public: `release --restage` replaces all that is staged"
        return Problem(path=item.id, what=what, why=why, hint=hint)
