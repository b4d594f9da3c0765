"""Archives of a package's programs: one for each target, with licence, readme, completions and man pages."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Final, cast

from anyio import to_thread

from shipways.bundle.links import followed
from shipways.bundle.members import Member, members
from shipways.bundle.reader import CheckedReader
from shipways.config.packages import ArchiveFormat, Package
from shipways.config.schema import Config
from shipways.errors import BuildError, ConfigError, Problem
from shipways.model.artifact import Kind, Output
from shipways.model.facts import Facts
from shipways.model.names import archive_step, binary_step, stem
from shipways.model.source import EXECUTABLE, SYMLINK, SourceTree
from shipways.model.step import Inputs, Spec, Work
from shipways.model.target import BY_TRIPLE, Target
from shipways.pack.compress import Codec, PackedWriter, recipe
from shipways.pack.tarwriter import TarWriter
from shipways.pack.zipwriter import ZipWriter
from shipways.ports import Files, Inbox, World

_CODECS: Final[Mapping[ArchiveFormat, Codec]] = {
    "tar.gz": "gzip",
    "tar.xz": "xz",
    "tar.zst": "zstd",
    "zip": "deflate",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class _Entry:
    """A file on its way into the archive: where its bytes are, and their digest where it is known."""

    path: Path
    executable: bool
    digest: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Archive:
    """The archive for one target: everything its build made, and `members`, below one folder `top`.

    A symlink among the members goes in as the file it leads to: Windows has none, and its target may not be in the
    archive. `source` is the tree in which it is followed.
    """

    spec: Spec
    format: ArchiveFormat
    top: str
    members: tuple[Member, ...]
    source: SourceTree
    epoch: int

    def inputs(self, inbox: Inbox) -> Inputs:
        """The programs, the members by object name, the format, and the tree where a link may lead anywhere in it."""
        linked = any(member.file.mode == SYMLINK for member in self.members)
        return Inputs(
            recipe=f"bundle/archive 1, {recipe(_CODECS[self.format])}",
            values={
                "name": self.spec.outputs[0],
                "top": self.top,
                "epoch": self.epoch,
                "members": [member.record() for member in self.members],
                "source": self.source.digest if linked else "",
                "varies": [artifact.blob.varies for artifact in inbox.artifacts()],
            },
            artifacts=inbox.artifacts(),
        )

    async def run(self, world: World, inbox: Inbox) -> tuple[Output, ...]:
        """Write it. Raises BuildError for a file that cannot be read, PreflightError for a symlink out of the tree."""
        exported = inbox.scratch / "source"
        files = await to_thread.run_sync(self._files, world)
        await world.sources.export(SourceTree(files=tuple(sorted({m.file for m in files}))), exported)
        place = inbox.scratch / self.spec.outputs[0]
        await to_thread.run_sync(self._write, world.files, place, self._entries(inbox, exported, files))
        varies = ", ".join(dict.fromkeys(a.blob.varies for a in inbox.artifacts() if a.blob.varies))
        return (Output(name=place.name, kind=Kind.ARCHIVE, path=place, varies=varies),)

    def _files(self, world: World) -> tuple[Member, ...]:
        """The members without symlinks."""
        return tuple(Member(name=m.name, file=followed(m.file, self.source, world.sources)) for m in self.members)

    def _entries(self, inbox: Inbox, exported: Path, files: tuple[Member, ...]) -> dict[str, _Entry]:
        entries = {m.name: _Entry(path=exported / m.file.path, executable=m.file.mode == EXECUTABLE) for m in files}
        for artifact in inbox.artifacts():
            name, blob = artifact.blob.name, artifact.blob
            if name in entries:
                raise BuildError(
                    Problem(path=self.spec.id, what=f"{name} is both a file of the build and of the source")
                )
            entries[name] = _Entry(path=inbox.path(artifact), executable=blob.executable, digest=blob.digest)
        return entries

    def _write(self, files: Files, place: Path, entries: Mapping[str, _Entry]) -> None:
        with files.create(place) as stream:
            if self.format == "zip":
                with ZipWriter(stream, self.epoch) as zipped:
                    self._fill(zipped, files, entries)
            else:
                with PackedWriter(_CODECS[self.format], stream) as packed, TarWriter(packed, self.epoch) as tarred:
                    self._fill(tarred, files, entries)

    def _fill(self, archive: ZipWriter | TarWriter, files: Files, entries: Mapping[str, _Entry]) -> None:
        for name, entry in sorted(entries.items()):
            with CheckedReader(files, entry.path, entry.digest) as source:
                archive.add(f"{self.top}/{name}", cast(BinaryIO, source), executable=entry.executable)


def plan(config: Config, facts: Facts) -> Iterator[Archive]:
    """A step for each target of each package that makes programs. Raises ConfigError for globs that match nothing."""
    chosen = {
        name: members(name, package, facts.source) for name, package in config.package.items() if package.makes_programs
    }
    if problems := [problem for _, wrong in chosen.values() for problem in wrong]:
        raise ConfigError(*problems)
    for name, (found, _) in chosen.items():
        for triple in config.targets(name):
            yield _step(facts, name, config.package[name], BY_TRIPLE[triple], found)


def _step(facts: Facts, name: str, package: Package, target: Target, found: tuple[Member, ...]) -> Archive:
    top = stem(name, facts.version(name).number, target)
    format = package.archive.windows if target.system == "windows" else package.archive.format  # noqa: A001 - the config's word
    return Archive(
        spec=Spec(
            id=archive_step(name, target.triple),
            work=Work.PACK,
            outputs=(f"{top}.{format}",),
            needs=(binary_step(name, target.triple),),
            package=name,
            target=target,
        ),
        format=format,
        top=top,
        members=found,
        source=facts.source,
        epoch=facts.git.epoch,
    )
