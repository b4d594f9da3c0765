"""Plan → shards: which steps each of several runners makes, and which are left for the one that puts all together."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from shipways.errors import ConfigError, PreflightError, Problem
from shipways.model.artifact import Artifact
from shipways.model.plan import Plan
from shipways.model.shard import Shard
from shipways.model.step import Work
from shipways.ports import Step
from shipways.run.native import system_of
from shipways.run.planner import narrow

RUNNERS: Final = {"linux": "ubuntu-latest", "darwin": "macos-latest", "windows": "windows-latest"}
"""The label of the runner of a system, in the order of shards."""
_SECONDS: Final = {Work.COMPILE: 60.0, Work.FETCH: 5.0, Work.PACK: 1.0}
"""What a step takes where no step of its kind was ever measured."""
_MATRIX: Final = "`shipways plan --json` lists them"


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """Steps that one runner makes, because each hands its artifacts to the next. `system`: what it has to be."""

    steps: tuple[str, ...]
    system: str
    seconds: float


def groups(plan: Plan, native: Mapping[str, str], measured: Mapping[str, float]) -> tuple[Group, ...]:
    """What may run apart, in the order of the plan. Steps that gather, or join what is compiled apart, are in none.

    Packing goes where its program is: to move the program would cost more. Two builds with the same inputs, which are
    made once, stay together too.
    """
    found = _Groups(plan)
    for step in plan.steps:
        found.add(step)
    seconds = _seconds(plan, measured)
    return tuple(
        Group(
            steps=tuple(step.spec.id for step in steps),
            system=next((native[step.spec.id] for step in steps if step.spec.id in native), "linux"),
            seconds=sum(seconds[step.spec.id] for step in steps if step.spec.id not in found.twins),
        )
        for steps in found.all()
    )


def split(found: Sequence[Group], linux: int) -> tuple[Shard, ...]:
    """`linux` shards of Linux runners, and one for each other system that a step asks for; the longest group first,
    each to the shard with the least work.
    """
    parts: list[tuple[str, list[Group]]] = []
    for system in RUNNERS:
        own = [group for group in found if group.system == system]
        count = linux if system == "linux" else min(len(own), 1)
        parts += [(system, part) for part in _balanced(own, count)]
    return tuple(
        Shard(
            number=number,
            total=len(parts),
            runner=RUNNERS[system],
            system=system,
            steps=tuple(step for group in part for step in group.steps),
        )
        for number, (system, part) in enumerate(parts, 1)
    )


def useful(found: Sequence[Group], wanted: int) -> int:
    """How many Linux runners have something to do, of those that are wanted."""
    return min(wanted, sum(group.system == "linux" for group in found))


def chosen(found: Sequence[Group], number: int, total: int) -> Shard:
    """Shard `number` of `total`. Raises ConfigError where so few cannot be, or there is none of this number."""
    others = len({group.system for group in found} - {"linux"})
    fewest = others + any(group.system == "linux" for group in found)
    path = f"--shard {number}/{total}"
    if total < max(fewest, 1):
        raise ConfigError(Problem(path=path, what=f"there are at least {fewest} shards", hint=_MATRIX))
    if not 1 <= number <= total:
        raise ConfigError(Problem(path=path, what=f"expected a number from 1 to {total}", hint=_MATRIX))
    return split(found, total - others)[number - 1]


def narrowed(plan: Plan, shard: Shard) -> Plan:
    """The plan of one shard, the longest group first, so that a machine does not wait at its end for a long one."""
    turns = {name: turn for turn, name in enumerate(shard.steps)}
    own = narrow(plan, shard.steps)
    return replace(own, steps=tuple(sorted(own.steps, key=lambda step: turns[step.spec.id])))


def refuse_other(shard: Shard, host: str) -> None:
    """Raises PreflightError for a shard that this machine cannot be the runner of."""
    if shard.system not in ("linux", system_of(host)):
        why = f"builds run on {host} here"
        hint = f"run it on {shard.runner}, with --engine host"
        raise PreflightError(Problem(path=f"--shard {shard.name}", what=f"is for {shard.system}", why=why, hint=hint))


@dataclass(frozen=True, slots=True, kw_only=True)
class _Empty:
    """The inbox of a step that needs nothing, which is asked for its inputs and not run."""

    scratch: Path = Path()

    def artifacts(self) -> tuple[Artifact, ...]:
        """None."""
        return ()

    def path(self, artifact: Artifact) -> Path:
        """Nowhere: there is none."""
        raise KeyError(artifact.name)

    def say(self, text: str) -> None:
        """Nobody listens."""


class _Groups:
    """Joins steps, in the order of a plan."""

    def __init__(self, plan: Plan) -> None:
        self._planned = {step.spec.id for step in plan.steps}
        self._of: dict[str, list[Step]] = {}
        self._first: dict[str, str] = {}
        self.twins: set[str] = set()
        """Builds whose inputs are those of one before."""

    def add(self, step: Step) -> None:
        """Put a step to what it needs, unless it has to wait for several runners."""
        spec = step.spec
        needs = [need for need in spec.needs if need in self._planned]
        if spec.gathers or any(need not in self._of for need in needs):
            return
        joined = list({id(group): group for group in (self._of[each] for each in (*needs, *self._twin(step)))}.values())
        compiled = [group for group in joined if any(each.spec.work is Work.COMPILE for each in group)]
        if spec.work is not Work.COMPILE and len(compiled) > 1:
            return
        whole = [*(each for group in joined for each in group), step]
        self._of |= {each.spec.id: whole for each in whole}

    def all(self) -> Iterator[list[Step]]:
        """Each group once."""
        yield from {id(group): group for group in self._of.values()}.values()

    def _twin(self, step: Step) -> tuple[str, ...]:
        spec = step.spec
        if spec.work is not Work.COMPILE or spec.needs:
            return ()
        first = self._first.setdefault(step.inputs(_Empty()).key, spec.id)
        if first == spec.id:
            return ()
        self.twins.add(spec.id)
        return (first,)


def _balanced(found: Sequence[Group], count: int) -> list[list[Group]]:
    parts: list[list[Group]] = [[] for _ in range(count)]
    loads = [0.0] * count
    for group in sorted(found, key=lambda group: (-group.seconds, group.steps)) if count else ():
        least = loads.index(min(loads))
        parts[least].append(group)
        loads[least] += group.seconds
    return parts


def _seconds(plan: Plan, measured: Mapping[str, float]) -> dict[str, float]:
    """What each step takes: as measured, else as others of its kind, else as its kind of work usually does."""
    known: dict[Work, list[float]] = {}
    for spec in (step.spec for step in plan.steps):
        if spec.id in measured:
            known.setdefault(spec.work, []).append(measured[spec.id])
    usual = _SECONDS | {work: sorted(times)[len(times) // 2] for work, times in known.items()}
    return {step.spec.id: measured.get(step.spec.id, usual[step.spec.work]) for step in plan.steps}
