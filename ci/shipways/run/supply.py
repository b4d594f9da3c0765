"""Brings back what a release still sends, from the places that have it, every byte verified by its digest."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path, PurePosixPath
from typing import BinaryIO, Final

from anyio import to_thread

from shipways.config.manifestfile import FILE_NAME, read_sealed
from shipways.errors import Conflict, PreflightError, Problem, ShipwaysError
from shipways.model.artifact import Kind
from shipways.model.digest import digest_bytes
from shipways.model.event import Note
from shipways.model.item import Item, ItemKind, Seen
from shipways.model.manifest import ArtifactEntry, Manifest
from shipways.model.outcome import Outcome, Row, State
from shipways.outside.channels import Channel, Stage, Stocked
from shipways.pack.foreign import refuse
from shipways.pack.opening import BROKEN, tar_members, zip_members
from shipways.ports import Files
from shipways.run.patience import persist
from shipways.run.reconciler import Around
from shipways.tasks import together

WIDTH: Final = 8
"""How many files are downloaded at once."""
_PIECE: Final = 1 << 20
_SETTLED: Final = frozenset({State.DONE, State.KEPT, State.CONFLICT})
"""What nothing is sent for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sealed:
    """A manifest as a channel keeps it."""

    channel: str
    data: bytes
    manifest: Manifest


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """Where the bytes of an artifact are."""

    channel: Stocked
    item: Item
    seen: Seen


async def find_sealed(
    channels: Sequence[Channel], project: str, tag: str, folder: Path, around: Around
) -> tuple[Sealed, ...]:
    """The manifest that each stage has for a tag. Raises Conflict for one that is none, or what a stage raises."""
    found: list[Sealed] = []
    for channel in channels:
        into = folder / f"{channel.name}.json"
        if isinstance(channel, Stage):
            ask = partial(channel.sealed, around.outside, tag, into)
            if await persist(channel.name, ask, around.console, around.clock):
                data = into.read_bytes()
                found.append(
                    Sealed(channel=channel.name, data=data, manifest=read_sealed(data, project=project, tag=tag))
                )
    return tuple(found)


def agreed(found: Sequence[Sealed]) -> Sealed:
    """The one manifest. Raises Conflict when stages have different ones."""
    if len({each.data for each in found}) > 1:
        hint = "if nothing is public: check the tag out, and run `shipways release --restage --tag` with it"
        raise Conflict(
            *(
                Problem(path=f"{each.channel}/manifest.json", what=f"is {digest_bytes(each.data)} here", hint=hint)
                for each in found
            )
        )
    return found[0]


def needed(manifest: Manifest, outcome: Outcome) -> tuple[ArtifactEntry, ...]:
    """The artifacts that are sent for what is not there yet, each once."""
    entries = {entry.path: entry for entry in manifest.artifacts}
    todo = (row.item for row in outcome.rows if row.state not in _SETTLED)
    paths = dict.fromkeys(path for item in todo for path in (item.path, *item.parts))
    return tuple(entries[path] for path in paths if path in entries)


def proved(manifest: Manifest, channels: Sequence[Channel]) -> tuple[ArtifactEntry, ...]:
    """The artifacts that have proofs, which cannot be verified without them."""
    entries = {entry.path: entry for entry in manifest.artifacts}
    items = (item for channel in channels for item in channel.desired(manifest) if item.kind is ItemKind.PROOF)
    return tuple(entries[path] for path in dict.fromkeys(item.path for item in items) if path in entries)


def trust(outcome: Outcome) -> None:
    """Where releases are signed, raises Conflict for a manifest without a proof that its channel has verified.

    Everything that is done with a manifest from outside comes after this.
    """
    proofs = [row for row in outcome.rows if row.item.kind is ItemKind.PROOF and row.item.path == FILE_NAME]
    states = {row.state for row in proofs}
    if not proofs or (State.DONE in states and State.CONFLICT not in states):
        return
    told = tuple(problem for row in proofs for problem in row.problems)
    what, why = "has no signature that holds", "the config wants releases to be signed"
    hint = "check the tag out, and run `shipways release --restage --tag` with it"
    raise Conflict(*(told or (Problem(path=FILE_NAME, what=what, why=why, hint=hint),)))


