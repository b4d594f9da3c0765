"""`release --tag`: finishes a release from what it has staged, in any folder that has the config."""

import contextlib
import itertools
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Final

from anyio import to_thread

from shipways import wire
from shipways.config.schema import Config
from shipways.errors import Conflict, PreflightError, Problem
from shipways.model.artifact import Kind
from shipways.model.event import Note, Planned
from shipways.model.item import Item, ItemKind, Phase, Seen
from shipways.model.manifest import ArtifactEntry, Manifest
from shipways.model.outcome import GOOD, Outcome
from shipways.model.version import is_prerelease
from shipways.outside.channels import Channel, Listed, Stage
from shipways.pipeline.makers import MAKERS
from shipways.ports import Console
from shipways.run import planner, record
from shipways.run.checking import refuse_fall
from shipways.run.patience import persist
from shipways.run.planned import resumed_record
from shipways.run.reconciler import Around, converge
from shipways.run.supply import (
    Sealed,
    agreed,
    bring,
    find_sealed,
    holding,
    needed,
    proved,
    seen_of,
    sources,
    take_out,
    trust,
)
from shipways.settings import settings
from shipways.verbs import publishing
from shipways.verbs.making import equipped, make_all
from shipways.verbs.options import Finish, How
from shipways.verbs.reporting import journal, reported

_NEXT: Final = "a part is public, and cannot be replaced: release the next version"


@dataclass(frozen=True, slots=True, kw_only=True)
class Resumed:
    """A release of before: what the config of today says of its places, and where its files go."""

    tag: str
    config: Config
    channels: list[Channel]
    dist: Path
    scratch: Path
    console: Console


async def resume(finish: Finish, dry_run: bool, how: How) -> None:
    """Publish what is left of a release, and leave in dist/ what a release does.

    Raises PreflightError, BuildError, Unfinished or Conflict.
    """
    told = journal(how)
    with wire.store().scratch() as scratch:
        run = resumed(finish.tag, scratch, told)
        with reported(told, wire.files(), run.dist):
            manifest = await _finish(run, finish, how, apply=not dry_run)
            if not dry_run:
                await _record(run, manifest)


async def _finish(run: Resumed, finish: Finish, how: How, *, apply: bool) -> Manifest:
    """Publish it, or make it again before that; its manifest. Of what is complete everything is only read."""
    found = await _find(run)
    if finish.restage or not found:
        if apply:
            await publishing.preflight(run.channels, run.dist, run.console)
        return await _anew(run, found, finish, how, apply=apply)
    manifest = agreed(found).manifest
    outcome = await look(run, manifest)
    trust(outcome)
    run.console.emit(Note(text=f"{run.tag}: the manifest is that of {', '.join(each.channel for each in found)}"))
    run.console.emit(Planned(plan=resumed_record(manifest, run.tag)))
    if apply and not all(row.state in GOOD for row in outcome.rows):
        await publishing.preflight(run.channels, run.dist, run.console)
        await _supply(run, manifest, outcome, how)
    async with publishing.opened(run.dist, run.console) as around:
        await publishing.publish(run.channels, manifest, around, apply=apply)
    return manifest


def resumed(tag: str, scratch: Path, console: Console) -> Resumed:
    """The release of a tag, by the config of this folder; what is downloaded goes to `scratch`. Raises ConfigError."""
    said = settings(wire.here())
    return Resumed(
        tag=tag,
        config=said.config,
        channels=publishing.channels_of(said.config, None),
        dist=said.folder / "dist",
        scratch=scratch,
        console=console,
    )


async def published(run: Resumed, otherwise: str) -> Manifest:
    """The manifest that the places have.

    Raises PreflightError where none has it, with what to do without; Conflict where they differ; Unfinished.
    """
    found = await _find(run)
    if not found:
        hint = f"[publish.github] and [publish.files] keep it; without them {otherwise}"
        raise PreflightError(Problem(path=run.tag, what="no place has the manifest of its release", hint=hint))
    return agreed(found).manifest


