"""Any command: once for its files, or once for each target for its programs."""

from collections.abc import Iterator
from dataclasses import dataclass

from shipways.builders.compile import Compile, Expectation, program_spec
from shipways.config.packages import Package
from shipways.config.schema import Config
from shipways.model.artifact import Kind, Output
from shipways.model.build import Build, Tool
from shipways.model.facts import Facts
from shipways.model.names import binary_step
from shipways.model.step import Inputs, Spec, Work
from shipways.model.target import BY_TRIPLE
from shipways.ports import Inbox, World


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """Commands whose files are released as they are. `unpinned` are the programs that no lock names."""

    spec: Spec
    build: Build
    unpinned: tuple[str, ...]

    def inputs(self, inbox: Inbox) -> Inputs:  # noqa: ARG002 - sources are its only input
        """The build."""
        return Inputs(recipe="builders/command 1", values=[self.build.record(), self.unpinned])

    async def run(self, world: World, inbox: Inbox) -> tuple[Output, ...]:
        """Run the commands and take what matches."""
        paths = await world.engine.run(self.build, inbox)
        return tuple(
            Output(
                name=path.relative_to(inbox.scratch).as_posix(),
                kind=Kind.FILE,
                path=path,
                executable=bool(path.stat().st_mode & 0o100),
                varies=_reason(self.unpinned),
            )
            for path in paths
        )


def plan(config: Config, facts: Facts) -> Iterator[Run | Compile]:
    """One step for each package, or one for each of its targets."""
    for name, package in config.package.items():
        if package.build == "command" and package.command.per_target:
            for triple in config.targets(name):
                yield _for_target(config, facts, name, triple)
        elif package.build == "command":
            build = _build(config, facts, name, f"builders/{name}", "")
            yield Run(
                spec=Spec(id=build.name, work=Work.COMPILE, outputs=package.command.outputs, package=name),
                build=build,
                unpinned=_unpinned(config, facts, name),
            )


def _for_target(config: Config, facts: Facts, name: str, triple: str) -> Compile:
    target = BY_TRIPLE[triple]
    build = _build(config, facts, name, binary_step(name, triple), triple)
    return Compile(
        spec=program_spec(name, target, build.outputs),
        build=build,
        expected=Expectation(target=target, static=target.libc == "musl"),
        varies=_reason(_unpinned(config, facts, name)),
    )


def _build(config: Config, facts: Facts, name: str, step: str, triple: str) -> Build:
    package = config.package[name]
    versions = {"go": config.toolchain.go, "zig": config.toolchain.zig}
    values = {"version": facts.version(name).number, "target": triple}
    return Build(
        name=step,
        image=config.toolchain_image(name),
        secrets=package.secrets,
        surroundings=_surroundings(config, facts, name),
        tools=tuple(Tool(name=tool, version=versions[tool]) for tool in package.command.tools),
        source=facts.source.below(package.source or (package.path,)),
        workdir=package.path,
        commands=tuple(tuple(_fill(word, values) for word in argv) for argv in package.command.run),
        outputs=tuple(_fill(pattern, values) for pattern in package.command.outputs),
        env=(("SOURCE_DATE_EPOCH", str(facts.git.epoch)), *package.env.items()),
    )


def _fill(text: str, values: dict[str, str]) -> str:
    for name, value in values.items():
        text = text.replace("{" + name + "}", value)
    return text


def _unpinned(config: Config, facts: Facts, name: str) -> tuple[str, ...]:
    """The programs of the machine that the commands call; those of a locked image are as pinned as the image."""
    return () if _surroundings(config, facts, name) else _foreign(config.package[name])


def _surroundings(config: Config, facts: Facts, name: str) -> str:
    return facts.surroundings(config.toolchain_image(name)) if _foreign(config.package[name]) else ""


def _foreign(package: Package) -> tuple[str, ...]:
    programs = (argv[0] for argv in package.command.run)
    return tuple(dict.fromkeys(program for program in programs if program not in package.command.tools))


def _reason(unpinned: tuple[str, ...]) -> str:
    return f"made by programs of the machine, which no lock pins: {', '.join(unpinned)}" if unpinned else ""
