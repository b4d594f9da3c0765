"""build, test, release: the make half of a release."""

from collections.abc import Iterable

import anyio
import click

from shipways import wire
from shipways.model.event import Note
from shipways.model.plan import Plan
from shipways.pipeline import MAKERS
from shipways.ports import Console
from shipways.run import planner, record, testing
from shipways.run.maker import Made, make
from shipways.run.report import closing_table, problems_of

_LOG = click.option(
    "--log", type=click.Choice(["auto", "plain", "json"]), default="auto", help="How progress is shown."
)
_REQUIRE = click.option(
    "--require", multiple=True, metavar="KIND", help="Fail when a step of this kind is skipped (all: any)."
)
_PACKAGE = click.option("--package", multiple=True, metavar="NAME", help="Only this package.")


@click.command()
@click.option("--target", multiple=True, metavar="TRIPLE", help="Only this target.")
@click.option("--step", multiple=True, metavar="ID", help="Only this step, and what it needs.")
@_PACKAGE
@_REQUIRE
@_LOG
def build(
    target: tuple[str, ...], step: tuple[str, ...], package: tuple[str, ...], require: tuple[str, ...], log: str
) -> None:
    """Build the programs (or the steps named) into dist/."""
    anyio.run(_build, target, step, package, require, log)


async def _build(
    target: tuple[str, ...], step: tuple[str, ...], package: tuple[str, ...], require: tuple[str, ...], log: str
) -> None:
    shop = await wire.workshop()
    whole = planner.plan(shop.config, shop.facts, MAKERS, snapshot=True)
    chosen = step or planner.select(whole, targets=target, packages=package)
    await _make(shop, planner.narrow(whole, chosen), wire.console(log), require)


@click.command()
@_PACKAGE
@_LOG
def test(package: tuple[str, ...], log: str) -> None:
    """Run the test commands of the packages, where their programs are built."""
    anyio.run(_test, package, log)


async def _test(package: tuple[str, ...], log: str) -> None:
    shop = await wire.workshop()
    whole = planner.plan(shop.config, shop.facts, MAKERS, snapshot=True)
    builds = testing.test_builds(shop.config, shop.facts, whole, package)
    console = wire.console(log)
    if not builds:
        console.emit(Note(text="no package has a test command (package.NAME.test)"))
    await testing.run_tests(builds, wire.world(shop), store=shop.store, console=console, clock=wire.clock())


@click.command()
@click.option("--snapshot", is_flag=True, help="Never publish, whatever the tag says.")
@click.option("--publish", is_flag=True, help="Publish: the tree must be clean and at a tag.")
@_REQUIRE
@_LOG
def release(snapshot: bool, publish: bool, require: tuple[str, ...], log: str) -> None:
    """Make the release: the real one at a tag when --publish or a CI tag event asks for it, else a snapshot."""
    if snapshot and publish:
        raise click.UsageError("--snapshot and --publish exclude each other")
    anyio.run(_release, snapshot, publish, require, log)


async def _release(snapshot: bool, publish: bool, require: tuple[str, ...], log: str) -> None:
    shop = await wire.workshop()
    whole = planner.plan(shop.config, shop.facts, MAKERS, publish=publish, snapshot=snapshot)
    await _make(shop, whole, wire.console(log), require)


async def _make(shop: wire.Workshop, whole: Plan, console: Console, require: Iterable[str]) -> Made:
    """Make, lay the artifacts into dist/ in place of the last run's, seal the manifest, print the closing table."""
    console.emit(Note(text=f"{whole.mode}: {whole.reason}"))
    planner.require(whole, require)
    for skip in whole.skips:
        console.emit(problems_of(skip))
    clock = wire.clock()
    made = await make(
        whole, wire.world(shop), store=shop.store, console=console, clock=clock, required=frozenset(require)
    )
    dist = shop.repository.root / "dist"
    await shop.store.deliver(made.artifacts, dist)
    manifest = record.seal(whole, shop.facts, made)
    record.clear_old(shop.files, dist, manifest)
    record.write_manifest(shop.files, dist, manifest)
    record.append_ledger(shop.files, dist, whole, made, clock)
    console.emit(closing_table(whole, made))
    return made
