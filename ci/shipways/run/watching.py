"""A look at what a deployment runs, and how it does, without changing anything."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

import anyio

from shipways.errors import Transient
from shipways.model.deployment import Running
from shipways.outside.platforms import Deployer
from shipways.run.deploying import Crew
from shipways.run.patience import persist
from shipways.run.phases import telling

_ANSWER: Final = 30.0
"""Seconds after which a question for health has no answer."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Stand:
    """What runs for an item; `why` it is not healthy, empty when it is."""

    item: str
    running: Running
    why: str


async def looked(deployer: Deployer, crew: Crew) -> Sequence[Stand]:
    """Of each service, where it runs. Raises Transient, Unfinished when it cannot be asked what runs."""
    items = telling(deployer.items())
    found = await persist(deployer.name, lambda: deployer.observe(crew.site, items), crew.console, crew.clock)
    stands = []
    for item in items:
        running, why = found.get(item.id, Running()), "nothing runs"
        if running.digest:
            try:
                with anyio.fail_after(_ANSWER):
                    pulse = await deployer.probe(crew.site, replace(item, want=running.digest))
                why = "" if pulse.healthy else pulse.why
            except TimeoutError:
                why = f"there was no answer in {_ANSWER:g} s"
            except Transient as error:
                why = error.problems[0].what
        stands.append(Stand(item=item.id, running=running, why=why))
    return stands
