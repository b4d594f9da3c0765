"""`build --step ID --shell`: what is made before, what the engine is asked for, and for which steps it is not."""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, cast

import anyio
import pytest

from shipways.adapters.store import DiskStore
from shipways.errors import BuildError, ConfigError, Problem, Unavailable
from shipways.model.artifact import Kind, Output
from shipways.model.build import Build, Mount
from shipways.model.plan import Mode, Plan
from shipways.model.source import SourceTree
from shipways.model.step import Inputs, Spec, Work
from shipways.ports import Inbox, Step, World
from shipways.run import visiting
from shipways.run.maker import make
from shipways.testing.console import ManualClock, RecordingConsole
from shipways.testing.engine import ScriptedEngine

BUILD = Build(name="b", tools=(), source=SourceTree(files=()), commands=(("touch",),), outputs=("*",))


@dataclass(frozen=True, slots=True, kw_only=True)
class Built:
    """A step that mounts its needs and runs a build."""

    spec: Spec

    def inputs(self, inbox: Inbox) -> Inputs:
        return Inputs(recipe="built", values=self.spec.id, artifacts=inbox.artifacts())

    async def run(self, world: World, inbox: Inbox) -> tuple[Output, ...]:
        mounts = tuple(Mount(artifact=artifact, path=artifact.name) for artifact in inbox.artifacts())
        (path,) = await world.engine.run(replace(BUILD, name=self.spec.id, mounts=mounts), inbox)
        return (Output(name=path.name, kind=Kind.FILE, path=path),)


@dataclass(frozen=True, slots=True, kw_only=True)
class Own:
    """A step that asks no engine, and fails when it is told to."""

    spec: Spec
    fail: bool = False

    def inputs(self, inbox: Inbox) -> Inputs:
        return Inputs(recipe="own", values=self.spec.id, artifacts=inbox.artifacts())

    async def run(self, world: World, inbox: Inbox) -> tuple[Output, ...]:
        if self.fail:
            raise Unavailable("toolchain", Problem(path=self.spec.id, what="cannot be"))
        (inbox.scratch / "own").touch()
        return (Output(name="own", kind=Kind.FILE, path=inbox.scratch / "own"),)


def spec(name: str, *needs: str) -> Spec:
    return Spec(id=name, work=Work.COMPILE, outputs=("*",), folder=f"{name}/", needs=needs)


def touch(argv: tuple[str, ...], out: Path) -> int:
    (out / "made").touch()
    return 0


def visited(folder: Path, name: str, *steps: Step) -> ScriptedEngine:
    """The engine after a visit of a step."""
    engine, store = ScriptedEngine({"touch": touch}), DiskStore(folder)
    nothing = cast(Any, None)
    world = World(engine=engine, files=nothing, sources=nothing, inspector=nothing, images=nothing)
    told = {"reason": "", "make_digest": "", "commit": "", "epoch": 0, "versions": (), "skips": ()}
    plan = Plan(project="p", mode=Mode.SNAPSHOT, steps=steps, **cast(Any, told))

    async def run() -> None:
        before = visiting.needs(plan, name)
        made = await make(before, world, store=store, console=RecordingConsole(), clock=ManualClock())
        await visiting.visit(plan, name, made, world, store)

    anyio.run(run)
    assert [] == list(folder.glob("tmp/*"))
    return engine


def test_needs_are_made_and_the_step_is_opened(tmp_path: Path) -> None:
    """Its needs are built; itself it is only opened, with what they made in the order in which it needs them."""
    steps = (Built(spec=spec("a")), Built(spec=spec("b")), Built(spec=spec("c", "b", "a")))
    engine = visited(tmp_path, "c", *steps)
    assert ["a", "b"] == sorted(build.name for build in engine.builds)
    assert [("c", ["b/made", "a/made"])] == [(b.name, [mount.path for mount in b.mounts]) for b in engine.opened]


def test_nothing_is_stored(tmp_path: Path) -> None:
    """A visit leaves no result: whoever needs the step next has to make it."""
    visited(tmp_path, "a", Built(spec=spec("a")))
    engine = visited(tmp_path, "b", Built(spec=spec("a")), Built(spec=spec("b", "a")))
    assert ["a"] == [build.name for build in engine.builds]


def test_step_that_runs_no_command(tmp_path: Path) -> None:
    """A step that asks no engine has no shell, and that is a mistake of the command line."""
    with pytest.raises(ConfigError, match="own: has no shell to open"):
        visited(tmp_path, "own", Own(spec=spec("own")))


def test_need_that_cannot_be_made(tmp_path: Path) -> None:
    """Where a need is skipped, the reason is the error."""
    with pytest.raises(BuildError, match="own: cannot be"):
        visited(tmp_path, "a", Own(spec=spec("own"), fail=True), Built(spec=spec("a", "own")))
