"""Downloads what is published from every place, and compares it with the manifest, byte for byte."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from itertools import count
from pathlib import Path

from anyio import to_thread

from shipways.config.manifestfile import FILE_NAME, manifest_digest
from shipways.errors import Moved, Problem, ShipwaysError
from shipways.model.manifest import ArtifactEntry, Manifest
from shipways.model.outcome import GOOD, Outcome, Row, State
from shipways.outside.channels import Channel, Stocked
from shipways.ports import Files
from shipways.run.patience import persist
from shipways.run.reconciler import Around
from shipways.run.supply import WIDTH, held, seen_of
from shipways.tasks import together


@dataclass(frozen=True, slots=True, kw_only=True)
class Findings:
    """What came of looking: what differs, what could not be asked, and what was found equal, by channel."""

    wrong: tuple[Problem, ...] = ()
    unasked: tuple[Problem, ...] = ()
    equal: tuple[tuple[str, int], ...] = ()


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
    """Download all that places have told to have."""
    stocked = {channel.name: channel for channel in channels if isinstance(channel, Stocked)}
    run = _Audit(around=around, disk=disk, equal=dict.fromkeys(stocked, 0))
    entries = _entries(manifest)
    todo = [
        partial(run.check, stocked[row.item.channel], row, entries[path])
        for row, path in held(outcome)
        if row.item.channel in stocked
    ]
    await together(todo, width=WIDTH)
    return Findings(wrong=tuple(run.wrong), unasked=tuple(run.unasked), equal=tuple(run.equal.items()))


@dataclass(slots=True, kw_only=True)
class _Audit:
    """The state of one audit; nothing outside this module sees it change."""

    around: Around
    disk: Disk
    equal: dict[str, int]
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
        finally:
            self.disk.files.remove(place)

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
