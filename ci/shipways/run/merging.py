"""Shards → what a release goes on with, once every byte of them is verified."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from shipways import __version__
from shipways.config.shardfile import FILE_NAME, parse_shard
from shipways.errors import PreflightError, Problem
from shipways.model.artifact import Artifact, Blob
from shipways.model.digest import short
from shipways.model.plan import Plan, Skip
from shipways.model.shard import ShardRecord, ShardStep
from shipways.ports import Files, Step, Store
from shipways.run.maker import Given, StepInbox
from shipways.run.splitting import Group, chosen
from shipways.tasks import together


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """A shard: its record, and the folder with its files."""

    record: ShardRecord
    folder: Path

    @property
    def name(self) -> str:
        """For people."""
        return f"shard {self.record.shard}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Merged:
    """What shards have made, by step, and what they could not."""

    given: Mapping[str, Given]
    skips: tuple[Skip, ...]


def read_parts(files: Files, folders: Sequence[Path]) -> tuple[Part, ...]:
    """The shards in and below these folders. Raises PreflightError for all that have none."""
    parts: list[Part] = []
    problems: list[Problem] = []
    for folder in folders:
        records = [path for path in files.list(folder) if FILE_NAME.fullmatch(path.name)]
        if not records:
            what, hint = (
                "has no record of a shard",
                "`shipways build --shard K/N` leaves one in dist/, beside the artifacts",
            )
            problems.append(Problem(path=str(folder), what=what, hint=hint))
        for path in records:
            try:
                parts.append(Part(record=parse_shard(files.read(path), str(path)), folder=path.parent))
            except PreflightError as error:
                problems += error.problems
    if problems:
        raise PreflightError(*problems)
    return tuple(parts)


async def merge(
    plan: Plan, parts: Sequence[Part], found: Sequence[Group], native: Mapping[str, str], store: Store
) -> Merged:
    """Verify shards and put their files into the store. Raises PreflightError with everything that is wrong.

    `found` are the groups that shards are made of, `native` the steps whose inputs are told by another system.
    """
    problems = [problem for part in parts for problem in _foreign(plan, part)]
    own = [part for part in parts if not any(_foreign(plan, part))]
    problems += _overlaps(own)
    made = {step.id: step for part in own for step in part.record.steps}
    skips = _skips(own, made)
    problems += _gaps(found, own, {*made, *(skip.id for skip in skips)})
    problems += await _received(own, store)
    if not problems:
        problems += _other_inputs(plan, made, native, store)
    if problems:
        raise PreflightError(*problems)
    return Merged(
        given={name: Given(key=step.key, blobs=step.files) for name, step in made.items()},
        skips=skips,
    )


def _foreign(plan: Plan, part: Part) -> Iterator[Problem]:
    """Why a shard is not one of this release."""
    record = part.record
    pairs = (
        ("project", record.project, plan.project),
        ("version of shipways", record.shipways, __version__),
        ("make digest", short(record.make_digest), short(plan.make_digest)),
    )
    why = "" if record.commit == plan.commit else f"it is of commit {record.commit[:8]}, and this is {plan.commit[:8]}"
    for what, theirs, ours in pairs:
        if theirs != ours:
            hint = "build it again from this commit, with this config and lock"
            yield Problem(path=part.name, what=f"its {what} is {theirs}, not {ours}", why=why, hint=hint)
    folders = {step.spec.id: step.spec.folder for step in plan.steps}
    for step in record.steps if record.make_digest == plan.make_digest else ():
        if folders.get(step.id) != step.folder:
            yield Problem(path=part.name, what=f"has made {step.id}, which is no step of this plan")


def _overlaps(parts: Sequence[Part]) -> Iterator[Problem]:
    """A step that two shards have made with other bytes; with the same bytes, one of them was run again."""
    seen: dict[str, tuple[Part, ShardStep]] = {}
    for part in parts:
        for step in part.record.steps:
            first, before = seen.setdefault(step.id, (part, step))
            if before != step:
                what = f"{first.name} in {first.folder} and {part.name} in {part.folder} have made it with other bytes"
                hint = "leave one of them out; if both are of this commit, the build is not reproducible"
                yield Problem(path=step.id, what=what, why=_varies(before, step), hint=hint)


def _varies(*steps: ShardStep) -> str:
    reasons = dict.fromkeys(file.varies for step in steps for file in step.files if file.varies)
    return ", ".join(reasons)


def _skips(parts: Sequence[Part], made: Mapping[str, ShardStep]) -> tuple[Skip, ...]:
    found = {skip.id: skip for part in parts for skip in part.record.skips if skip.id not in made}
    return tuple(
        Skip(id=each.id, kind=each.kind, problem=Problem(path=each.id, what=each.what, why=each.why, hint=each.hint))
        for each in found.values()
    )


def _gaps(found: Sequence[Group], parts: Sequence[Part], there: set[str]) -> Iterator[Problem]:
    """What no shard has made: each shard that is missing, then each step that is."""
    names = {part.record.shard for part in parts}
    missing: dict[str, str] = {}
    for total in sorted({int(name.partition("/")[2]) for name in names}):
        shards = [chosen(found, number, total) for number in range(1, total + 1)]
        missing |= {step: shard.name for shard in shards for step in shard.steps if step not in there}
    lost = [step for group in found for step in group.steps if step not in there]
    for name in dict.fromkeys(missing[step] for step in lost if step in missing and missing[step] not in names):
        steps = [step for step in lost if missing.get(step) == name]
        what = f"is missing, with {len(steps)} steps: {', '.join(steps[:3])}{' …' if len(steps) > 3 else ''}"
        yield Problem(path=f"shard {name}", what=what, hint=f"`shipways build --shard {name}`")
    for step in lost:
        if missing.get(step, "") in ("", *names):
            hint = "build all shards with the same N, and with the same dist/ledger.jsonl or none"
            yield Problem(path=step, what="was made by no shard", why="they were not split in the same way", hint=hint)


async def _received(parts: Sequence[Part], store: Store) -> list[Problem]:
    problems: dict[tuple[str, str], Problem] = {}

    async def take(part: Part, step: ShardStep, file: Blob) -> None:
        name = step.folder + file.name
        found = await store.receive(file, part.folder / name)
        if found != file.digest:
            what = f"has {short(found)}, not {short(file.digest)}" if found else "is not there"
            hint = f"copy it again, or `shipways build --shard {part.record.shard}`"
            problems[part.name, name] = Problem(path=f"{part.name}: {part.folder / name}", what=what, hint=hint)

    await together(
        partial(take, part, step, file) for part in parts for step in part.record.steps for file in step.files
    )
    return [problems[key] for key in sorted(problems)]


def _other_inputs(
    plan: Plan, made: Mapping[str, ShardStep], native: Mapping[str, str], store: Store
) -> Iterator[Problem]:
    """The same make digest says nothing of the programs of a machine or an image; the digests of inputs do."""
    for step in plan.steps:
        told = made.get(step.spec.id)
        if told and step.spec.id not in native and told.key != _key(plan, step, made, store):
            why = "the programs or the engine of its machine are not those of this one"
            hint = "build the shards, and this, with the same --engine and the same tools"
            yield Problem(
                path=step.spec.id, what="was made from other inputs than it would be here", why=why, hint=hint
            )


def _key(plan: Plan, step: Step, made: Mapping[str, ShardStep], store: Store) -> str:
    """The digest of a step's inputs, as it is here."""
    specs = {each.spec.id: each.spec for each in plan.steps}
    received = tuple(
        Artifact(
            name=specs[need].folder + blob.name,
            blob=blob,
            step=need,
            package=specs[need].package,
            target=specs[need].target,
        )
        for need in step.spec.needs
        if need in made
        for blob in made[need].files
    )
    return step.inputs(StepInbox(scratch=Path(), received=received, store=store)).key
