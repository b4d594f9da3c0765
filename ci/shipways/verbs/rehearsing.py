"""rehearse: a release against local stand-ins of all its places, before there is a tag."""

import secrets
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import anyio
import click

from shipways import wire
from shipways.config.manifestfile import REHEARSAL
from shipways.errors import Drift, Problem, Unfinished
from shipways.model.event import Began, Ended, Failed, Finished, Note, Started
from shipways.pipeline.makers import MAKERS
from shipways.ports import Console
from shipways.rehearse.berths.git import Tagging
from shipways.rehearse.cases import ALL, Case, Size, planned
from shipways.rehearse.harbour import BERTHS, harbour
from shipways.rehearse.rehearsal import Rehearsal, Result
from shipways.rehearse.summary import matrix, report, verdict
from shipways.run import planner
from shipways.run.audit import Disk, audit, compare
from shipways.run.checking import refuse_fall
from shipways.run.mode import as_tagged
from shipways.run.reconciler import converge
from shipways.verbs import publishing
from shipways.verbs.making import at_hand, lay_out, run_steps, workshop
from shipways.verbs.options import ENGINE, LOG, How

_SEEDS = 10_000


@click.command()
@click.option("--faults", default="", metavar="all|NAME,…", help="What goes wrong: faults, or ids of cases.")
@click.option("--seed", type=int, help="Chooses cases and random faults; by default another one each time.")
@click.option(
    "--create-tag", is_flag=True, help="As a release that makes its tags: to a stand-in of the git remote too."
)
@ENGINE
@LOG
def rehearse(faults: str, seed: int | None, create_tag: bool, engine: str | None, log: str) -> None:
    """Make the release as if its tags were there, and bring it to local stand-ins of every place."""
    names = tuple(name.strip() for name in faults.split(",") if name.strip())
    chosen = secrets.randbelow(_SEEDS) if seed is None else seed
    asked = Asked(names=names, seed=chosen, create_tag=create_tag)
    anyio.run(_rehearse, asked, How(engine=engine, no_cache=False, require=(), log=log))


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What is rehearsed: faults or ids of cases by name, what chooses among them, and whether it makes its tags."""

    names: tuple[str, ...]
    seed: int
    create_tag: bool


async def _rehearse(asked: Asked, how: How) -> None:
    async with workshop(how) as (here, console):
        shop = replace(here, facts=as_tagged(here.facts, new=asked.create_tag))
        shop = replace(shop, facts=replace(shop.facts, notes=await wire.notes(shop)))
        own = (Tagging(shop.repository.objects),) if asked.create_tag else ()
        _refuse_unknown([*(name for name, _ in shop.config.publish), *(["git"] if own else [])], asked)
        whole = at_hand(shop, planner.plan(shop.config, shop.facts, MAKERS, publish=True))
        refuse_fall(whole.mode, shop.config.engine.release, shop.engine.name, shop.engine_reason)
        how_tagged = "to be tagged" if asked.create_tag else "at"
        reason = (
            f"rehearsed from the work tree, as if it were committed and {how_tagged} {', '.join(shop.facts.git.tags)}"
        )
        whole = replace(whole, reason=reason)
        made = await run_steps(shop, whole, console, how)
        with shop.store.scratch() as folder:
            manifest = await lay_out(shop, whole, made, folder / "dist")
            with harbour(shop.config, manifest, folder / "harbour", (*BERTHS, *own)) as port:
                rehearsal = Rehearsal(
                    channels=publishing.channels_of(port.config, shop.facts),
                    manifest=manifest,
                    dist=folder / "dist",
                    harbour=port,
                    clock=wire.clock(),
                    seed=asked.seed,
                )
                for name in port.absent:
                    console.emit(Note(text=f"{name}: is not rehearsed, for it has no stand-in", level="warning"))
                await _calm(rehearsal, console)
                await _faults(rehearsal, asked.names, console, shop.repository.root / "dist" / REHEARSAL)


def _refuse_unknown(channels: Sequence[str], asked: Asked) -> None:
    """Raises ConfigError for a wrong name of a fault, before all the work."""
    nothing = Size(requests=0, writes=0, items=0)
    planned(dict.fromkeys(channels, nothing), asked.names, asked.seed)


async def _calm(rehearsal: Rehearsal, console: Console) -> None:
    """What a user would run, and nothing goes wrong: release, the same once more, verify."""
    port, dist, manifest = rehearsal.harbour, rehearsal.dist, rehearsal.manifest
    await publishing.preflight(rehearsal.channels, dist, console, doors=port.outside)
    async with publishing.opened(dist, console, port.outside) as around:
        await publishing.publish(rehearsal.channels, manifest, around, apply=True)
    if problem := await rehearsal.again():
        raise Unfinished(Problem(path="rehearse", what="the same release once more", why=problem))
    await _verify(rehearsal, console)
    console.emit(Note(text="rehearsed: the release, the same once more, which changed nothing, and verify"))


async def _verify(rehearsal: Rehearsal, console: Console) -> None:
    """As `verify` does: all that people get is downloaded. Raises Drift, Unfinished."""
    port, manifest = rehearsal.harbour, rehearsal.manifest
    channels = publishing.channels_of(port.config, None)
    disk = Disk(files=wire.files(), folder=rehearsal.dist.with_name("downloads"))
    disk.folder.mkdir()
    async with publishing.opened(rehearsal.dist, console, port.outside) as around:
        outcome = await converge(channels, manifest, around, apply=False)
        told, seen = compare(outcome), await audit(channels, manifest, outcome, around, disk)
    if told.wrong or seen.wrong:
        raise Drift(*told.wrong, *seen.wrong)
    if told.unasked or seen.unasked:
        raise Unfinished(*told.unasked, *seen.unasked)


async def _faults(rehearsal: Rehearsal, names: Sequence[str], console: Console, place: Path) -> None:
    """Every case, the matrix, and the report. Raises Unfinished or Conflict with those that do not converge."""
    wanted = (*rehearsal.harbour.moored, ALL) if names else ()
    sizes = {name: await rehearsal.measure(name) for name in wanted}
    channels = {name: size for name, size in sizes.items() if name != ALL}
    results = await _played(rehearsal, planned(channels, names, rehearsal.seed), console)
    with wire.files().create(place) as stream:
        stream.write(report(rehearsal.manifest, rehearsal.seed, sizes, rehearsal.harbour.absent, results).encode())
    if names:
        console.emit(matrix(results, rehearsal.seed))
    if (error := verdict(results, rehearsal.seed)) is not None:
        raise error


async def _played(rehearsal: Rehearsal, cases: Sequence[Case], console: Console) -> tuple[Result, ...]:
    """Case by case, told by channel and fault: `github/lost` begins, and has ended well or not."""
    groups: dict[str, list[Case]] = {}
    for case in cases:
        groups.setdefault(f"{case.channel}/{case.fault}", []).append(case)
    results: list[Result] = []
    console.emit(Began(steps=tuple(groups)))
    try:
        for name, group in groups.items():
            console.emit(Started(step=name))
            played = [await rehearsal.play(case) for case in group]
            results += played
            seconds = sum(result.seconds for result in played)
            bad = next((result.problem for result in played if result.problem), "")
            console.emit(
                Failed(step=name, reason=bad) if bad else Finished(step=name, seconds=seconds, size=0, cached=False)
            )
    finally:
        console.emit(Ended())
    return tuple(results)
