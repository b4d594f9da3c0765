"""What should be at a place outside, what is there, and what follows from the two."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from shipways.model.version import precedence


class ItemKind(StrEnum):
    """How an item behaves when something else is where it should be."""

    FIXED = "fixed"
    """Never changes once it is there: a file of a version."""
    STAGED = "staged"
    """May be replaced as long as nothing is public: an asset of a draft."""
    MOVING = "moving"
    """Goes from one value to the next: the image tag `latest`."""
    PROOF = "proof"
    """A statement about other bytes: a signature. One of somebody else is never replaced."""


class Phase(StrEnum):
    """When an item's turn comes. Before the first of COMMIT every item of STAGE is there."""

    STAGE = "stage"
    COMMIT = "commit"
    DEPLOY = "deploy"
    """Only when it is asked for, and after the others: `run/deploying.py`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """One thing that should be at a place. `id` begins with the name of its channel.

    `want` is what `observe` tells when it is there: a digest most of the time. `needs` are ids, of any channel, that
    must be there before; every item of COMMIT needs all of STAGE besides. `version` is what a moving item moves to;
    `path` the artifact below `dist/` whose bytes are sent, `parts` those that go with it; `passing`: it is not needed
    any more once the items that need it are there, such as a branch that was merged; `first`: every other item of
    COMMIT needs it.
    """

    id: str
    kind: ItemKind
    phase: Phase
    want: str
    needs: tuple[str, ...] = ()
    version: str = ""
    path: str = ""
    parts: tuple[str, ...] = ()
    passing: bool = False
    first: bool = False

    @property
    def channel(self) -> str:
        """The name of its channel."""
        return self.id.partition("/")[0]


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """What a channel has observed for an item. `value` is empty where nothing is.

    `version` is that of a moving item, where the place tells it; `stamp` what makes a change since then visible (an
    ETag, a commit), for the channel that gave it; `url` is for people. `earlier`: it is a proof of ours, of what was
    staged before.
    """

    value: str = ""
    version: str = ""
    stamp: str = ""
    url: str = ""
    earlier: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Publication:
    """An item that a channel has applied, and where people find it."""

    item: str
    url: str = ""


class Verdict(StrEnum):
    """What follows for an item from what was seen."""

    DONE = "done"
    APPLY = "apply"
    KEEP = "keep"
    """A newer version is there, and stays."""
    CONFLICT = "conflict"


def judge(item: Item, seen: Seen, *, begun: bool, anew: bool = False) -> Verdict:
    """The table of the design ("What makes Converge true"). `begun`: something of this version is public already.

    `anew`: the whole stage was asked to be replaced, whoever has signed what is in it.
    """
    if seen.value == item.want:
        return Verdict.DONE
    if not seen.value:
        return Verdict.APPLY
    if item.kind is ItemKind.MOVING:
        return Verdict.KEEP if precedence(seen.version) > precedence(item.version) else Verdict.APPLY
    replaceable = item.kind is ItemKind.STAGED or (item.kind is ItemKind.PROOF and (seen.earlier or anew))
    if replaceable and not begun:
        return Verdict.APPLY
    return Verdict.CONFLICT


def has_begun(items: Sequence[Item], seen: Sequence[Seen]) -> bool:
    """Whether something of this version is public: a fixed item of COMMIT is there.

    A moving one says nothing: it may have had the wanted value before.
    """
    return any(
        item.phase is Phase.COMMIT and item.kind is ItemKind.FIXED and there.value == item.want
        for item, there in zip(items, seen, strict=True)
    )
