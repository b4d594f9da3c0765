"""The items of a deployment to hosts: what each service goes through on each host, and what comes before what."""

from collections.abc import Iterator, Sequence
from dataclasses import replace

from shipways.deploy.mooring import Phase
from shipways.deploy.sources import Source
from shipways.model.item import Item, ItemKind
from shipways.model.item import Phase as Turn


def chains(name: str, hosts: Sequence[str], sources: Sequence[Source], batch: int) -> tuple[Item, ...]:
    """Nothing starts before everything is everywhere; on the hosts of a batch, when those of the one before serve."""
    brought = [item for host in hosts for source in sources for item in _brought(name, host, source)]
    ready = tuple(item.id for item in brought)
    found: list[Item] = []
    before: tuple[str, ...] = ()
    for start in range(0, len(hosts), batch):
        made = [
            item
            for host in hosts[start : start + batch]
            for source in sources
            for item in _started(f"{name}/{host}", source, sources, (*ready, *before))
        ]
        before = tuple(item.id for item in made if names(item)[2] is Phase.SWITCH)
        found += made
    return (*brought, *found)


def names(item: Item) -> tuple[str, str, Phase]:
    """The host and the service of an item, and which step it is."""
    _, host, service, phase = item.id.split("/")
    return host, service, Phase(phase)


def _brought(name: str, host: str, source: Source) -> Iterator[Item]:
    transfer = _item(f"{name}/{host}/{source.name}/{Phase.TRANSFER}")
    yield transfer
    if source.builds:
        yield replace(_item(f"{name}/{host}/{source.name}/{Phase.BUILD}"), needs=(transfer.id,))


def _started(place: str, source: Source, sources: Sequence[Source], before: tuple[str, ...]) -> Iterator[Item]:
    """Beside what comes before on every host, the services that this one needs have to serve on its own."""
    here = {each.name for each in sources}
    serving = tuple(f"{place}/{need}/{Phase.SWITCH}" for need in source.needs if need in here)
    needs = tuple(dict.fromkeys((*before, *serving)))
    for phase in (Phase.START, Phase.VERIFY, Phase.SWITCH):
        item = replace(_item(f"{place}/{source.name}/{phase}"), needs=needs)
        needs = (item.id,)
        yield item


def _item(name: str) -> Item:
    return Item(id=name, kind=ItemKind.MOVING, phase=Turn.DEPLOY, want="")
