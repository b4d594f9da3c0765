"""`shipways test`: a package's own tests, in the surroundings in which its program for this machine is built."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import TypeGuard

from shipways.builders.command import Run
from shipways.builders.compile import Compile
from shipways.config.schema import Config
from shipways.errors import BuildError, ConfigError, Problem
from shipways.model.build import CLOSED, Build
from shipways.model.event import Began, Ended, Failed, Finished, Started
from shipways.model.facts import Facts
from shipways.model.plan import Plan
from shipways.ports import Clock, Console, Step, Store, World
from shipways.run.maker import StepInbox, saying, within


def test_builds(config: Config, facts: Facts, plan: Plan, packages: Sequence[str]) -> tuple[Build, ...]:
    """A build for each package that has a test command. Raises ConfigError for a package that has none, or is none."""
    wrong = [
        Problem(
            path=f"package.{name}.test", what="is not set" if name in config.package else "there is no such package"
        )
        for name in packages
        if name not in config.package or config.package[name].test is None
    ]
    if wrong:
        raise ConfigError(*wrong)
    return tuple(_builds(config, facts, plan, packages or tuple(config.package)))


def _builds(config: Config, facts: Facts, plan: Plan, packages: Sequence[str]) -> Iterator[Build]:
    for name in packages:
        package = config.package[name]
        if package.test is None:
            continue
        own = next(
            (step.build for step in plan.steps if step.spec.package == name and _here(step, facts.host)),
            Build(
                name="",
                tools=(),
                source=facts.source.below(package.source or (package.path,)),
                workdir=package.path,
                commands=(),
                outputs=(),
                env=tuple(package.env.items()),
                image=config.toolchain_image(name),
                secrets=package.secrets,
            ),
        )
        # No artifact comes of a test, so it may use the programs of the machine.
        env = tuple(pair for pair in own.env if pair != CLOSED)
        yield replace(own, name=f"test/{name}", commands=(package.test,), outputs=(), env=env)


def _here(step: Step, host: str) -> TypeGuard[Compile | Run]:
    """Whether a step builds with a package's tools for the machine that tests run on."""
    if isinstance(step, Compile):
        return f"{step.expected.target.system}-{step.expected.target.arch}" == host
    return isinstance(step, Run)


async def run_tests(
    builds: Sequence[Build], world: World, *, store: Store, console: Console, clock: Clock, limit: float
) -> None:
    """Run them one after another, all of them. Raises BuildError with every one that failed, or took `limit` s."""
    problems: list[Problem] = []
    console.emit(Began(steps=tuple(build.name for build in builds)))
    for build in builds:
        begin = clock.monotonic()
        console.emit(Started(step=build.name))
        try:
            with store.scratch() as scratch:
                say = saying(console, build.name)
                inbox = StepInbox(scratch=scratch, received=(), store=store, say=say)
                await within(limit, build.name, world.engine.run(build, inbox))
        except BuildError as error:
            console.emit(Failed(step=build.name, reason=str(error)))
            problems += error.problems
        else:
            console.emit(Finished(step=build.name, seconds=clock.monotonic() - begin, size=0, cached=False))
    console.emit(Ended())
    if problems:
        raise BuildError(*problems)
