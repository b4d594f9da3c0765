"""plan: what a release would do. Apart from the verbs that do it, so that it loads nothing it does not need."""

import json

import anyio
import click

from shipways import wire
from shipways.adapters.githubstep import hand_over, hands_over
from shipways.model.event import Listing
from shipways.model.plan import Plan
from shipways.model.shard import Shard
from shipways.pipeline.makers import MAKERS
from shipways.run import planner
from shipways.run.report import plan_json, plan_tree
from shipways.run.splitting import groups, here, natives, split, useful
from shipways.run.times import measured
from shipways.verbs.options import ENGINE, create_tag_option, publish_option
from shipways.verbs.tagging import to_be_tagged


@click.command()
@click.option("--json", "as_json", is_flag=True, help="For programs, in the form of `shipways schema plan`.")
@publish_option("Plan the real release.")
@create_tag_option("With --publish: that of a commit which it tags itself.")
@click.option("--shards", type=click.IntRange(1, 256), help="With --json: for so many Linux machines (engine.shards).")
@ENGINE
def plan(as_json: bool, publish: bool, create_tag: bool, shards: int | None, engine: str | None) -> None:
    """Print everything that a release would do, and what it would skip, with reasons."""
    if create_tag and not publish:
        raise click.UsageError("--create-tag needs --publish")
    anyio.run(_plan, as_json, (publish, create_tag), shards, engine)


async def _plan(as_json: bool, asked: tuple[bool, bool], shards: int | None, engine: str | None) -> None:
    publish, create_tag = asked
    async with wire.workshop(engine=engine) as found:
        shop = await to_be_tagged(found) if create_tag else found
        made = planner.plan(shop.config, shop.facts, MAKERS, publish=publish)
    handing = hands_over()
    parts = _shards(shop, made, shards) if as_json or handing else ()
    if handing:
        hand_over("shards", json.dumps([{"shard": each.name, "runner": each.runner} for each in parts]))
    console, tree = wire.console("plain"), plan_tree(here(made, natives(shop.config, made), shop.facts.host, {}))
    console.emit(Listing(text=tree))
    console.print(plan_json(made, parts) if as_json else tree)


def _shards(shop: wire.Workshop, made: Plan, wanted: int | None) -> tuple[Shard, ...]:
    """What each of several machines would build. Only where somebody asks: every step has to say its inputs for it."""
    found = groups(made, natives(shop.config, made), measured(shop.files, shop.repository.root / "dist"))
    return split(found, useful(found, wanted or shop.config.engine.shards))
