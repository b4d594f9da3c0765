"""`rebuild --check`: is a release still what its sources make?"""

import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import BinaryIO

import anyio
import click

from shipways import wire
from shipways.config.manifestfile import FILE_NAME, parse_manifest
from shipways.errors import Drift, PreflightError, Problem
from shipways.model.digest import short
from shipways.model.event import Note, Table
from shipways.model.manifest import Manifest
from shipways.pack.difference import first_difference
from shipways.pipeline.makers import MAKERS
from shipways.ports import Console, Inspector, Store
from shipways.run import planner
from shipways.run.maker import make
from shipways.run.native import here, natives
from shipways.run.rebuilding import Drifted, compare, released_plan
from shipways.run.supply import Source, bring, sources, trust
from shipways.settings import settings
from shipways.verbs import publishing
from shipways.verbs.making import options_of, workshop
from shipways.verbs.options import ENGINE, LOG, How
from shipways.verbs.resuming import look, published, resumed


@click.command()
@click.option("--check", is_flag=True, help="Compare with what was released; nothing is written.")
@click.option(
    "--tag",
    default="",
    metavar="TAG",
    envvar="SHIPWAYS_TAG",
    show_envvar=True,
    help="With the published manifest of this tag's release.",
)
@click.option("--clone", is_flag=True, help="In a clone of that tag, by default of the newest release.")
@click.option(
    "--manifest",
    metavar="FILE",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="With this manifest, and the artifacts beside it; by default dist/manifest.json.",
)
@ENGINE
@LOG
def rebuild(check: bool, tag: str, clone: bool, manifest: Path | None, engine: str | None, log: str) -> None:
    """Build a release again, from nothing, where its tag is checked out; exit 7 where a byte differs."""
    if not check:
        raise click.UsageError("rebuild wants --check: `release` is what makes a release")
    if manifest and (tag or clone):
        raise click.UsageError("--manifest excludes --tag and --clone")
    how = How(engine=engine, no_cache=True, require=(), log=log)
    anyio.run(*((_rebuild_clone, tag, how) if clone else (_rebuild, tag, manifest, how)))


@dataclass(frozen=True, slots=True, kw_only=True)
class Released:
    """A release: its manifest, the folder where its artifacts lie or go, and the places that have them."""

    manifest: Manifest
    folder: Path
    places: Mapping[str, Sequence[Source]]


async def _rebuild_clone(tag: str, how: How) -> None:
    with wire.store().scratch() as scratch:
        async with wire.checked_out(tag, scratch / "clone") as found:
            if found:
                await _rebuild(found, None, how)
            else:
                wire.console(how.log).emit(Note(text="there is no tag of a release yet: nothing is built again"))


async def _rebuild(tag: str, manifest: Path | None, how: How) -> None:
    console = wire.console(how.log)
    with wire.store().scratch() as scratch:
        released = await _published(tag, scratch, console) if tag else _beside(manifest)
        store = wire.store(scratch / "store")  # of its own: nothing of before is taken, nothing of this is kept
        found, inspector = await _again(released.manifest, store, how)
        await _report(released, found, store, inspector, console)


async def _published(tag: str, scratch: Path, console: Console) -> Released:
    """The release that the places have. Raises PreflightError, Conflict or Unfinished."""
    folder = scratch / "published"
    folder.mkdir()
    run = resumed(tag, folder, console)
    manifest = await published(run, "give the manifest with --manifest")
    outcome = await look(run, manifest)
    trust(outcome)
    return Released(manifest=manifest, folder=folder, places=sources(run.channels, outcome))


def _beside(path: Path | None) -> Released:
    """The release of a manifest on this disk."""
    files, place = wire.files(), path or settings(wire.here()).folder / "dist" / FILE_NAME
    if not files.exists(place):
        hint = "`--tag TAG` takes the published one, --manifest any other"
        raise PreflightError(Problem(path=f"dist/{FILE_NAME}", what="is not there", hint=hint))
    return Released(manifest=parse_manifest(files.read(place)), folder=place.parent, places={})


async def _again(manifest: Manifest, store: Store, how: How) -> tuple[tuple[Drifted, ...], Inspector]:
    """Make the release; what is not the same. Raises PreflightError or BuildError."""
    async with workshop(how) as (shop, console):
        whole = released_plan(shop.config, shop.facts, MAKERS, manifest)
        plan = here(whole, natives(shop.config, whole), shop.facts.host, {})
        planner.require(plan, ())
        world, options = wire.world(shop), options_of(shop, how)
        console.emit(Note(text=f"commit {plan.commit[:8]} is made again, from nothing"))
        made = await make(plan, world, store=store, console=console, clock=wire.clock(), options=options)
        return compare(manifest, plan, made), world.inspector


async def _report(
    released: Released, found: Sequence[Drifted], store: Store, inspector: Inspector, console: Console
) -> None:
    """A row for each artifact that differs. Raises Drift for those that may not."""
    wanted = [each.old for each in found if each.old and each.new]
    async with publishing.opened(released.folder, console) as around:
        missing = {entry.path for entry in await bring(wanted, released.places, released.folder, wire.files(), around)}
    told = {each.path: _told(each, released.folder, missing, store, inspector) for each in found}
    rows = tuple((each.path, told[each.path], each.excuse and f"varies: {each.excuse}") for each in found)
    wrong = [each for each in found if not each.excuse]
    same = len(released.manifest.artifacts) - sum(each.old is not None for each in found)
    title = f"{same} artifacts are what was released, {len(found) - len(wrong)} vary, {len(wrong)} differ"
    console.emit(Table(title=title, columns=("artifact", "first difference", "reason"), rows=rows))
    if wrong:
        raise Drift(
            *(
                Problem(
                    path=each.path,
                    what=told[each.path],
                    why=each.cause and f"it is made of {each.cause}, which differs",
                )
                for each in wrong
            )
        )


def _told(each: Drifted, folder: Path, missing: set[str], store: Store, inspector: Inspector) -> str:
    """The first difference, in words."""
    if each.new is None:
        return "was released, and is not made again"
    if each.old is None:
        return "is made, and was not released"
    if each.old.path in missing:
        return f"is {short(each.new.digest)}, was {short(each.old.digest)}, and nobody has the bytes of then"
    with (folder / each.old.path).open("rb") as old, store.path(each.new.blob).open("rb") as new:
        return str(first_difference(old, new, partial(_section, inspector)))


def _section(inspector: Inspector, program: BinaryIO, offset: int) -> str:
    """The section of a program that may lie in an archive."""
    program.seek(0)
    with NamedTemporaryFile() as copy:
        shutil.copyfileobj(program, copy)
        copy.flush()
        return inspector.section(Path(copy.name), offset)