def sources(channels: Sequence[Channel], outcome: Outcome) -> Mapping[str, tuple[Source, ...]]:
    """Where each artifact is, by its path."""
    stocked = {channel.name: channel for channel in channels if isinstance(channel, Stocked)}
    found: dict[str, tuple[Source, ...]] = {}
    for row, path in held(outcome):
        if channel := stocked.get(row.item.channel):
            source = Source(channel=channel, item=row.item, seen=seen_of(row))
            found[path] = (*found.get(path, ()), source)
    return found


def held(outcome: Outcome) -> Iterator[tuple[Row, str]]:
    """Every artifact that is at a place, with the row of its item; a check that has passed holds nothing."""
    for row in outcome.rows:
        if row.state is State.DONE and row.before == row.item.want and row.stamp + row.url:
            for path in (row.item.path, *row.item.parts):
                if path:
                    yield row, path


def seen_of(row: Row) -> Seen:
    """What was seen of an item that was only looked at."""
    return Seen(value=row.before, stamp=row.stamp, url=row.url)


async def bring(
    wanted: Sequence[ArtifactEntry], places: Mapping[str, Sequence[Source]], folder: Path, files: Files, around: Around
) -> tuple[ArtifactEntry, ...]:
    """Let artifacts lie below a folder, where some may lie already. Returns those that no place has."""
    missing: list[ArtifactEntry] = []

    async def get(entry: ArtifactEntry) -> None:
        place = folder / entry.path
        if await to_thread.run_sync(files.digest, place) == entry.digest:
            return
        place.parent.mkdir(parents=True, exist_ok=True)
        for source in places.get(entry.path, ()):
            if await _got(source, entry, place, files, around):
                return
        missing.append(entry)

    await together((partial(get, entry) for entry in wanted), width=WIDTH)
    return tuple(missing)


def holding(manifest: Manifest, program: ArtifactEntry) -> tuple[ArtifactEntry, ...]:
    """The archives that a program was packed into."""
    mine = (program.package, program.target)
    return tuple(
        each for each in manifest.artifacts if each.kind == Kind.ARCHIVE and (each.package, each.target) == mine
    )


def take_out(program: ArtifactEntry, archives: Sequence[ArtifactEntry], folder: Path, files: Files) -> bool:
    """Whether a program lies below a folder now, out of an archive that does, byte for byte.

    Raises PreflightError for an archive that has what none of ours has, and for one that is cut short.
    """
    place = folder / program.path
    for archive in archives:
        if not files.exists(folder / archive.path):
            continue
        try:
            with files.open(folder / archive.path) as stream:
                if _taken(program, archive, stream, place, files):
                    return True
        except BROKEN as error:
            raise PreflightError(Problem(path=archive.path, what="is no whole archive", why=str(error))) from None
    return False


def _taken(program: ArtifactEntry, archive: ArtifactEntry, stream: BinaryIO, place: Path, files: Files) -> bool:
    members = [*(zip_members if archive.name.endswith(".zip") else tar_members)(stream)]
    refuse(archive.path, members)
    for member in members:
        if PurePosixPath(member.name).name == program.name and (source := member.open()):
            with source, files.create(place, executable=True) as sink:
                _copy(source, sink, program.size + 1)
            if files.digest(place) == program.digest:
                return True
            files.remove(place)
    return False


def _copy(source: BinaryIO, sink: BinaryIO, left: int) -> None:
    """So many bytes at most, however many there are."""
    while piece := source.read(min(left, _PIECE)):
        sink.write(piece)
        left -= len(piece)


async def _got(source: Source, entry: ArtifactEntry, place: Path, files: Files, around: Around) -> bool:
    """Whether a place has given the right bytes; if not, the next one may."""
    fetch = partial(source.channel.fetch, around.outside, source.item, source.seen, entry, place)
    try:
        await persist(source.item.id, fetch, around.console, around.clock)
    except ShipwaysError as error:
        around.console.emit(Note(text=f"{source.item.id}: {error.problems[0].what}", level="warning"))
        return False
    if await to_thread.run_sync(files.digest, place) == entry.digest:
        return True
    files.remove(place)
    around.console.emit(Note(text=f"{source.item.id}: sends other bytes than {entry.digest}", level="warning"))
    return False
