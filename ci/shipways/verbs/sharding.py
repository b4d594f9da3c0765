"""`build --shard` and `--from`: one release by several machines."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from shipways import wire
from shipways.model.event import Note
from shipways.model.plan import Plan
from shipways.pipeline.makers import MAKERS
from shipways.ports import Console
from shipways.run import planner
from shipways.run.checking import refuse_fall
from shipways.run.maker import Given
from shipways.run.merging import merge, read_parts
from shipways.run.native import natives
from shipways.run.partial import shard_record, write_shard
from shipways.run.record import append_ledger
from shipways.run.report import closing_table
from shipways.run.splitting import Group, chosen, groups, narrowed, refuse_other
from shipways.run.times import carry, measured
from shipways.verbs.making import make_all, run_steps, workshop
from shipways.verbs.options import How, Share
from shipways.verbs.reporting import against, tell_sizes
from shipways.verbs.tagging import to_be_tagged


async def build_shard(share: Share, how: How) -> None:
    """Make the steps of one shard into dist/, with their record. Raises as `build` does."""
    async with workshop(how) as (found, console):
        shop = await to_be_tagged(found) if share.create_tag else found
        whole = planner.plan(shop.config, shop.facts, MAKERS, publish=share.publish)
        refuse_fall(whole.mode, shop.config.engine.release, shop.engine.name, shop.engine_reason)
        shard = chosen(_groups(shop, whole), share.number, share.total)
        refuse_other(shard, shop.facts.host)
        plan = narrowed(whole, shard)
        made = await run_steps(shop, plan, console, how)
        dist = shop.repository.root / "dist"
        await shop.store.deliver(made.artifacts, dist)
        record = shard_record(plan, shard, made, made.skips)
        write_shard(shop.files, dist, record)
        append_ledger(shop.files, dist, plan, made, wire.clock())
        console.emit(closing_table(plan, made, f"shard {shard.name}, nothing is sealed"))


async def build_merged(share: Share, how: How) -> None:
    """Put shards together, make what is left, and seal it. Raises PreflightError or BuildError."""
    before = against(how)
    async with workshop(how) as (found, console):
        shop = await to_be_tagged(found) if share.create_tag else found
        whole = planner.plan(shop.config, shop.facts, MAKERS, publish=share.publish)
        refuse_fall(whole.mode, shop.config.engine.release, shop.engine.name, shop.engine_reason)
        plan, given = await joined(shop, whole, share.sources, console)
        manifest = await make_all(shop, plan, console, how, given)
        await tell_sizes(shop, manifest, plan.mode, console, before)


async def joined(
    shop: wire.Workshop, plan: Plan, folders: Sequence[Path], console: Console
) -> tuple[Plan, Mapping[str, Given]]:
    """The plan without what the shards in these folders could not make, and what they have made.

    Their times go to the ledger, so that the next release is split by them. Raises PreflightError.
    """
    if not folders:
        return plan, {}
    parts = read_parts(shop.files, folders)
    merged = await merge(plan, parts, _groups(shop, plan), natives(shop.config, plan), shop.store)
    names = ", ".join(dict.fromkeys(part.record.shard for part in parts))
    console.emit(Note(text=f"shards {names}: {len(merged.given)} steps, every byte of them verified"))
    sources = tuple(dict.fromkeys(part.folder for part in parts))
    carry(shop.files, sources, shop.repository.root / "dist", plan.make_digest)
    return planner.without(plan, merged.skips), merged.given


def _groups(shop: wire.Workshop, plan: Plan) -> tuple[Group, ...]:
    times = measured(shop.files, shop.repository.root / "dist")
    return groups(plan, natives(shop.config, plan), times)
