"""Which reader tells the contents of a package's artifacts."""

from dataclasses import dataclass, replace
from pathlib import PurePosixPath
from typing import Final

from shipways.bundle.components import cargo
from shipways.bundle.components.cargo import CargoReader
from shipways.bundle.components.contents import Contents, Part, Purl, Reader, told_by_nobody
from shipways.bundle.components.golang import GoReader
from shipways.bundle.components.python import LOCKS, PythonReader
from shipways.bundle.components.zig import ZigReader
from shipways.config.schema import Config
from shipways.errors import Problem
from shipways.model.artifact import Artifact
from shipways.model.build import Build, Tool
from shipways.model.digest import Json
from shipways.model.facts import Facts
from shipways.model.plan import Skip
from shipways.model.source import SourceFile
from shipways.ports import Inbox, World

_UNKNOWN: Final = "commands of the config built it"
_UNTOLD: Final = {
    "prebuilt": "the programs were built elsewhere",
    "bun": "the runtime of bun, and what of bun.lock the program needs, are one file",
}
"""Why nobody knows what is in programs, by builder."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OpaqueReader:
    """Programs of which nothing tells what is in them, and why."""

    name: str
    version: str
    why: str

    def record(self) -> Json:
        """All that it says."""
        return ["opaque", self.name, self.version, self.why]

    async def read(self, world: World, inbox: Inbox, artifact: Artifact) -> Contents:  # noqa: ARG002 - nobody to ask
        """Only the name."""
        return told_by_nobody(Purl(type="generic", name=self.name, version=self.version), self.version, self.why)


@dataclass(frozen=True, slots=True, kw_only=True)
class WrappedReader:
    """A wheel around programs: they are its one direct component."""

    name: str
    version: str
    programs: Reader

    def record(self) -> Json:
        """The wheel, and what its programs depend on."""
        return ["wrapped", self.name, self.version, self.programs.record()]

    async def read(self, world: World, inbox: Inbox, artifact: Artifact) -> Contents:
        """The contents of the programs, one level down."""
        inner = await self.programs.read(world, inbox, artifact)
        main = Part(purl=Purl(type="pypi", name=self.name, version=self.version), needs=(inner.main.purl,))
        return replace(inner, main=main, version=self.version, parts=(inner.main, *inner.parts))


def programs(config: Config, facts: Facts, name: str, triple: str, step: str) -> Reader | Skip:
    """The reader for a package's programs for a target, or why `step` has none."""
    package, version = config.package[name], facts.version(name).number
    if package.build == "go":
        return GoReader(version=version)
    if package.build == "rust":
        return _rust(config, facts, name, triple, step)
    if package.build == "zig":
        return ZigReader(manifest=_file(facts, package.path, "build.zig.zon"), name=name, version=version)
    return OpaqueReader(name=name, version=version, why=f"{_UNTOLD.get(package.build, _UNKNOWN)}; nothing tells")


def distribution(config: Config, facts: Facts, name: str) -> Reader:
    """The reader for the sdist and the wheel of a Python package."""
    found = (_file(facts, config.package[name].path, lock) for lock in LOCKS)
    return PythonReader(locks=tuple(file for file in found if file))


def _rust(config: Config, facts: Facts, name: str, triple: str, step: str) -> Reader | Skip:
    package = config.package[name]
    folders = (package.path, *map(str, PurePosixPath(package.path).parents))
    lock = next((file for folder in folders if (file := _file(facts, folder, "Cargo.lock"))), None)
    if lock is None:
        hint = "run `cargo generate-lockfile` and commit it"
        problem = Problem(path=f"package.{name}.path", what="there is no Cargo.lock", hint=hint)
        return Skip(id=step, kind="lock", problem=problem)
    image = config.toolchain_image(name)
    rust = next((rust for rust in facts.compilers(image) if rust.version == config.toolchain.rust), None)
    if rust is None:
        wanted = f"Rust {config.toolchain.rust}" if config.toolchain.rust else "the Rust that toolchain.rust names"
        problem = Problem(path="toolchain.rust", what=f"{wanted} is not there to tell what Cargo links")
        return Skip(id=step, kind="toolchain", problem=problem)
    table = package.rust
    build = Build(
        name=step,
        image=image,
        tools=(Tool(name="rust", version=rust.version, identity=rust.identity),),
        source=facts.source.below(package.source or (str(PurePosixPath(lock.path).parent),)),
        workdir=package.path,
        commands=cargo.commands(table.crate or name, triple, table.features, table.default_features),
        outputs=(cargo.TREE,),
        env=(*cargo.ENVIRONMENT, *package.env.items()),
        caches=cargo.CACHES,
        stdout=cargo.TREE,
    )
    return CargoReader(build=build, lock=lock, version=facts.version(name).number)


def _file(facts: Facts, folder: str, name: str) -> SourceFile | None:
    path = str(PurePosixPath(folder, name))
    return next((file for file in facts.source.files if file.path == path), None)