async def _find(run: Resumed) -> tuple[Sealed, ...]:
    """The manifest that each stage has."""
    async with publishing.opened(run.scratch, run.console) as around:
        return await find_sealed(run.channels, run.config.project.name, run.tag, run.scratch, around)


async def look(run: Resumed, manifest: Manifest) -> Outcome:
    """What is where, of a manifest that nobody has to trust yet; proofs are verified over what is downloaded."""
    files = wire.files()
    record.write_manifest(files, run.scratch, manifest)
    signed = proved(manifest, run.channels)
    async with publishing.opened(run.scratch, run.console) as around:
        if signed:
            plain = [each for each in run.channels if not proved(manifest, [each])]
            outcome = await converge(plain, manifest, around, apply=False)
            await bring(signed, sources(plain, outcome), run.scratch, files, around)
        return await converge(run.channels, manifest, around, apply=False)


async def lay_programs(run: Resumed, manifest: Manifest, outcome: Outcome, paths: Sequence[str]) -> None:
    """Let programs lie below `scratch`: as they were published, or out of an archive that they are in.

    Raises PreflightError for each that no place has.
    """
    files, places = wire.files(), sources(run.channels, outcome)
    wanted = [entry for entry in manifest.artifacts if entry.path in paths]
    async with publishing.opened(run.scratch, run.console) as around:
        missing = await bring(wanted, places, run.scratch, files, around)
        archives = {entry.path: holding(manifest, entry) for entry in missing}
        await bring([each for found in archives.values() for each in found], places, run.scratch, files, around)
    taken = await to_thread.run_sync(
        lambda: [entry for entry in missing if not take_out(entry, archives[entry.path], run.scratch, files)]
    )
    if taken:
        what, hint = "is in nothing that the release has", "publish its archives, or deploy from dist/"
        raise PreflightError(*(Problem(path=entry.path, what=what, hint=hint) for entry in taken))


async def _supply(run: Resumed, manifest: Manifest, outcome: Outcome, how: How) -> None:
    """Let everything that is still sent lie in dist/; what no place has is made again. Raises Conflict, PreflightError.

    That is done before anything is applied: nothing becomes public that cannot be finished.
    """
    files, places = wire.files(), sources(run.channels, outcome)
    wanted = tuple(dict.fromkeys((*needed(manifest, outcome), *proved(manifest, run.channels))))

    async def lay() -> tuple[ArtifactEntry, ...]:
        record.clear_old(files, run.dist, manifest)
        record.write_manifest(files, run.dist, manifest)
        async with publishing.opened(run.dist, run.console) as around:
            return await bring(wanted, places, run.dist, files, around)

    missing = await lay()
    if not missing:
        return
    what, hint = "is needed, and no place has it", f"check {run.tag} out and run this again there: it is made again"
    lost = tuple(Problem(path=entry.path, what=what, hint=hint) for entry in missing)
    await _made(run, lost, how)
    hint = "nothing is public yet: --restage replaces all that is staged" if not outcome.begun else _NEXT
    if missing := await lay():
        what = "is not the same when it is made again"
        raise Conflict(*(Problem(path=entry.path, what=what, hint=hint) for entry in missing))


async def _made(run: Resumed, lost: Sequence[Problem], how: How) -> tuple[Manifest, list[Channel]]:
    """Make the release at its tag, into dist/; its manifest, and its channels. Raises PreflightError elsewhere."""
    try:
        async with equipped(how, run.console) as shop:
            if not _stands(run, shop):
                raise PreflightError(*lost)
            whole = planner.plan(shop.config, shop.facts, MAKERS, publish=True)
            refuse_fall(whole.mode, shop.config.engine.release, shop.engine.name, shop.engine_reason)
            facts = replace(shop.facts, notes=await wire.notes(shop))
            return await make_all(shop, whole, run.console, how), publishing.channels_of(shop.config, facts)
    except PreflightError as error:
        raise PreflightError(*dict.fromkeys((*lost, *error.problems))) from None


