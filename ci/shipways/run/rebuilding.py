"""A release that was made again, beside the one that is published: what differs, and what that comes from."""

import contextlib
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import zip_longest

from shipways.config.schema import Config
from shipways.errors import PreflightError, Problem
from shipways.model.artifact import Artifact
from shipways.model.digest import short
from shipways.model.facts import Facts
from shipways.model.manifest import ArtifactEntry, Manifest
from shipways.model.plan import Plan
from shipways.ports import Maker
from shipways.run import planner
from shipways.run.maker import Made


@dataclass(frozen=True, slots=True, kw_only=True)
class Drifted:
    """An artifact that is not the same: as published, and as made again; one of them may be missing.

    `excuse` says why that is no fault; `cause` is the step it follows from, empty where it comes from this one.
    """

    path: str
    old: ArtifactEntry | None
    new: Artifact | None
    excuse: str = ""
    cause: str = ""


def released_plan(config: Config, facts: Facts, makers: Sequence[Maker], manifest: Manifest) -> Plan:
    """The plan that makes the release of this manifest. Raises PreflightError where the checkout makes another one."""
    for publish in (True, False):
        with contextlib.suppress(PreflightError):  # where there is no tag, there may be its snapshot
            plan = planner.plan(config, facts, makers, publish=publish, snapshot=not publish)
            if plan.make_digest == manifest.make_digest:
                return plan
    tags = ", ".join(dict.fromkeys(package.tag for package in manifest.packages))
    what = f"is of commit {manifest.commit[:8]}, with make digest {short(manifest.make_digest)}"
    why = f"this is {facts.git.commit[:8]}{', with changes' if facts.git.dirty else ''}"
    hint = f"check {tags} out, without changes; a config and a lock of then are a part of it"
    raise PreflightError(Problem(path=f"release {tags}", what=what, why=f"{why}, and makes another one", hint=hint))


@dataclass(slots=True, kw_only=True)
class _Causes:
    """Which steps differ, known in the order of the plan, and which of them may."""

    old_keys: Mapping[str, str]
    keys: Mapping[str, str]
    excused: dict[str, bool] = field(default_factory=dict)

    def judge(self, step: str, needs: Sequence[str], pairs: Sequence[Drifted]) -> Iterator[Drifted]:
        """The artifacts of one step, with what they come from."""
        followed = [need for need in needs if need in self.excused]
        follows = bool(followed) and self.old_keys.get(step) != self.keys.get(step)
        wrong = next((need for need in followed if not self.excused[need]), "")
        allowed = True
        for pair in pairs:
            varies = (pair.old.varies if pair.old else "") or (pair.new.blob.varies if pair.new else "")
            excuse = varies or (f"it is made of {followed[0]}, which varies" if follows and not wrong else "")
            allowed = allowed and bool(excuse)
            cause = wrong if follows and not excuse else ""
            yield Drifted(path=pair.path, old=pair.old, new=pair.new, excuse=excuse, cause=cause)
        self.excused[step] = allowed


def compare(manifest: Manifest, plan: Plan, made: Made) -> tuple[Drifted, ...]:
    """Everything that is not byte for byte what was released, in the order of the plan."""
    entries = {entry.path: entry for entry in manifest.artifacts}
    before = {step.id: [entries[path] for path in step.artifacts if path in entries] for step in manifest.steps}
    after: dict[str, list[Artifact]] = defaultdict(list)
    for artifact in made.artifacts:
        after[artifact.step].append(artifact)
    causes = _Causes(old_keys={step.id: step.key for step in manifest.steps}, keys=dict(made.keys))
    needs = {step.spec.id: step.spec.needs for step in plan.steps}
    return tuple(
        found
        for step in dict.fromkeys((*needs, *before))
        if (pairs := list(_pairs(before.get(step, []), after[step])))
        for found in causes.judge(step, needs.get(step, ()), pairs)
    )


def _pairs(before: Sequence[ArtifactEntry], after: Sequence[Artifact]) -> Iterator[Drifted]:
    """What differs of one step. A file that is named by its digest is paired with the one that took its place."""
    old, new = {entry.path: entry for entry in before}, {artifact.name: artifact for artifact in after}
    for path in old.keys() & new.keys():
        if old[path].digest != new[path].digest:
            yield Drifted(path=path, old=old[path], new=new[path])
    gone, come = (sorted(a.keys() - b.keys()) for a, b in ((old, new), (new, old)))
    for lost, found in zip_longest(gone, come):
        yield Drifted(path=lost or found or "", old=old.get(lost or ""), new=new.get(found or ""))
