"""Downloads what is published from every place, and compares it with the manifest, byte for byte."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from itertools import count
from pathlib import Path

from anyio import to_thread

from shipways.config.manifestfile import FILE_NAME, manifest_digest
from shipways.errors import Moved, Problem, ShipwaysError
from shipways.model.item import ItemKind, Phase
from shipways.model.manifest import ArtifactEntry, Manifest
from shipways.model.outcome import GOOD, Outcome, Row, State
from shipways.outside.channels import Channel, Leading, Stocked
from shipways.ports import Files
from shipways.run.patience import persist
from shipways.run.reconciler import Around
from shipways.run.supply import WIDTH, held, seen_of
from shipways.tasks import together


@dataclass(frozen=True, slots=True, kw_only=True)
class Findings:
    """What came of looking: what differs, what could not be asked, and what was found right, by channel, in words."""

    wrong: tuple[Problem, ...] = ()
    unasked: tuple[Problem, ...] = ()
    right: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Disk:
    """Where downloads lie while they are compared: an empty folder."""

    files: Files
    folder: Path


def compare(outcome: Outcome) -> Findings:
    """What places say themselves of what they have."""
    failed = [row for row in outcome.rows if row.state is State.FAILED]
    sound = GOOD | {State.FAILED}
    wrong = [row for row in outcome.rows if row.state not in sound and not row.item.passing]
    return Findings(
        wrong=tuple(_differs(row.item.id, row.before or "nothing", row.item.want) for row in wrong),
        unasked=tuple(dict.fromkeys(problem for row in failed for problem in row.problems)),
    )


async def audit(
    channels: Sequence[Channel], manifest: Manifest, outcome: Outcome, around: Around, disk: Disk
) -> Findings:
    """Download all that places have told to have, and what their formulas lead to; count the proofs that hold.

    Proofs were downloaded and verified when places were looked at; here what they are about is compared.
    """
    stocked = {channel.name: channel for channel in channels if isinstance(channel, Stocked)}
    run = _Audit(around=around, disk=disk, equal=dict.fromkeys(stocked, 0))
    entries = _entries(manifest)
    todo = [
        partial(run.check, stocked[row.item.channel], row, entries[path])
        for row, path in held(outcome)
        if row.item.channel in stocked
    ]
    await together(todo, width=WIDTH)
    proofs = Counter(
        row.item.channel for row in outcome.rows if row.item.kind is ItemKind.PROOF and row.state is State.DONE
    )
    right = (
        *((name, f"{number} downloads are what was made") for name, number in run.equal.items()),
        *((name, f"{number} files that its formulas lead to are what these say") for name, number in run.led.items()),
        *((name, f"{number} proofs hold") for name, number in proofs.items()),
    )
    return Findings(wrong=tuple(run.wrong), unasked=tuple(run.unasked), right=right)


@dataclass(slots=True, kw_only=True)
class _Audit:
    """The state of one audit; nothing outside this module sees it change."""

    around: Around
    disk: Disk
    equal: dict[str, int]
    led: Counter[str] = field(default_factory=Counter)
    wrong: list[Problem] = field(default_factory=list)
    unasked: list[Problem] = field(default_factory=list)
    names: Iterator[int] = field(default_factory=count)

    async def check(self, channel: Stocked, row: Row, entry: ArtifactEntry) -> None:
        """Download one, compare it, and forget it."""
        place = self.disk.folder / f"{next(self.names)}.download"
        fetch = partial(channel.fetch, self.around.outside, row.item, seen_of(row), entry, place)
        try:
            await persist(row.item.id, fetch, self.around.console, self.around.clock)
            found = await to_thread.run_sync(self.disk.files.digest, place)
        except Moved as error:
            self.wrong += error.problems
        except ShipwaysError as error:
            self.unasked += error.problems
        else:
            self._judge(row, entry, found)
            if found == entry.digest and row.item.phase is Phase.COMMIT and isinstance(channel, Leading):
                await self._follow(channel, row, place)
        finally:
            self.disk.files.remove(place)

    async def _follow(self, channel: Leading, row: Row, place: Path) -> None:
        """Compare what people are led to."""
        ask = partial(channel.leads, self.around.outside, place)
        try:
            found = await persist(row.item.id, ask, self.around.console, self.around.clock)
        except ShipwaysError as error:
            self.unasked += error.problems
            return
        self.led[row.item.channel] += sum(served.found == served.said for served in found)
        self.wrong += (
            _differs(f"{row.item.id} ({served.url})", served.found or "nothing", served.said)
            for served in found
            if served.found != served.said
        )

    def _judge(self, row: Row, entry: ArtifactEntry, found: str) -> None:
        if found == entry.digest:
            self.equal[row.item.channel] += 1
        else:
            path = row.item.id if entry.path == row.item.path else f"{row.item.id} ({entry.path})"
            self.wrong.append(_differs(path, found, entry.digest))


def _entries(manifest: Manifest) -> dict[str, ArtifactEntry]:
    """What may be downloaded by its path; the manifest is no artifact of itself."""
    own = ArtifactEntry(path=FILE_NAME, kind="manifest", digest=manifest_digest(manifest), size=0)
    return {entry.path: entry for entry in (own, *manifest.artifacts)}


def _differs(path: str, found: str, want: str) -> Problem:
    return Problem(path=path, what=f"{found} is there, not {want}")
