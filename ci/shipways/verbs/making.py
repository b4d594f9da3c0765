"""What verbs that make things share: the project with an engine, and one run of make."""

import contextlib
from collections.abc import AsyncIterator, Mapping
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType

from shipways import wire
from shipways.config.kinds import milliseconds
from shipways.model.event import Note, Planned
from shipways.model.manifest import Manifest
from shipways.model.plan import Plan
from shipways.ports import Console
from shipways.run import planner, record
from shipways.run.maker import Given, Made, Options, make
from shipways.run.native import here, natives
from shipways.run.planned import plan_record
from shipways.run.report import closing_table, problems_of
from shipways.verbs.options import How
from shipways.verbs.reporting import journal, reported


@contextlib.asynccontextmanager
async def workshop(how: How) -> AsyncIterator[tuple[wire.Workshop, Console]]:
    """The project with an engine, and where to tell what happens. A report of it is left in dist/.

    Raises ConfigError or PreflightError.
    """
    console = journal(how)
    async with equipped(how, console) as shop:
        with reported(console, shop.files, shop.repository.root / "dist"):
            yield shop, console


@contextlib.asynccontextmanager
async def equipped(how: How, console: Console) -> AsyncIterator[wire.Workshop]:
    """The project with an engine, for a run that has a console already. Raises ConfigError or PreflightError."""

    def warn(text: str) -> None:
        console.emit(Note(text=text, level="warning"))

    async with wire.workshop(engine=how.engine, volumes=not how.no_cache, tell=warn) as shop:
        if shop.engine_reason:
            console.emit(Note(text=f"engine: {shop.engine.name}, because {shop.engine_reason}"))
        yield shop


async def make_all(
    shop: wire.Workshop, plan: Plan, console: Console, how: How, given: Mapping[str, Given] = MappingProxyType({})
) -> Manifest:
    """Make, lay the artifacts into dist/ in place of the last run's, seal the manifest, print the closing table.

    `given` is what other machines have made.
    """
    whole = at_hand(shop, plan, given)
    console.emit(Planned(plan=plan_record(whole)))
    made = await run_steps(shop, whole, console, how, given)
    manifest = await lay_out(shop, whole, made, shop.repository.root / "dist")
    console.emit(closing_table(whole, made, "dist/manifest.json is sealed"))
    return manifest


def at_hand(shop: wire.Workshop, plan: Plan, given: Mapping[str, Given] = MappingProxyType({})) -> Plan:
    """The plan without what only another machine can build, unless it is given."""
    return here(plan, natives(shop.config, plan), shop.facts.host, given)


async def run_steps(
    shop: wire.Workshop, whole: Plan, console: Console, how: How, given: Mapping[str, Given] = MappingProxyType({})
) -> Made:
    """Say what is made and what is not, then make it."""
    console.emit(Note(text=f"{whole.mode}: {whole.reason}"))
    planner.require(whole, how.require)
    for skip in whole.skips:
        console.emit(problems_of(skip))
    clock, options = wire.clock(), replace(options_of(shop, how), given=given)
    return await make(whole, wire.world(shop), store=shop.store, console=console, clock=clock, options=options)


async def lay_out(shop: wire.Workshop, whole: Plan, made: Made, dist: Path) -> Manifest:
    """The artifacts in a folder, with the sealed manifest and the ledger."""
    await shop.store.deliver(made.artifacts, dist)
    manifest = record.seal(whole, shop.facts, made)
    record.clear_old(shop.files, dist, manifest)
    record.write_manifest(shop.files, dist, manifest)
    record.append_ledger(shop.files, dist, whole, made, wire.clock())
    return manifest


def options_of(shop: wire.Workshop, how: How) -> Options:
    """How to make, as config and command line say."""
    timeout = milliseconds(shop.config.engine.timeout) / 1000
    return Options(required=frozenset(how.require), timeout=timeout, fresh=how.no_cache)
