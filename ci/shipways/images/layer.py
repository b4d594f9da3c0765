"""The one layer that an image adds: its programs, its files, and for scratch what every program expects to find."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Final

import certifi
from anyio import to_thread

from shipways.compress import PackedWriter, recipe
from shipways.config.images import Image
from shipways.config.schema import Config
from shipways.errors import BuildError, ConfigError, Problem
from shipways.images.rootfs import FOLDER, Entry, owned, with_parents, write_tar
from shipways.images.variants import Variant, variants, varies
from shipways.model.artifact import Artifact, Kind, Output
from shipways.model.facts import Facts
from shipways.model.oci import LAYER_GZIP, blob_path
from shipways.model.source import EXECUTABLE, SYMLINK, SourceFile, SourceTree
from shipways.model.step import Inputs, Spec
from shipways.ports import Inbox, World

PROGRAMS: Final = "usr/local/bin"
_CERTIFICATES: Final = "etc/ssl/certs/ca-certificates.crt"
"""Where Debian has them, and so where every TLS library looks."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Placed:
    """A file of the repository and its path in the image, without the slash in front."""

    path: str
    file: SourceFile


@dataclass(frozen=True, slots=True, kw_only=True)
class Layer:
    """The layer of one platform."""

    spec: Spec
    image: str
    scratch: bool
    user: str
    volumes: tuple[str, ...]
    files: tuple[Placed, ...]
    epoch: int

    def inputs(self, inbox: Inbox) -> Inputs:
        """The programs, the files by their object names, and the release of certifi."""
        return Inputs(
            recipe=f"images/layer 1, {recipe('gzip')}",
            values={
                "scratch": certifi.__version__ if self.scratch else "",
                "user": self.user,
                "volumes": self.volumes,
                "files": [[placed.path, placed.file.mode, placed.file.oid] for placed in self.files],
                "epoch": self.epoch,
                "varies": varies(inbox),
            },
            artifacts=inbox.artifacts(),
        )

    async def run(self, world: World, inbox: Inbox) -> tuple[Output, ...]:
        """Write it. Raises BuildError for a program that cannot start in this image."""
        self._check(inbox.artifacts())
        exported = inbox.scratch / "files"
        await world.sources.export(SourceTree(files=tuple(placed.file for placed in self.files)), exported)
        tree = with_parents(self._tree(world, inbox, exported))
        path = inbox.scratch / "layer"
        await to_thread.run_sync(self._write, world, path, tree)
        digest = await to_thread.run_sync(world.files.digest, path)
        return (Output(name=blob_path(digest), kind=Kind.BLOB, path=path, media_type=LAYER_GZIP, varies=varies(inbox)),)

    def _check(self, programs: tuple[Artifact, ...]) -> None:
        """Scratch has no dynamic loader and no libc."""
        dynamic = [p for p in programs if self.scratch and p.blob.linkage and not p.blob.linkage.static]
        if dynamic:
            raise BuildError(
                *(
                    Problem(
                        path=f"image.{self.image}.base",
                        what=f"{program.name} is dynamic, and scratch has no loader for it",
                        why=f"it needs {', '.join(program.blob.linkage.libraries if program.blob.linkage else ())}",
                        hint="build it static (x86_64-unknown-linux-musl), or name a base image that has a libc",
                    )
                    for program in dynamic
                )
            )

    def _tree(self, world: World, inbox: Inbox, exported: Path) -> dict[str, Entry]:
        """What the config names wins over what every image has."""
        tree = dict(_system(world, self.user)) if self.scratch else {}
        for program in inbox.artifacts():
            name = PurePosixPath(program.blob.name).name
            tree[f"{PROGRAMS}/{name}"] = Entry(mode=0o755, content=inbox.path(program))
        for placed in self.files:
            if placed.file.mode == SYMLINK:
                tree[placed.path] = Entry(mode=0o777, target=world.sources.read(placed.file).decode())
            else:
                mode = 0o755 if placed.file.mode == EXECUTABLE else 0o644
                tree[placed.path] = Entry(mode=mode, content=exported / placed.file.path)
        return tree | {volume: owned(FOLDER, self.user) for volume in self.volumes}

    def _write(self, world: World, path: Path, tree: Mapping[str, Entry]) -> None:
        with world.files.create(path) as stream, PackedWriter("gzip", stream) as packed:
            write_tar(packed, tree, self.epoch, world.files.open)


def plan(config: Config, facts: Facts) -> Iterator[Layer]:
    """A step for each platform of each image. Raises ConfigError for files that are not there."""
    missing = [
        Problem(path=f'image.{name}.files."{place}"', what=f"there is no {path} in the repository")
        for name, table in config.image.items()
        for place, path in table.files.items()
        if not facts.source.below((path,)).files
    ]
    if missing:
        raise ConfigError(*missing)
    for variant in variants(config, facts):
        yield _step(facts, variant)


def _step(facts: Facts, variant: Variant) -> Layer:
    table = variant.table
    return Layer(
        spec=variant.spec(variant.layer_step, (variant.binary_step,)),
        image=variant.name,
        scratch=variant.base is None,
        user=table.user,
        volumes=tuple(volume.lstrip("/") for volume in table.volumes),
        files=tuple(_placed(facts, table)),
        epoch=facts.git.epoch,
    )


def _placed(facts: Facts, table: Image) -> Iterator[Placed]:
    for place, path in table.files.items():
        for file in facts.source.below((path,)).files:
            inner = PurePosixPath(file.path).relative_to(path)
            yield Placed(path=str(PurePosixPath(place) / inner).lstrip("/"), file=file)


def _system(world: World, user: str) -> Iterator[tuple[str, Entry]]:
    """CA certificates, the user's name, and /tmp."""
    uid, gid = user.split(":")
    people = ["root:x:0:0:root:/root:/sbin/nologin", f"nonroot:x:{uid}:{gid}:nonroot:/:/sbin/nologin"]
    groups = ["root:x:0:", f"nonroot:x:{gid}:"]
    bundle = world.files.read(Path(certifi.where()))
    yield _CERTIFICATES, Entry(mode=0o644, content=bundle)
    yield "etc/passwd", Entry(mode=0o644, content=_lines(people if uid != "0" else people[:1]))
    yield "etc/group", Entry(mode=0o644, content=_lines(groups if gid != "0" else groups[:1]))
    yield "tmp", Entry(mode=0o1777)


def _lines(lines: list[str]) -> bytes:
    return "".join(f"{line}\n" for line in lines).encode()
