"""Whether what a deployer looks after does well, asked with a bound: a place that is silent says no."""

from typing import Final

import anyio

from shipways.errors import Transient
from shipways.model.deployment import Pulse
from shipways.model.item import Item
from shipways.outside.platforms import Deployer, Site

_ANSWER: Final = 30.0
"""Seconds after which a question for health has no answer."""


async def asked(deployer: Deployer, site: Site, item: Item) -> Pulse:
    """Whether it is healthy. Raises Unfinished."""
    seconds = min(_ANSWER, deployer.terms.wait)
    try:
        with anyio.fail_after(seconds):
            return await deployer.probe(site, item)
    except TimeoutError:
        return Pulse(healthy=False, why=f"there was no answer in {seconds:g} s")
    except Transient as error:
        return Pulse(healthy=False, why=error.problems[0].what)
