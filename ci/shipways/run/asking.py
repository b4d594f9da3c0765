"""Whether what a deployer looks after does well, asked with a bound: a place that is silent says no. And its log."""

from typing import Final

import anyio

from shipways.errors import ShipwaysError, Transient
from shipways.model.deployment import Pulse
from shipways.model.item import Item
from shipways.outside.platforms import Deployer, Site

_ANSWER: Final = 30.0
"""Seconds after which a question for health has no answer."""
_LINES: Final = 20
"""How much of the log of a service that is not healthy is shown."""


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


async def printed(deployer: Deployer, site: Site, item: Item) -> str:
    """The end of what it has printed, for an error: what is wrong is known, and a log would only explain it."""
    try:
        log = (await deployer.logs(site, item)).rstrip().splitlines()[-_LINES:]
    except ShipwaysError:
        log = []
    return "\n".join(("its log ends with", *(f"    {line}" for line in log))) if log else "it has printed nothing"
