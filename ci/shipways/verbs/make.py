"""build, test, release: the make half of a release."""

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import anyio
import click

from shipways import wire
from shipways.errors import ConfigError, PreflightError, Problem
from shipways.model.event import Note
from shipways.model.plan import Mode
from shipways.pipeline.makers import MAKERS
from shipways.ports import Console
from shipways.run import planner, testing, visiting
from shipways.run.checking import refuse_fall
from shipways.run.maker import make
from shipways.verbs import publishing
from shipways.verbs.making import make_all, options_of, workshop
from shipways.verbs.options import ENGINE, LOG, PACKAGE, Asked, Finish, How, Share, asking, finishing, making, sharing
from shipways.verbs.reporting import against, tell_sizes
from shipways.verbs.resuming import resume
from shipways.verbs.sharding import build_merged, build_shard, joined
from shipways.verbs.tagging import to_be_tagged

if TYPE_CHECKING:
    from shipways.verbs.deploying import Named


@click.command()
@click.option("--target", multiple=True, metavar="TRIPLE", help="Only this target.")
@click.option("--step", multiple=True, metavar="ID", help="Only this step, and what it needs.")
@click.option("--shell", is_flag=True, help="Open a shell where the commands of the one --step would run.")
@PACKAGE
@sharing
@making
def build(
    target: tuple[str, ...],
    step: tuple[str, ...],
    package: tuple[str, ...],
    shell: bool,
    share: Share | None,
    how: How,
) -> None:
    """Build the programs (or the steps named) into dist/; or all that one of several machines builds of a release."""
    if share and (target or step or package or shell):
        raise click.UsageError("--shard and --from exclude --target, --step, --package and --shell")
    if share and share.total:
        anyio.run(build_shard, share, how)
    elif share:
        anyio.run(build_merged, share, how)
    elif not shell:
        anyio.run(_build, target, step, package, how)
    elif len(step) != 1:
        raise click.UsageError("--shell needs one --step")
    else:
        anyio.run(_visit, step[0], how)


async def _build(target: tuple[str, ...], step: tuple[str, ...], package: tuple[str, ...], how: How) -> None:
    before = against(how)
    async with workshop(how) as (shop, console):
        whole = planner.plan(shop.config, shop.facts, MAKERS, snapshot=True)
        chosen = step or planner.select(whole, targets=target, packages=package)
        manifest = await make_all(shop, planner.narrow(whole, chosen), console, how)
        await tell_sizes(shop, manifest, None, console, before)


async def _visit(step: str, how: How) -> None:
    if not wire.has_terminal():
        raise ConfigError(
            Problem(path="--shell", what="there is no terminal", why="standard input and output have to be one")
        )
    async with workshop(how) as (shop, console):
        plan = planner.narrow(planner.plan(shop.config, shop.facts, MAKERS, snapshot=True), (step,))
        world, store, options = wire.world(shop), shop.store, options_of(shop, how)
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
    async with workshop(how) as (shop, console):
        whole = planner.plan(shop.config, shop.facts, MAKERS, snapshot=True)
        builds = testing.test_builds(shop.config, shop.facts, whole, package)
        if not builds:
            console.emit(Note(text="no package has a test command (package.NAME.test)"))
        world, limit = wire.world(shop), options_of(shop, how).timeout
        await testing.run_tests(builds, world, store=shop.store, console=console, clock=wire.clock(), limit=limit)


@click.command()
@click.option("--deploy", "places", multiple=True, metavar="NAME", help="Then bring services to it ([deploy.NAME]).")
@asking
@finishing
@making
def release(asked: Asked, finish: Finish | None, how: How, places: tuple[str, ...]) -> None:
    """Make the release: the real one at a tag when --publish or a CI tag event asks for it, else a snapshot.

    With --create-tag it is that of the packages whose version has no tag yet. With --tag, finish one that was begun: in
    any folder with the config, from what it has staged.
    """
    if finish and how.against:
        raise click.UsageError("--tag makes nothing that --against could compare")
    if finish and (asked.snapshot or asked.create_tag or asked.sources):
        raise click.UsageError("--tag excludes --snapshot, --create-tag and --from")
    if finish:
        anyio.run(_finish, asked, finish, how, places)
    else:
        anyio.run(_release, asked, how, places)


async def _finish(asked: Asked, finish: Finish, how: How, places: tuple[str, ...]) -> None:
    named = _named(places)
    await resume(finish, asked.dry_run, how)
    await _deploy(named, finish.tag, wire.console(how.log), apply=not asked.dry_run)


async def _release(asked: Asked, how: How, places: tuple[str, ...]) -> None:
    before, named = against(how), _named(places)
    async with workshop(how) as (found, console):
        shop = await to_be_tagged(found) if asked.create_tag else found
        whole = planner.plan(shop.config, shop.facts, MAKERS, publish=asked.publish, snapshot=asked.snapshot)
        refuse_fall(whole.mode, shop.config.engine.release, shop.engine.name, shop.engine_reason)
        real = whole.mode is Mode.RELEASE
        if named and not real:
            raise PreflightError(Problem(path="--deploy", what="deploys what is published, and this is no release"))
        facts = replace(shop.facts, notes=await wire.notes(shop)) if real else shop.facts
        channels = publishing.channels_of(shop.config, facts)
        plan, given = await joined(shop, whole, asked.sources, console)
        dist = shop.repository.root / "dist"
        if real and not asked.dry_run:
            await publishing.preflight(channels, dist, console, make_digest=whole.make_digest)
        manifest = await make_all(shop, plan, console, how, given)
        await tell_sizes(shop, manifest, whole.mode, console, before, channels)
        if real:
            async with publishing.opened(dist, console) as around:
                await publishing.publish(channels, manifest, around, apply=not asked.dry_run)
        if real and not asked.dry_run:
            publishing.record(shop, manifest, dist, console)
        await _deploy(named, "", console, apply=not asked.dry_run)


def _named(places: Sequence[str]) -> "Named | None":
    """What --deploy names; None without it. Raises ConfigError."""
    if not places:
        return None
    from shipways.verbs.deploying import named  # noqa: PLC0415 - a release without --deploy does not pay for it

    return named(places)


async def _deploy(named: "Named | None", tag: str, console: Console, *, apply: bool) -> None:
    """Bring services to what was released under a tag, else to what is in dist/. Raises as `deploy` does."""
    if named is not None:
        from shipways.verbs.deploying import deploy_all  # noqa: PLC0415 - as above

        await deploy_all(named, tag, console, apply=apply)
