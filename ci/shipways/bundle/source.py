"""The sources of a release as one archive, because what a forge packs by itself changes without notice."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, cast

from anyio import to_thread

from shipways.bundle.reader import CheckedReader
from shipways.config.schema import Config
from shipways.errors import ConfigError, Problem
from shipways.model.artifact import Kind, Output
from shipways.model.facts import Facts
from shipways.model.names import release_stem
from shipways.model.source import EXECUTABLE, SUBMODULE, SYMLINK, SourceTree
from shipways.model.step import Inputs, Spec, Work
from shipways.pack.compress import PackedWriter, recipe
from shipways.pack.tarwriter import TarWriter
from shipways.ports import Inbox, World


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceArchive:
    """Every file of the tree that names the release, below one folder `top`. Symlinks stay symlinks."""

    spec: Spec
    top: str
    source: SourceTree
    epoch: int

    def inputs(self, inbox: Inbox) -> Inputs:  # noqa: ARG002 - sources are its only input
        """The tree, and what the archive and its folder are called."""
        return Inputs(
            recipe=f"bundle/source 1, {recipe('gzip')}",
            values=[self.spec.outputs[0], self.top, self.epoch, self.source.digest],
        )

    async def run(self, world: World, inbox: Inbox) -> tuple[Output, ...]:
        """Write it. Raises PreflightError for a symlink that leaves the tree."""
        exported = inbox.scratch / "source"
        await world.sources.export(self.source, exported)
        place = inbox.scratch / self.spec.outputs[0]
        await to_thread.run_sync(self._write, world, place, exported)
        return (Output(name=place.name, kind=Kind.SOURCE, path=place),)

    def _write(self, world: World, place: Path, exported: Path) -> None:
        with (
            world.files.create(place) as stream,
            PackedWriter("gzip", stream) as packed,
            TarWriter(packed, self.epoch) as archive,
        ):
            for file in self.source.files:
                name = f"{self.top}/{file.path}"
                if file.mode == SYMLINK:
                    archive.link(name, world.sources.read(file).decode(errors="surrogateescape"))
                    continue
                with CheckedReader(world.files, exported / file.path) as source:
                    archive.add(name, cast(BinaryIO, source), executable=file.mode == EXECUTABLE)


def plan(config: Config, facts: Facts) -> Iterator[SourceArchive]:
    """One step, unless the config wants none. Raises ConfigError for a tree with submodules."""
    if not config.project.source_archive or not config.package:
        return
    if outside := [file.path for file in facts.source.files if file.mode == SUBMODULE]:
        raise ConfigError(
            Problem(
                path="project.source_archive",
                what=f"cannot hold the git submodules {', '.join(outside)}",
                why="their files are not part of the tree that names the release",
                hint="vendor them, or set source_archive = false",
            )
        )
    top = release_stem(config.project.name, [(name, facts.version(name).number) for name in config.package])
    yield SourceArchive(
        spec=Spec(id="bundle/source", work=Work.PACK, outputs=(f"{top}-source.tar.gz",)),
        top=top,
        source=facts.source,
        epoch=facts.git.epoch,
    )
