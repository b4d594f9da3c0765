"""Images for tests: a workbench that makes them in memory, and base images to build upon."""

import hashlib
import io
import json
import tarfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import cast

import anyio
import cramjam

from shipways.adapters.files import DiskFiles
from shipways.adapters.store import DiskStore
from shipways.config.load import parse
from shipways.config.recipes import read_for, recipes
from shipways.config.schema import Config
from shipways.images import base, docker, dockerfile, image, index, layer
from shipways.model.artifact import Kind, Linkage, Output
from shipways.model.facts import Facts
from shipways.model.lock import Lock, LockedImage
from shipways.model.names import binary_folder, binary_step
from shipways.model.oci import CONFIG, LAYER_GZIP, MANIFEST
from shipways.model.plan import Plan
from shipways.model.step import Inputs, Spec, Work
from shipways.model.target import BY_TRIPLE
from shipways.ports import Inbox, Inspector, World
from shipways.run import planner
from shipways.run.maker import Made, make
from shipways.testing.console import ManualClock, RecordingConsole
from shipways.testing.engine import ScriptedEngine
from shipways.testing.images import Content, MemoryImages
from shipways.testing.sources import MemorySources
from support import facts

PROJECT = """
[project]
name = "pulse"
repository = "example/pulse"
description = "Says how it is"
license = "MIT"
targets = ["x86_64-unknown-linux-gnu", "aarch64-unknown-linux-gnu"]

[package.pulse]
build = "go"

[image.pulse]
package = "pulse"
"""
STATIC = Linkage(format="elf", arch="x86_64", static=True)
DYNAMIC = Linkage(format="elf", arch="x86_64", static=False, libraries=("libc.so.6",))


@dataclass(frozen=True, slots=True, kw_only=True)
class Program:
    """A step that gives a program without building one."""

    spec: Spec
    linkage: Linkage
    data: bytes
    varies: str

    def inputs(self, inbox: Inbox) -> Inputs:
        return Inputs(recipe="program", values=[self.data.hex(), self.linkage.static, self.varies])

    async def run(self, world: World, inbox: Inbox) -> tuple[Output, ...]:
        path = inbox.scratch / "pulse"
        path.write_bytes(self.data)
        told = {"executable": True, "linkage": self.linkage, "varies": self.varies}
        return (Output(name="pulse", kind=Kind.BINARY, path=path, **told),)


@dataclass(frozen=True, slots=True)
class Programs:
    """A maker of such steps: one for each target of each package."""

    linkage: Linkage
    data: bytes | None
    varies: str

    def plan(self, config: Config, facts: Facts) -> Iterator[Program]:
        for name in config.package:
            for triple in config.targets(name):
                spec = Spec(
                    id=binary_step(name, triple),
                    work=Work.COMPILE,
                    outputs=("pulse",),
                    folder=binary_folder(name, triple),
                    package=name,
                    target=BY_TRIPLE[triple],
                )
                data = self.data or f"program for {triple}".encode()
                yield Program(spec=spec, linkage=self.linkage, data=data, varies=self.varies)


@dataclass
class Bench:
    """Plans and makes the images of a config, and lays them into a folder."""

    root: Path
    images: MemoryImages = field(default_factory=MemoryImages)
    linkage: Linkage = STATIC
    data: bytes | None = None
    varies: str = ""
    files: Mapping[str, tuple[str, bytes]] = field(default_factory=dict)
    locked: tuple[LockedImage, ...] = ()
    version: str = "1.2.3"
    layouts: Mapping[str, bytes] = field(default_factory=dict)
    engine: str = "scripted"

    @property
    def dist(self) -> Path:
        """Where `release` lays what it makes."""
        return self.root / "dist"

    def plan(self, extra: str = "", project: str = PROJECT) -> Plan:
        """The plan of the project with further lines for its image."""
        config = parse(project + extra, "shipways.toml")
        texts = ((path, self.files[path][1].decode()) for path in read_for(recipes(config)) if path in self.files)
        known = replace(
            facts(pulse=self.version),
            source=MemorySources(self.files).tree,
            lock=Lock(images=self.locked),
            engine=self.engine,
            dockerfiles=tuple(texts),
        )
        makers = (Programs(self.linkage, self.data, self.varies), base, layer, image, dockerfile, index, docker)
        return planner.plan(config, known, makers, snapshot=True)

    def release(self, extra: str = "", project: str = PROJECT, store: str = "store") -> Made:
        """Make everything."""
        plan, kept = self.plan(extra, project), DiskStore(self.root / store)
        world = World(
            engine=ScriptedEngine({}, self.layouts),
            files=DiskFiles(),
            sources=MemorySources(self.files),
            inspector=cast(Inspector, None),
            images=self.images,
        )

        async def run() -> Made:
            made = await make(plan, world, store=kept, console=RecordingConsole(), clock=ManualClock())
            await kept.deliver(made.artifacts, self.dist)
            return made

        return anyio.run(run)

    def blob(self, digest: str, image: str = "pulse") -> bytes:
        """A blob of the image layout in dist/."""
        return (self.dist / "images" / image / "blobs" / digest.replace(":", "/")).read_bytes()

    def document(self, digest: str) -> dict[str, object]:
        """A JSON document among them."""
        return cast("dict[str, object]", json.loads(self.blob(digest)))


