"""Releases go that are not needed any more: by their age, and by the room that all of a service may have."""

import math
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Final

from shipways.deploy.berths import Berth, short
from shipways.deploy.fenced import must
from shipways.deploy.mooring import Mooring
from shipways.deploy.records import Record, record_of
from shipways.deploy.sources import RELEASE
from shipways.deploy.weights import weights
from shipways.errors import Problem, Unfinished
from shipways.model.item import Item
from shipways.outside.hosts import Host

RELEASES: Final = (
    'cd -- "$1" && for each in */; do each=${each%/}; [ -d "$each" ] || continue; '
    'is=whole; [ -s "$each/release.json" ] || is=half; [ ! -e "$each/pinned" ] || is=pinned; '
    'set -- $(du -sk -- "$each") '
    """$(sed -nE 's/^ "image": "([^" ]*)",$/\\1/p' "$each/release.json" 2>/dev/null); """
    'echo "$each $(stat -c %Y -- "$each") $1 $is $3"; done'
)
"""A line for each: its image is the last word, and has a line of its own in `Release.encoded`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """Seconds that a release stays after it last began or ended, and how many bytes all of a service may have."""

    age: float
    quota: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Stored:
    """A release as it lies there: when it last began or ended, in seconds since the epoch, and its bytes.

    They are those of its folder and of its image; what several releases have in common, or what their images are built
    upon, counts for the youngest of them. Of a `half` one, what says what it is has not come: nobody will start it.
    """

    id: str
    touched: float
    size: int
    pinned: bool
    half: bool = False


def expired(stored: Collection[Stored], needed: Collection[str], kept: Kept, now: float) -> tuple[str, ...]:
    """The ids of those that go: half ones, what is too old, then the oldest until the rest has room.

    Never one that is needed.
    """
    free = sorted((each for each in stored if each.id not in needed and not each.pinned), key=lambda each: each.touched)
    size = sum(each.size for each in stored)
    gone = []
    for each in free:
        if each.half or now - each.touched > kept.age or size > kept.quota:
            gone.append(each.id)
            size -= each.size
    return tuple(gone)


def unfit(stored: Collection[Stored], record: Record, size: int, quota: int) -> Iterator[Problem]:
    """Why so many bytes more have no room, even when all goes that may; `stored` is what lies there besides."""
    needed = _needed(record)
    stays = sum(each.size for each in stored if each.id in needed or each.pinned)
    if stays + size > quota:
        what = f"{_mega(size)} are needed, and the quota of {_mega(quota)} has {_mega(max(quota - stays, 0))} left"
        why = f"{_mega(stays)} stay there: what runs, what ran before, and what is pinned"
        yield Problem(what=what, why=why, hint="raise `quota` in its table `kept`, bring less, or take a pin away")


async def stored(host: Host, berth: Berth) -> tuple[Stored, ...]:
    """Every release of a service, the youngest first. Raises Transient."""
    listed = (await host.run(("sh", "-c", RELEASES, "sh", berth.releases))).stdout
    found = sorted(_listed(listed), key=lambda row: -row[0].touched)
    added = await weights(host, berth.releases, {each.id: image for each, image in found if image})
    return tuple(replace(each, size=each.size + added.pop(image, 0)) for each, image in found)


async def prune(mooring: Mooring, digests: Sequence[str], kept: Kept) -> None:
    """What is named here is needed; the first two of it just began and ended, and are young again."""
    needed = [short(each) for each in digests if each]
    await must(mooring.fenced, "touch", "-c", "--", *(f"{mooring.berth.releases}/{each}" for each in needed[:2]))
    found = await stored(mooring.host, mooring.berth)
    await _remove(mooring, expired(found, needed, kept, mooring.site.clock.now()))


async def make_room(mooring: Mooring, item: Item, kept: Kept, size: int) -> None:
    """Let what is wanted fit into the quota, with `size` bytes at least: what may go does, the oldest first.

    Raises Unfinished where it does not fit even then; nothing has gone in that case.
    """
    record = await mooring.record()
    found = await stored(mooring.host, mooring.berth)
    mine = sum(each.size for each in found if each.id == short(item.want))
    others = [each for each in found if each.id != short(item.want)]
    for problem in unfit(others, record, max(size, mine), kept.quota):
        raise Unfinished(replace(problem, path=item.id))
    if needs := max(size, mine):  # else nobody knows yet whether it will fit
        left = Kept(age=math.inf, quota=kept.quota - needs)
        await _remove(mooring, expired(others, _needed(record), left, mooring.site.clock.now()))


async def crowded(host: Host, berth: Berth, release: str, size: int, quota: int) -> tuple[Problem, ...]:
    """Why a release of so many bytes has no room; one that lies there needs none besides. Raises Transient."""
    found = [each for each in await stored(host, berth) if each.id != short(release)]
    return tuple(unfit(found, await record_of(host, berth), size, quota))


def _needed(record: Record) -> frozenset[str]:
    return frozenset(short(each) for each in (record.running, record.previous) if each)


async def _remove(mooring: Mooring, ids: Sequence[str]) -> None:
    for each in ids:
        instance = await mooring.instance(each)
        await mooring.source.discard(mooring.fenced, instance.release, instance.folder)
        await must(mooring.fenced, "rm", "-rf", "--", instance.folder)


def _listed(lines: str) -> Iterator[tuple[Stored, str]]:
    """Each release and the image that it has; empty where it has none."""
    for line in lines.splitlines():
        id_, touched, size, state, *image = line.split()
        pinned, half = state == "pinned", state == "half"
        release = Stored(id=id_, touched=float(touched), size=int(size) * 1024, pinned=pinned, half=half)
        yield release, "".join(image).replace(RELEASE, id_)


def _mega(size: int) -> str:
    return f"{size / 10**6:.0f} MB"
