"""A look at what a deployment runs, and how it does, without changing anything."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from shipways.model.deployment import Running
from shipways.outside.platforms import Deployer
from shipways.run.asking import asked
from shipways.run.deploying import Crew
from shipways.run.patience import persist
from shipways.run.phases import telling


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
            pulse = await asked(deployer, crew.site, replace(item, want=running.digest))
            why = "" if pulse.healthy else pulse.why
        stands.append(Stand(item=item.id, running=running, why=why))
    return stands