def opened(bench: Bench, platform: str = "linux/amd64") -> tuple[dict[str, object], dict[str, object]]:
    """The manifest and the config of one platform, found as a client finds them: from index.json down."""
    top = json.loads((bench.dist / "images/pulse/index.json").read_text())
    index_ = json.loads(bench.blob(top["manifests"][0]["digest"]))
    arch = platform.partition("/")[2]
    entry = next(m for m in index_["manifests"] if m["platform"]["architecture"] == arch)
    manifest = json.loads(bench.blob(entry["digest"]))
    return manifest, json.loads(bench.blob(manifest["config"]["digest"]))


def members(data: bytes) -> dict[str, tarfile.TarInfo]:
    """What is in a gzipped tar archive, by name."""
    with tarfile.open(fileobj=io.BytesIO(data), mode="r:gz") as archive:
        return {member.name: member for member in archive.getmembers()}


def packed(files: Mapping[str, bytes | str | None]) -> bytes:
    """A gzipped layer: bytes are a file, None a folder, text a symlink's target."""
    return gzipped(tarred(files))


def tarred(files: Mapping[str, bytes | str | None]) -> bytes:
    """The same, as it unpacks."""
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w") as archive:
        for name, content in files.items():
            info = tarfile.TarInfo(name)
            if content is None:
                info.type, info.mode = tarfile.DIRTYPE, 0o1777 if name == "tmp" else 0o755
            elif isinstance(content, str):
                info.type, info.linkname = tarfile.SYMTYPE, content
            else:
                info.size = len(content)
            archive.addfile(info, io.BytesIO(content) if isinstance(content, bytes) else None)
    return stream.getvalue()


def gzipped(data: bytes) -> bytes:
    """By the compressor of the project."""
    return bytes(cramjam.gzip.compress(data))


def stacked(*layers: bytes, arch: str = "amd64", **config: object) -> Content:
    """A platform of a base image with these layers; `config` is its `config` object."""
    diff_ids = ["sha256:" + hashlib.sha256(bytes(cramjam.gzip.decompress(data))).hexdigest() for data in layers]
    value = {"architecture": arch, "os": "linux", "config": config, "rootfs": {"type": "layers", "diff_ids": diff_ids}}
    return Content(config=json.dumps(value).encode(), layers=layers)


def layout(platform: str, *layers: bytes, **changes: object) -> bytes:
    """What an engine gives for a Dockerfile: the tar of an OCI image layout. `changes` are of its config's JSON."""
    told = [json.dumps({**json.loads(stacked(*layers).config), **changes}).encode(), *layers]
    config, *found = ({"mediaType": kind, **described(data)} for kind, data in zip(kinds(layers), told, strict=True))
    manifest = json.dumps({"schemaVersion": 2, "config": config, "layers": found}).encode()
    os_, arch = platform.split("/")
    entry = {"mediaType": MANIFEST, **described(manifest), "platform": {"os": os_, "architecture": arch}}
    files = {f"blobs/sha256/{described(data)['digest'][7:]}": data for data in (*told, manifest)}
    return tarred({**files, "index.json": json.dumps({"schemaVersion": 2, "manifests": [entry]}).encode()})


def kinds(layers: tuple[bytes, ...]) -> list[str]:
    """The media types of a config and its layers."""
    return [CONFIG, *(LAYER_GZIP for _ in layers)]


def described(data: bytes) -> dict[str, str | int]:
    """What a descriptor says of a blob."""
    return {"digest": f"sha256:{hashlib.sha256(data).hexdigest()}", "size": len(data)}
