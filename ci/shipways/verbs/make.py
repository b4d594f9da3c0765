"""build, test, release: the make half of a release."""

import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace

import anyio
import click

from shipways import wire
from shipways.config.kinds import milliseconds
from shipways.errors import ConfigError, Problem
from shipways.model.event import Note
from shipways.model.manifest import Manifest
from shipways.model.plan import Mode, Plan
from shipways.pipeline import MAKERS
from shipways.ports import Console
from shipways.run import planner, record, testing, visiting
from shipways.run.checking import refuse_fall
from shipways.run.maker import Options, make
from shipways.run.report import closing_table, problems_of
from shipways.verbs import publishing
from shipways.verbs.options import ENGINE, LOG, PACKAGE, How, making


@click.command()
@click.option("--target", multiple=True, metavar="TRIPLE", help="Only this target.")
@click.option("--step", multiple=True, metavar="ID", help="Only this step, and what it needs.")
@click.option("--shell", is_flag=True, help="Open a shell where the commands of the one --step would run.")
@PACKAGE
@making
def build(target: tuple[str, ...], step: tuple[str, ...], package: tuple[str, ...], shell: bool, how: How) -> None:
    """Build the programs (or the steps named) into dist/."""
    if not shell:
        anyio.run(_build, target, step, package, how)
    elif len(step) != 1:
        raise click.UsageError("--shell needs one --step")
    else:
        anyio.run(_visit, step[0], how)


async def _build(target: tuple[str, ...], step: tuple[str, ...], package: tuple[str, ...], how: How) -> None:
    async with _workshop(how) as (shop, console):
        whole = planner.plan(shop.config, shop.facts, MAKERS, snapshot=True)
        chosen = step or planner.select(whole, targets=target, packages=package)
        await _make(shop, planner.narrow(whole, chosen), console, how)


async def _visit(step: str, how: How) -> None:
    if not wire.has_terminal():
        raise ConfigError(
            Problem(path="--shell", what="there is no terminal", why="standard input and output have to be one")
        )
    async with _workshop(how) as (shop, console):
        plan = planner.narrow(planner.plan(shop.config, shop.facts, MAKERS, snapshot=True), (step,))
        world, store, options = wire.world(shop), shop.store, _options(shop, how)
        before = visiting.needs(plan, step)
        made = await make(before, world, store=store, console=console, clock=wire.clock(), options=options)
        await visiting.visit(plan, step, made, world, store)


@click.command()
@PACKAGE
@ENGINE
@LOG
def test(package: tuple[str, ...], engine: str | None, log: str) -> None:
    """Run the test commands of the packages, where their programs are built."""
    anyio.run(_test, package, How(engine=engine, no_cache=False, require=(), log=log))


async def _test(package: tuple[str, ...], how: How) -> None:
    async with _workshop(how) as (shop, console):
        whole = planner.plan(shop.config, shop.facts, MAKERS, snapshot=True)
        builds = testing.test_builds(shop.config, shop.facts, whole, package)
        if not builds:
            console.emit(Note(text="no package has a test command (package.NAME.test)"))
        world, limit = wire.world(shop), _options(shop, how).timeout
        await testing.run_tests(builds, world, store=shop.store, console=console, clock=wire.clock(), limit=limit)


@click.command()
@click.option("--snapshot", is_flag=True, help="Never publish, whatever the tag says.")
@click.option("--publish", is_flag=True, help="Publish: the tree must be clean and at a tag.")
@click.option("--create-tag", is_flag=True, help="With --publish: tag this commit, once everything is staged.")
@click.option("--dry-run", is_flag=True, help="Make everything, and only say what would be published.")
@making
def release(snapshot: bool, publish: bool, create_tag: bool, dry_run: bool, how: How) -> None:
    """Make the release: the real one at a tag when --publish or a CI tag event asks for it, else a snapshot.

    With --create-tag it is that of the packages whose version has no tag yet.
    """
    if snapshot and publish:
        raise click.UsageError("--snapshot and --publish exclude each other")
    if create_tag and not publish:
        raise click.UsageError("--create-tag needs --publish")
    anyio.run(_release, Asked(snapshot=snapshot, publish=publish, create_tag=create_tag, dry_run=dry_run), how)


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """Which kind of release the command line asks for."""

    snapshot: bool
    publish: bool
    create_tag: bool
    dry_run: bool


async def _release(asked: Asked, how: How) -> None:
    async with _workshop(how) as (found, console):
        shop = await _to_be_tagged(found) if asked.create_tag else found
        whole = planner.plan(shop.config, shop.facts, MAKERS, publish=asked.publish, snapshot=asked.snapshot)
        refuse_fall(whole.mode, shop.config.engine.release, shop.engine.name, shop.engine_reason)
        real = whole.mode is Mode.RELEASE
        facts = replace(shop.facts, notes=await wire.notes(shop)) if real else shop.facts
        channels = publishing.channels_of(shop.config, facts)
        dist = shop.repository.root / "dist"
        if real and not asked.dry_run:
            await publishing.preflight(channels, dist, console)
        manifest = await _make(shop, whole, console, how)
        if real:
            await publishing.publish(channels, manifest, dist, console, apply=not asked.dry_run)
        if real and not asked.dry_run:
            publishing.record(shop, manifest, dist, console)


async def _to_be_tagged(shop: wire.Workshop) -> wire.Workshop:
    return replace(shop, facts=await publishing.to_be_tagged(shop.config, shop.facts))


@contextlib.asynccontextmanager
async def _workshop(how: How) -> AsyncIterator[tuple[wire.Workshop, Console]]:
    console = wire.console(how.log)

    def warn(text: str) -> None:
        console.emit(Note(text=text, level="warning"))

    async with wire.workshop(engine=how.engine, volumes=not how.no_cache, tell=warn) as shop:
        if shop.engine_reason:
            console.emit(Note(text=f"engine: {shop.engine.name}, because {shop.engine_reason}"))
        yield shop, console


async def _make(shop: wire.Workshop, whole: Plan, console: Console, how: How) -> Manifest:
    """Make, lay the artifacts into dist/ in place of the last run's, seal the manifest, print the closing table."""
    console.emit(Note(text=f"{whole.mode}: {whole.reason}"))
    planner.require(whole, how.require)
    for skip in whole.skips:
        console.emit(problems_of(skip))
    clock = wire.clock()
    options = _options(shop, how)
    made = await make(whole, wire.world(shop), store=shop.store, console=console, clock=clock, options=options)
    dist = shop.repository.root / "dist"
    await shop.store.deliver(made.artifacts, dist)
    manifest = record.seal(whole, shop.facts, made)
    record.clear_old(shop.files, dist, manifest)
    record.write_manifest(shop.files, dist, manifest)
    record.append_ledger(shop.files, dist, whole, made, clock)
    console.emit(closing_table(whole, made))
    return manifest


def _options(shop: wire.Workshop, how: How) -> Options:
    timeout = milliseconds(shop.config.engine.timeout) / 1000
    return Options(required=frozenset(how.require), timeout=timeout, fresh=how.no_cache)
