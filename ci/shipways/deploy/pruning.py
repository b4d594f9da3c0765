"""Releases go that are not needed any more: by their age, and by the room that all of a service may have."""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from shipways.deploy.berths import short
from shipways.deploy.fenced import must
from shipways.deploy.mooring import Mooring

_LIST: Final = (
    'cd -- "$1" && for each in */; do each=${each%/}; [ -d "$each" ] || continue; '
    'pin=no; [ ! -e "$each/pinned" ] || pin=yes; '
    'set -- $(du -sk -- "$each"); echo "$each $(stat -c %Y -- "$each") $1 $pin"; done'
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """Seconds that a release stays after it last began or ended, and how many bytes all of a service may have."""

    age: float
    quota: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Stored:
    """A release as it lies there: when it last began or ended, in seconds since the epoch, and its bytes."""

    id: str
    touched: float
    size: int
    pinned: bool


def expired(stored: Collection[Stored], needed: Collection[str], kept: Kept, now: float) -> tuple[str, ...]:
    """The ids of those that go: what is too old, then the oldest until the rest has room. Never one that is needed."""
    free = sorted((each for each in stored if each.id not in needed and not each.pinned), key=lambda each: each.touched)
    size = sum(each.size for each in stored)
    gone = []
    for each in free:
        if now - each.touched > kept.age or size > kept.quota:
            gone.append(each.id)
            size -= each.size
    return tuple(gone)


async def prune(mooring: Mooring, digests: Sequence[str], kept: Kept) -> None:
    """What is named here is needed; the first two of it just began and ended, and are young again."""
    needed = [short(each) for each in digests if each]
    fenced, folder = mooring.fenced, mooring.berth.releases
    await must(fenced, "touch", "-c", "--", *(f"{folder}/{each}" for each in needed[:2]))
    listed = (await mooring.host.run(("sh", "-c", _LIST, "sh", folder))).stdout
    for each in expired(tuple(_stored(listed)), needed, kept, mooring.site.clock.now()):
        instance = await mooring.instance(each)
        await mooring.source.discard(mooring.host, instance.release, instance.folder)
        await must(fenced, "rm", "-rf", "--", instance.folder)


def _stored(listed: str) -> Iterator[Stored]:
    for line in listed.splitlines():
        id_, touched, size, pinned = line.split()
        yield Stored(id=id_, touched=float(touched), size=int(size) * 1024, pinned=pinned == "yes")
