"""Runs the plan's steps: in parallel, each at most once, from the store where it can."""

import os
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Final, TypeVar

import anyio

from shipways.config.manifestfile import RECORDS
from shipways.config.shardfile import FILE_NAME as SHARD
from shipways.errors import BuildError, Problem, Unavailable
from shipways.model.artifact import Artifact, Blob
from shipways.model.event import Began, Ended, Failed, Finished, Printed, Skipped, Started
from shipways.model.plan import Mode, Plan, Skip
from shipways.model.step import Work
from shipways.ports import Clock, Console, Step, Store, World
from shipways.tasks import together

_T = TypeVar("_T")
_CORES: Final = os.cpu_count() or 2
LIMITS: Final[Mapping[Work, int]] = {Work.PACK: _CORES, Work.FETCH: 8}
"""How many steps of a kind run at once; how many compile, the engine says."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Timing:
    """How long a step took in this run, in seconds; never part of an artifact."""

    step: str
    seconds: float
    cached: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Given:
    """What another runner has made of a step: the digest of its inputs, and its outputs, which are in the store."""

    key: str
    blobs: tuple[Blob, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """How to make: `required` are the kinds of skip that fail a snapshot ("all": any); a release tolerates none.

    A step that has not ended after `timeout` seconds has failed. `fresh`: nothing is taken from the store but `given`,
    the steps that other runners have made.
    """

    required: frozenset[str] = frozenset()
    timeout: float = 3600.0
    fresh: bool = False
    given: Mapping[str, Given] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Made:
    """What a run of make gave: artifacts in the order of the plan, with each step's key, times, and late skips."""

    artifacts: tuple[Artifact, ...]
    keys: tuple[tuple[str, str], ...]
    timings: tuple[Timing, ...]
    skips: tuple[Skip, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class StepInbox:
    """The `Inbox` of one step."""

    scratch: Path
    received: tuple[Artifact, ...]
    store: Store
    say: Callable[[str], None] = lambda _: None
    """Takes what a command of the step has printed."""

    def artifacts(self) -> tuple[Artifact, ...]:
        """All artifacts of the step's needs, in the order of its needs."""
        return self.received

    def path(self, artifact: Artifact) -> Path:
        """Where its verified bytes lie."""
        return self.store.path(artifact.blob)


def saying(console: Console, step: str) -> Callable[[str], None]:
    """Hands what the commands of a step print to the console."""

    def say(text: str) -> None:
        if text.strip():
            console.emit(Printed(step=step, text=text))

    return say


async def within(seconds: float, step: str, work: Awaitable[_T]) -> _T:
    """The result of a step's work. Raises BuildError when it takes longer than a step may."""
    with anyio.move_on_after(seconds):
        return await work
    raise BuildError(
        Problem(
            path=step,
            what=f"has not ended after {seconds:g} s",
            why="it hangs, or it needs more time than engine.timeout gives to a step",
            hint="set engine.timeout to more",
        )
    )


@dataclass(slots=True, kw_only=True)
class _Run:
    """The state of one run; nothing outside this module sees it change."""

    plan: Plan
    world: World
    store: Store
    console: Console
    clock: Clock
    required: frozenset[str] | None
    scratch: Path
    timeout: float
    fresh: bool
    given: Mapping[str, Given]
    done: dict[str, anyio.Event]
    limits: dict[Work, anyio.CapacityLimiter]
    results: dict[str, tuple[Artifact, ...]] = field(default_factory=dict)
    names: dict[str, Artifact] = field(default_factory=dict)
    keys: dict[str, str] = field(default_factory=dict)
    key_locks: dict[str, anyio.Lock] = field(default_factory=dict)
    timings: dict[str, Timing] = field(default_factory=dict)
    skips: list[Skip] = field(default_factory=list)

    async def follow(self, step: Step) -> None:
        """Wait for the needs, then make the step or learn that it cannot be made."""
        spec = step.spec
        needs = [need for need in spec.needs if need in self.done]
        for need in needs:
            await self.done[need].wait()
        lost = [need for need in needs if need not in self.results]
        if lost and (not spec.gathers or len(lost) == len(needs)):
            self._skip(
                Skip(id=spec.id, kind=self._kind(lost[0]), problem=Problem(path=spec.id, what=f"{lost[0]} is skipped"))
            )
        else:
            await self._attempt(step, tuple(a for need in needs for a in self.results.get(need, ())))
        self.done[spec.id].set()

    async def _attempt(self, step: Step, received: tuple[Artifact, ...]) -> None:
        spec = step.spec
        try:
            blobs, timing = await self._make(step, received)
        except Unavailable as error:
            if self.required is None or error.kind in self.required:
                self.console.emit(Failed(step=spec.id, reason=str(error)))
                raise
            self._skip(Skip(id=spec.id, kind=error.kind, problem=error.problems[0]))
            return
        except BuildError as error:
            self.console.emit(Failed(step=spec.id, reason=str(error)))
            raise
        artifacts = tuple(
            Artifact(name=spec.folder + b.name, blob=b, step=spec.id, package=spec.package, target=spec.target)
            for b in blobs
        )
        self._claim(artifacts)
        self.results[spec.id] = artifacts
        self.timings[spec.id] = timing
        size = sum(blob.size for blob in blobs)
        self.console.emit(Finished(step=spec.id, seconds=timing.seconds, size=size, cached=timing.cached))

    async def _make(self, step: Step, received: tuple[Artifact, ...]) -> tuple[tuple[Blob, ...], Timing]:
        """What is given, or from the store, or by running the step; waiting for a free place is not its time.

        Two steps with the same inputs wait for one another.
        """
        if (given := self.given.get(step.spec.id)) is not None:
            self.keys[step.spec.id] = given.key
            return given.blobs, self._timing(step, self.clock.monotonic(), cached=True)
        folder = self.scratch / str(len(self.keys))
        inbox = StepInbox(scratch=folder, received=received, store=self.store, say=saying(self.console, step.spec.id))
        key = self.keys[step.spec.id] = step.inputs(inbox).key
        async with self.key_locks.setdefault(key, anyio.Lock()):
            begin = self.clock.monotonic()
            if not self.fresh and (blobs := await self.store.load(key)) is not None:
                return blobs, self._timing(step, begin, cached=True)
            async with self.limits[step.spec.work]:
                begin = self.clock.monotonic()
                self.console.emit(Started(step=step.spec.id))
                inbox.scratch.mkdir()
                outputs = await within(self.timeout, step.spec.id, step.run(self.world, inbox))
                return await self.store.save(key, outputs), self._timing(step, begin, cached=False)

    def _claim(self, artifacts: tuple[Artifact, ...]) -> None:
        """Where a step's outputs are patterns, only now it shows that another one made a file of the same name."""
        for artifact in artifacts:
            other = self.names.setdefault(artifact.name, artifact)
            ours = artifact.name in RECORDS or SHARD.fullmatch(artifact.name)
            if ours or other.digest != artifact.digest:
                owner = "shipways itself" if ours else other.step
                raise BuildError(Problem(path=artifact.step, what=f"made {artifact.name}, which {owner} makes too"))

    def _timing(self, step: Step, begin: float, *, cached: bool) -> Timing:
        return Timing(step=step.spec.id, seconds=self.clock.monotonic() - begin, cached=cached)

    def _skip(self, skip: Skip) -> None:
        self.skips.append(skip)
        self.console.emit(Skipped(step=skip.id, kind=skip.kind, reason=skip.problem.what, fix=skip.problem.hint))

    def _kind(self, step: str) -> str:
        return next((skip.kind for skip in self.skips if skip.id == step), "config")


async def make(
    plan: Plan, world: World, *, store: Store, console: Console, clock: Clock, options: Options = Options()
) -> Made:
    """Run every step. The first failure cancels the rest; commands that run are ended before this returns.

    Raises BuildError of the step that failed first.
    """
    everything = plan.mode is Mode.RELEASE or "all" in options.required
    with store.scratch() as scratch:
        run = _Run(
            plan=plan,
            world=world,
            store=store,
            console=console,
            clock=clock,
            required=None if everything else options.required,
            scratch=scratch,
            done={step.spec.id: anyio.Event() for step in plan.steps},
            limits={work: anyio.CapacityLimiter(n) for work, n in {Work.COMPILE: world.engine.width, **LIMITS}.items()},
            timeout=options.timeout,
            fresh=options.fresh,
            given=options.given,
        )
        console.emit(Began(steps=tuple(run.done)))
        try:
            await together(partial(run.follow, step) for step in plan.steps)
        finally:
            console.emit(Ended())
    return Made(
        artifacts=tuple(artifact for step in plan.steps for artifact in run.results.get(step.spec.id, ())),
        keys=tuple((step.spec.id, run.keys[step.spec.id]) for step in plan.steps if step.spec.id in run.results),
        timings=tuple(run.timings[step.spec.id] for step in plan.steps if step.spec.id in run.timings),
        skips=tuple(run.skips),
    )
