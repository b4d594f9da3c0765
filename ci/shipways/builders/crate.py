"""Rust packages as .crate files, as a registry takes them."""

from collections.abc import Iterator
from dataclasses import dataclass

from shipways.builders import cargo, rust
from shipways.config.schema import Config
from shipways.errors import Problem
from shipways.model.artifact import Kind, Output
from shipways.model.build import Build, Tool
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
    for name, package in config.package.items():
        if package.build != "rust" or not package.rust.publish_crate or name in facts.private:
            continue
        found = rust.pinned(config, facts)
        if isinstance(found, Problem):
            yield Skip(id=crate_step(name), kind="toolchain", problem=found)
        else:
            yield _step(config, facts, name, found[0])


def _step(config: Config, facts: Facts, name: str, compiler: Rust) -> Crate:
    package, step = config.package[name], crate_step(name)
    crate = package.rust.crate or name
    file = crate_file(crate, facts.version(name).base)
    pack = ("package", "--frozen", "--allow-dirty", "--no-verify", "--package", crate)
    return Crate(
        spec=Spec(id=step, work=Work.PACK, outputs=(file,), package=name),
        build=Build(
            name=step,
            tools=(Tool(name="rust", version=compiler.version, identity=compiler.identity),),
            source=rust.source(facts, package),
            workdir=package.path,
            commands=(cargo.fetch(), ("{tool:rust}/cargo", *pack)),
            outputs=(f"package/{file}",),
            env=cargo.environment(),
            caches=cargo.CACHES,
        ),
    )
