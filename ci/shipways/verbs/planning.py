"""plan: what a release would do. Apart from the verbs that do it, so that it loads nothing it does not need."""

import anyio
import click

from shipways import wire
from shipways.pipeline import MAKERS
from shipways.run import planner
from shipways.run.report import plan_json, plan_tree
from shipways.verbs.options import ENGINE


@click.command()
@click.option("--json", "as_json", is_flag=True, help="For programs, in the form of `shipways schema plan`.")
@click.option("--publish", is_flag=True, help="Plan the real release.")
@ENGINE
def plan(as_json: bool, publish: bool, engine: str | None) -> None:
    """Print everything that a release would do, and what it would skip, with reasons."""
    anyio.run(_plan, as_json, publish, engine)


async def _plan(as_json: bool, publish: bool, engine: str | None) -> None:
    async with wire.workshop(engine=engine) as shop:
        made = planner.plan(shop.config, shop.facts, MAKERS, publish=publish)
    wire.console("plain").print(plan_json(made) if as_json else plan_tree(made))
