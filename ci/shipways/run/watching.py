"""A look at what a deployment runs, how it does and what it prints, without changing anything."""

import functools
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace

from shipways.errors import PreflightError, Problem, Unfinished
from shipways.model.deployment import Running
from shipways.model.item import Item
from shipways.outside.platforms import Deployer
from shipways.run.asking import asked
from shipways.run.deploying import Crew
from shipways.run.holding import OnHosts
from shipways.run.patience import persist
from shipways.run.phases import host_of, telling
from shipways.tasks import together


@dataclass(frozen=True, slots=True, kw_only=True)
class Stand:
    """What runs for an item; `why` it is not healthy, empty when it is. `problems` are why nobody knows."""

    item: str
    running: Running = field(default_factory=Running)
    why: str = ""
    problems: tuple[Problem, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Log:
    """The last lines that an item printed. `problems` are why they are not known."""

    item: str
    text: str = ""
    problems: tuple[Problem, ...] = ()


async def looked(deployer: Deployer, crew: Crew) -> Sequence[Stand]:
    """Of each service, where it runs. All hosts are asked, also where some do not answer."""
    found: dict[str, Stand] = {}

    async def look(where: str, items: Sequence[Item]) -> None:
        try:
            seen = await persist(where, lambda: deployer.observe(crew.site, items), crew.console, crew.clock)
            for item in items:
                found[item.id] = await _stand(deployer, item, seen.get(item.id, Running()), crew)
        except (Unfinished, PreflightError) as error:
            why, problems = unasked(error.problems), tuple(error.problems)
            found.update({item.id: Stand(item=item.id, why=why, problems=problems) for item in items})

    items = telling(deployer.items())
    await together(functools.partial(look, *group) for group in _groups(deployer, items))
    return [found[item.id] for item in items]


async def printed(deployer: Deployer, items: Sequence[Item], crew: Crew) -> Sequence[Log]:
    """Of each of these items. All are asked, also where some hosts do not answer."""
    found: dict[str, Log] = {}

    async def ask(item: Item) -> None:
        try:
            text = await persist(item.id, lambda: deployer.logs(crew.site, item), crew.console, crew.clock)
            found[item.id] = Log(item=item.id, text=text)
        except (Unfinished, PreflightError) as error:
            found[item.id] = Log(item=item.id, problems=tuple(error.problems))

    await together(functools.partial(ask, item) for item in items)
    return [found[item.id] for item in items]


def unasked(problems: Sequence[Problem]) -> str:
    """What stands in the place of an answer."""
    return f"cannot be asked: {problems[0]}".partition("\n")[0]


async def _stand(deployer: Deployer, item: Item, running: Running, crew: Crew) -> Stand:
    if not running.digest:
        return Stand(item=item.id, why="nothing runs")
    pulse = await asked(deployer, crew.site, replace(item, want=running.digest))
    return Stand(item=item.id, running=running, why="" if pulse.healthy else pulse.why)


def _groups(deployer: Deployer, items: Sequence[Item]) -> Iterable[tuple[str, Sequence[Item]]]:
    """What is asked at once, with its name: each host by itself, any other place as a whole."""
    groups: dict[str, list[Item]] = {}
    for item in items:
        where = f"{deployer.name}/{host_of(item.id)}" if isinstance(deployer, OnHosts) else deployer.name
        groups.setdefault(where, []).append(item)
    return groups.items()
