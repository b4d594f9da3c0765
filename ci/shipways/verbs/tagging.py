"""A release that makes its own tags, as the verbs that plan, build and publish one see it."""

from dataclasses import replace

from shipways import wire
from shipways.errors import PreflightError, Unfinished
from shipways.run import mode


async def to_be_tagged(shop: wire.Workshop) -> wire.Workshop:
    """With the facts of a release that makes its own tags. Raises PreflightError without one, or without a remote."""
    from shipways.doors import tags  # noqa: PLC0415 - a release at a tag asks no remote for one

    try:
        config = shop.config
        there = await tags(config.publish.forge_api, config.project.repository, wire.shell()).commits()
    except Unfinished as error:
        raise PreflightError(*error.problems) from None
    return replace(shop, facts=mode.to_be_tagged(shop.config, shop.facts, there))
