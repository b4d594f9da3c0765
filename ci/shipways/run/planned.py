"""The plan as the next program reads it: JSON, and the records that other records have of it."""

import dataclasses
import json
from collections.abc import Sequence

from shipways.model.manifest import Manifest
from shipways.model.plan import Mode, Plan, Skip
from shipways.model.record import FORMAT, PlannedPackage, PlannedShard, PlannedSkip, PlannedStep, PlanRecord
from shipways.model.shard import Shard
from shipways.ports import Step


def plan_json(plan: Plan, shards: Sequence[Shard]) -> str:
    """The plan for programs, in the form of `shipways schema plan`."""
    return json.dumps(dataclasses.asdict(plan_record(plan, shards)), indent=2, ensure_ascii=False)


def plan_record(plan: Plan, shards: Sequence[Shard] = ()) -> PlanRecord:
    """The plan as other programs read it."""
    return PlanRecord(
        format=FORMAT,
        project=plan.project,
        mode=plan.mode,
        reason=plan.reason,
        commit=plan.commit,
        make_digest=plan.make_digest,
        packages=tuple(PlannedPackage(name=name, version=number) for name, number in plan.versions),
        steps=tuple(_step(step) for step in plan.steps),
        skips=tuple(planned_skip(skip) for skip in plan.skips),
        shards=tuple(PlannedShard(shard=each.name, runner=each.runner, steps=len(each.steps)) for each in shards),
    )


def resumed_record(manifest: Manifest, tag: str) -> PlanRecord:
    """The plan of a run that makes nothing: it publishes what a release of before has left."""
    return PlanRecord(
        format=FORMAT,
        project=manifest.project,
        mode=Mode.RELEASE,
        reason=f"what is left of {tag}, as it was made",
        commit=manifest.commit,
        make_digest=manifest.make_digest,
        packages=tuple(PlannedPackage(name=each.name, version=each.version) for each in manifest.packages),
        steps=(),
        skips=(),
    )


def _step(step: Step) -> PlannedStep:
    spec = step.spec
    return PlannedStep(
        id=spec.id,
        work=spec.work,
        package=spec.package,
        target=spec.target.triple if spec.target else "",
        needs=spec.needs,
        outputs=tuple(spec.folder + name for name in spec.outputs),
    )


def planned_skip(skip: Skip) -> PlannedSkip:
    """A skip as the plan and a shard record it."""
    told = skip.problem
    return PlannedSkip(id=skip.id, kind=skip.kind, what=told.what, why=told.why, hint=told.hint)
