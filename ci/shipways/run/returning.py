"""What may return to what it was: not where nothing ran before, and not what somebody else has deployed since."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace

from shipways.errors import NothingBefore, Problem
from shipways.model.deployment import Move, Running
from shipways.model.item import Item, ItemKind
from shipways.run.phases import host_of


def rollbacks(items: Sequence[Item], running: Mapping[str, Running]) -> tuple[Item, ...]:
    """The items as they were before; a proof is of what it needs, then too.

    Raises NothingBefore, before anything is touched, where one has no such past.
    """
    wants = {item.id: running[item.id].previous for item in items if item.kind is not ItemKind.PROOF}
    problems = [
        Problem(path=name, what="has nothing to return to", why="no version ran here before that is known")
        for name, want in wants.items()
        if not want
    ]
    if problems:
        raise NothingBefore(*problems)
    return tuple(replace(item, want=wants[item.id if item.id in wants else item.needs[0]]) for item in items)


def foreign(seen: Running, *moves: Move) -> bool:
    """Whether what runs is neither what these moves wanted nor what they found."""
    return seen.digest not in {"", *(digest for move in moves for digest in (move.want, move.before.digest))}


def later(item: Item, items: Iterable[Item]) -> Iterator[Item]:
    """What comes after it on its host, of items in such an order: none of it has begun."""
    found = {item.id}
    for each in items:
        if not found.isdisjoint(each.needs) and host_of(each.id) == host_of(item.id):
            found.add(each.id)
            yield each