def _stands(run: Resumed, shop: wire.Workshop) -> bool:
    """Whether the tag is checked out, with nothing changed."""
    return run.tag in shop.facts.git.tags and not shop.facts.git.dirty


async def _record(run: Resumed, manifest: Manifest) -> None:
    """The record of published formulas, as `publishing.record` leaves it: of the sources, so it is made at the tag."""
    public = {package.name for package in manifest.packages if not is_prerelease(package.version)}
    formulas = [each for each in manifest.artifacts if each.kind == Kind.FORMULA and each.package in public]
    if not formulas or not run.config.publish.github:
        return
    with contextlib.suppress(PreflightError):  # a folder with nothing but the config is no repository
        async with wire.workshop() as shop:
            if _stands(run, shop):
                publishing.record(shop, manifest, run.dist, run.console)
                return
    text = f"{run.tag} is not checked out here: run this again where it is, for the record of its formulas in dist/"
    run.console.emit(Note(text=text))


async def _anew(run: Resumed, found: Sequence[Sealed], finish: Finish, how: How, *, apply: bool) -> Manifest:
    """Make the release in place of what is staged; its manifest. Raises Conflict where some of that is public."""
    before = [(each.manifest, await look(run, each.manifest)) for each in found]
    if any(outcome.begun for _, outcome in before):
        hint = "leave --restage out: what is staged is published"
        raise Conflict(Problem(path=run.tag, what="is public in part, and cannot be replaced", hint=hint))
    what = "has to be checked out" if found else "is staged nowhere"
    hint = f"check {run.tag} out and run this again there: it is made again"
    manifest, channels = await _made(run, (Problem(path=run.tag, what=what, hint=hint),), how)
    if apply:
        for _, outcome in before:
            await _retract(run, channels, outcome, manifest)
        if finish.restage:
            await _sweep(run, channels, manifest)
    async with publishing.opened(run.dist, run.console) as around:
        await publishing.publish(channels, manifest, around, apply=apply, anew=True)
    return manifest


async def _retract(run: Resumed, channels: Sequence[Channel], outcome: Outcome, manifest: Manifest) -> None:
    """Take away what was staged, and is not part of the release any more."""
    kept = {item.id for channel in channels for item in channel.desired(manifest)}
    stages = {channel.name: channel for channel in channels if isinstance(channel, Stage)}
    async with publishing.opened(run.dist, run.console) as around:
        for row in outcome.rows:
            stage = stages.get(row.item.channel)
            staged = row.item.path and row.item.phase is Phase.STAGE and (row.before or row.stamp)
            if stage and staged and row.item.id not in kept:
                await _take(stage, row.item, seen_of(row), around)


async def _sweep(run: Resumed, channels: Sequence[Channel], manifest: Manifest) -> None:
    """Take away what lies in a draft, and no channel of today brings, such as the signatures of a signer of before."""
    items = [item.id for channel in channels for item in channel.desired(manifest)]
    async with publishing.opened(run.dist, run.console) as around:
        for stage, release in itertools.product(channels, manifest.releases()):
            if not isinstance(stage, Listed):
                continue
            place = f"{stage.name}/{release.tag}/"  # proofs have it behind the name of their channel
            wanted = {name for item in items if (name := item.partition(place)[2])}
            ask = partial(stage.staged, around.outside, release.tag)
            for name, seen in (await persist(place, ask, run.console, around.clock)).items():
                if name not in wanted:
                    item = Item(id=f"{place}{name}", kind=ItemKind.STAGED, phase=Phase.STAGE, want="")
                    await _take(stage, item, seen, around)


async def _take(stage: Stage, item: Item, seen: Seen, around: Around) -> None:
    """Take a staged file away, and say so."""
    await persist(item.id, partial(stage.retract, around.outside, item, seen), around.console, around.clock)
    around.console.emit(Note(text=f"{item.id}: taken away, it is not part of the release any more"))
