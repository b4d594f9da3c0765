"""The one layer that an image adds: its programs, its files, and for scratch what every program expects to find."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Final

from anyio import to_thread

from shipways.config.images import Image
from shipways.config.schema import Config
from shipways.errors import BuildError, ConfigError, Problem
from shipways.images.measure import found, measure_artifact, stacked
from shipways.images.rootfs import FOLDER, Entry, owned, with_parents, write_tar
from shipways.images.system import RECIPE, system
from shipways.images.variants import Variant, assembled, varies
from shipways.model.artifact import Artifact, Kind, Output
from shipways.model.facts import Facts
from shipways.model.oci import LAYER_GZIP, blob_path
from shipways.model.source import EXECUTABLE, SYMLINK, SourceFile, SourceTree
from shipways.model.step import Inputs, Spec
from shipways.pack.compress import PackedWriter, recipe
from shipways.ports import Inbox, World

PROGRAMS: Final = "usr/local/bin"
TENDER: Final = f"{PROGRAMS}/tender"
"""Where tender is, in its own image and in those that have it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Placed:
    """A file of the repository and its path in the image, without the slash in front."""

    path: str
    file: SourceFile


@dataclass(frozen=True, slots=True, kw_only=True)
class Layer:
    """The layer of one platform."""

    spec: Spec
    variant: Variant
    files: tuple[Placed, ...]
    epoch: int

    def inputs(self, inbox: Inbox) -> Inputs:
        """The programs, the base's layers, the files by their object names, and what else decides bytes."""
        tender = {"tender": [blob.digest for blob in self.variant.tender.layers]} if self.variant.tender else {}
        return Inputs(
            recipe=f"images/layer 1, {recipe('gzip')}",
            values={
                "system": "" if self.variant.base else RECIPE,
                "user": self.variant.table.user,
                "volumes": self.variant.table.volumes,
                "files": [[placed.path, placed.file.mode, placed.file.oid] for placed in self.files],
                "epoch": self.epoch,
                "varies": varies(inbox),
                **tender,
            },
            artifacts=inbox.artifacts(),
        )

    async def run(self, world: World, inbox: Inbox) -> tuple[Output, ...]:
        """Write it. Raises BuildError for a program or a path that cannot be in this image, Unavailable("image")."""
        self._check(inbox)
        files = SourceTree(files=tuple(sorted({placed.file for placed in self.files})))
        await world.sources.export(files, inbox.scratch / "files")
        path = inbox.scratch / "layer"
        added = {TENDER: await self._tender(world, inbox)} if self.variant.tender else {}
        await to_thread.run_sync(self._write, world, inbox, path, added)
        digest = await to_thread.run_sync(world.files.digest, path)
        return (Output(name=blob_path(digest), kind=Kind.BLOB, path=path, media_type=LAYER_GZIP, varies=varies(inbox)),)

    def _check(self, inbox: Inbox) -> None:
        """Scratch has no dynamic loader and no libc."""
        linkages = [(program.name, program.blob.linkage) for program in _programs(inbox)]
        problems = [
            Problem(
                path=f"image.{self.variant.name}.base",
                what=f"{name} is dynamic, and scratch has no loader for it",
                why=f"it needs {', '.join(linkage.libraries)}",
                hint="build it static (x86_64-unknown-linux-musl), or name a base image that has a libc",
            )
            for name, linkage in linkages
            if linkage and not linkage.static
        ]
        if problems and self.variant.base is None:
            raise BuildError(*problems)

    async def _tender(self, world: World, inbox: Inbox) -> Entry:
        """The program out of the highest layer of its image that has it."""
        name, place = self.variant.table.tender or "", inbox.scratch / "tender"
        for blob in reversed(self.variant.tender.layers if self.variant.tender else ()):
            await world.images.blob(name, blob, place)
            with world.files.open(place) as stream:
                data = await to_thread.run_sync(found, stream, blob.media_type, inbox.scratch, TENDER)
            if data is not None:
                return Entry(mode=0o755, content=data)
        raise BuildError(Problem(path=f"image.{self.variant.name}.tender", what=f"{name} has no /{TENDER}"))

    def _write(self, world: World, inbox: Inbox, path: Path, added: Mapping[str, Entry]) -> None:
        layers = self.variant.base_layers(inbox)
        folders, links = stacked(measure_artifact(world, inbox, layer) for layer in layers)
        tree = with_parents({**added, **self._tree(world, inbox, folders)}, folders)
        over = [path for path, entry in tree.items() if path in links and entry.content is None and not entry.target]
        if over:
            raise BuildError(*(self._hidden(path, links[path]) for path in over))
        with world.files.create(path) as stream, PackedWriter("gzip", stream) as packed:
            write_tar(packed, tree, self.epoch, world.files.open)

    def _tree(self, world: World, inbox: Inbox, below: Mapping[str, Entry]) -> dict[str, Entry]:
        """What the config names wins over what every image has."""
        table = self.variant.table
        tree = {} if self.variant.base else dict(system(world.files, table.user))
        for program in _programs(inbox):
            name = PurePosixPath(program.blob.name).name
            tree[f"{PROGRAMS}/{name}"] = Entry(mode=0o755, content=inbox.path(program))
        for placed in self.files:
            if placed.file.mode == SYMLINK:
                tree[placed.path] = Entry(mode=0o777, target=world.sources.read(placed.file).decode())
            else:
                mode = 0o755 if placed.file.mode == EXECUTABLE else 0o644
                tree[placed.path] = Entry(mode=mode, content=inbox.scratch / "files" / placed.file.path)
        for volume in (path.lstrip("/") for path in table.volumes):
            tree[volume] = owned(tree.get(volume) or below.get(volume) or FOLDER, table.user)
        return tree

    def _hidden(self, link: str, target: str) -> Problem:
        return Problem(
            path=f"image.{self.variant.name}",
            what=f"/{link} is a symlink to {target} in {self.variant.table.base}",
            why="a folder of the new layer would take its place, and hide what is there",
            hint=f"put files and volumes where it points to, not below /{link}",
        )


def plan(config: Config, facts: Facts) -> Iterator[Layer]:
    """A step for each platform of each image. Raises ConfigError for files that cannot be put in."""
    problems = [problem for name, table in config.image.items() for problem in _problems(name, table, facts)]
    if problems:
        raise ConfigError(*problems)
    for variant in assembled(config, facts):
        yield Layer(
            spec=variant.spec(variant.layer_step, (*variant.binary_steps, *variant.base_steps)),
            variant=variant,
            files=tuple(_placed(facts, variant.table)),
            epoch=facts.git.epoch,
        )


def _problems(name: str, table: Image, facts: Facts) -> Iterator[Problem]:
    for place, path in table.files.items():
        key, found = f'image.{name}.files."{place}"', facts.source.below((path,)).files
        if not found:
            yield Problem(path=key, what=f"there is no {path} in the repository")
        elif found[0].path == path and found[0].mode == SYMLINK:
            yield Problem(path=key, what=f"{path} is a symlink", hint="name the file that it leads to")


def _placed(facts: Facts, table: Image) -> Iterator[Placed]:
    for place, path in table.files.items():
        for file in facts.source.below((path,)).files:
            inner = PurePosixPath(file.path).relative_to(path)
            yield Placed(path=str(PurePosixPath(place) / inner).lstrip("/"), file=file)


def _programs(inbox: Inbox) -> tuple[Artifact, ...]:
    return tuple(artifact for artifact in inbox.artifacts() if artifact.kind is Kind.BINARY)
