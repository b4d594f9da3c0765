"""The plan as the next program reads it: `shipways plan --json`."""

from dataclasses import dataclass
from typing import Final, Literal

from shipways.model.plan import Mode
from shipways.model.step import Work

FORMAT: Final = "shipways-plan/1"


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedPackage:
    """A package and the version it gets."""

    name: str
    version: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedStep:
    """A step that will run: the steps it waits for, and the paths of its outputs below `dist/`.

    `package` and `target` are empty where it is about all of them; `*` in an output is what only the build tells.
    """

    id: str
    work: Work
    package: str
    target: str
    needs: tuple[str, ...]
    outputs: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedSkip:
    """A step that will not run: what is wrong, why, and what to do about it. `kind` is what `--require` names."""

    id: str
    kind: str
    what: str
    why: str
    hint: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedShard:
    """What one machine of CI builds: `build --shard` takes the name, `runner` is its label, `steps` their number."""

    shard: str
    runner: str
    steps: int


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanRecord:
    """The whole plan. Steps stand in an order that respects their needs; those in no shard are made at the end."""

    format: Literal["shipways-plan/1"]
    project: str
    mode: Mode
    reason: str
    commit: str
    make_digest: str
    packages: tuple[PlannedPackage, ...]
    steps: tuple[PlannedStep, ...]
    skips: tuple[PlannedSkip, ...]
    shards: tuple[PlannedShard, ...] = ()
