"""Rust packages as .crate files, as a registry takes them."""

from collections.abc import Iterator
from dataclasses import dataclass

from shipways.builders import cargo, rust
from shipways.config.schema import Config
from shipways.errors import Problem
from shipways.model.artifact import Kind, Output
from shipways.model.build import Build, Tool
from shipways.model.facts import Crate as CrateFact
from shipways.model.facts import Facts, Rust
from shipways.model.names import crate_file, crate_step
from shipways.model.plan import Skip
from shipways.model.step import Inputs, Spec, Work
from shipways.ports import Inbox, World


@dataclass(frozen=True, slots=True, kw_only=True)
class Crate:
    """The sources of one crate, packed by cargo, which sorts them and leaves out times and owners itself."""

    spec: Spec
    build: Build

    def inputs(self, inbox: Inbox) -> Inputs:  # noqa: ARG002 - sources are its only input
        """The build; cargo's compression is part of the toolchain."""
        return Inputs(recipe="builders/crate 1", values=self.build.record())

    async def run(self, world: World, inbox: Inbox) -> tuple[Output, ...]:
        """Pack it."""
        (path,) = await world.engine.run(self.build, inbox)
        return (Output(name=path.name, kind=Kind.CRATE, path=path),)


def plan(config: Config, facts: Facts) -> Iterator[Crate | Skip]:
    """A step for each Rust package that may be published."""
    for crate in facts.crates:
        if crate.package in config.package and not crate.private:
            found = rust.pinned(config, facts, crate.package)
            if isinstance(found, Problem):
                yield Skip(id=crate_step(crate.package), kind="toolchain", problem=found)
            else:
                yield _step(config, facts, crate, found[0])


def _step(config: Config, facts: Facts, crate: CrateFact, compiler: Rust) -> Crate:
    """A crate is packed with those beside it, for they may be dependencies that no registry has yet."""
    package, step = config.package[crate.package], crate_step(crate.package)
    file = crate_file(crate.name, facts.version(crate.package).base)
    beside = sorted(
        other.name
        for other in facts.crates
        if not other.private and rust.workspace(facts, other.path) == rust.workspace(facts, crate.path)
    )
    names = (word for name in beside for word in ("--package", name))
    pack = ("package", "--frozen", "--allow-dirty", "--no-verify", *names)
    return Crate(
        spec=Spec(id=step, work=Work.PACK, outputs=(file,), package=crate.package),
        build=Build(
            name=step,
            image=config.toolchain_image(crate.package),
            tools=(Tool(name="rust", version=compiler.version, identity=compiler.identity),),
            source=rust.source(facts, package),
            workdir=package.path,
            commands=(cargo.fetch(), ("{tool:rust}/cargo", *pack)),
            outputs=(f"package/{file}",),
            env=cargo.environment(),
            caches=cargo.CACHES,
        ),
    )
