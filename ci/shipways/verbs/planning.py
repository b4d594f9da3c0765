"""plan: what a release would do. Apart from the verbs that do it, so that it loads nothing it does not need."""

import anyio
import click

from shipways import wire
from shipways.adapters.githubstep import hands_over
from shipways.model.event import Listing
from shipways.model.plan import Plan
from shipways.pipeline.makers import MAKERS
from shipways.run import planner
from shipways.run.native import here, natives
from shipways.run.tree import plan_tree
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
    tree = plan_tree(here(made, natives(shop.config, made), shop.facts.host, {}))
    text = _for_programs(shop, made, shards) if as_json or hands_over() else tree
    console = wire.console("plain")
    console.emit(Listing(text=tree))
    console.print(text if as_json else tree)


def _for_programs(shop: wire.Workshop, made: Plan, shards: int | None) -> str:
    from shipways.verbs.dealing import for_programs  # noqa: PLC0415 - a person waits for less

    return for_programs(shop, made, shards)
