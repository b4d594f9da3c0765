"""`build --step ID --shell`: a person in the room of a step's build, in place of its commands."""

from dataclasses import dataclass, replace
from pathlib import Path

from shipways.errors import BuildError, ConfigError, Problem
from shipways.model.build import Build
from shipways.model.facts import Rust
from shipways.model.image import ImageBuild
from shipways.model.plan import Plan
from shipways.ports import Engine, Inbox, Store, World
from shipways.run.maker import Made, StepInbox


class _Left(Exception):  # noqa: N818 - nothing is wrong: it ends the step where its build would end
    """The person has left the room."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Rooms:
    """An engine that opens rooms where steps ask it to run a build."""

    engine: Engine

    @property
    def name(self) -> str:
        """The engine's own."""
        return self.engine.name

    @property
    def width(self) -> int:
        """The engine's own."""
        return self.engine.width

    @property
    def host(self) -> str:
        """The engine's own."""
        return self.engine.host

    async def rust(self, version: str, image: str) -> tuple[Rust, ...]:
        """The engine's own."""
        return await self.engine.rust(version, image)

    async def run(self, build: Build, inbox: Inbox) -> tuple[Path, ...]:
        """Nothing comes of a visit."""
        await self.engine.shell(build, inbox)
        raise _Left

    async def shell(self, build: Build, inbox: Inbox) -> None:
        """The engine's own."""
        await self.engine.shell(build, inbox)

    async def image(self, build: ImageBuild, inbox: Inbox) -> Path:
        """Nobody can visit it."""
        del inbox
        why = "the engine runs the lines of a Dockerfile itself"
        raise ConfigError(Problem(path=build.name, what="has no shell to open", why=why))


def needs(plan: Plan, name: str) -> Plan:
    """What has to be made before: the plan of a step (`planner.narrow`) without the step itself."""
    return replace(plan, steps=tuple(step for step in plan.steps if step.spec.id != name))


async def visit(plan: Plan, name: str, made: Made, world: World, store: Store) -> None:
    """Return when the person leaves. `plan` is that of the step, `made` are its needs.

    Raises BuildError where one of them was skipped, ConfigError for a step that runs no command.
    """
    (step,) = (step for step in plan.steps if step.spec.id == name)
    if made.skips:
        raise BuildError(*(skip.problem for skip in made.skips))
    received = tuple(a for need in step.spec.needs for a in made.artifacts if a.step == need)
    with store.scratch() as scratch:
        try:
            inbox = StepInbox(scratch=scratch, received=received, store=store)
            await step.run(replace(world, engine=_Rooms(engine=world.engine)), inbox)
        except _Left:
            return
    raise ConfigError(
        Problem(path=name, what="has no shell to open", why="shipways makes it by itself: it runs no command")
    )
