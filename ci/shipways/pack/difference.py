"""Where two files differ first, said in the words of what they are: a member of an archive, and a byte of it."""

import io
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from itertools import zip_longest
from typing import BinaryIO, Final

from shipways.pack.opening import BROKEN, Member, tar_members, zip_members

_PIECE: Final = 1 << 20
Section = Callable[[BinaryIO, int], str]
"""Names the section of a program that has the byte at this offset; empty where nobody knows."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """The first difference: what it is, at which byte, and the members of archives that lead there, outermost first."""

    what: str
    offset: int | None = None
    section: str = ""
    members: tuple[str, ...] = ()

    def __str__(self) -> str:
        where = ", in ".join(reversed(self.members))
        byte = "" if self.offset is None else f" at byte {self.offset}"
        section = f" ({self.section})" if self.section else ""
        return f"{self.what}{byte}{section}{f', in {where}' if where else ''}"


def first_difference(old: BinaryIO, new: BinaryIO, section: Section) -> Difference | None:
    """Where two seekable files differ; None when they are equal. Archives in archives are opened too."""
    offset = _offset(old, new)
    if offset is None:
        return None
    for read in (tar_members, zip_members):
        try:
            before, after = _rewound(read, old), _rewound(read, new)
            if before or after:  # nothing but zeros is an archive to tar
                return _in_archive(before, after, section) or Difference(what="only the packing differs", offset=offset)
        except BROKEN:
            continue
    return Difference(what="differs", offset=offset, section=section(new, offset))


def _rewound(read: Callable[[BinaryIO], Iterable[Member]], stream: BinaryIO) -> list[Member]:
    stream.seek(0)
    return list(read(stream))


def _in_archive(old: Iterable[Member], new: Iterable[Member], section: Section) -> Difference | None:
    for before, after in zip_longest(old, new):
        if found := _of_member(before, after, section):
            return found
    return None


def _of_member(before: Member | None, after: Member | None, section: Section) -> Difference | None:
    if before is None or after is None:
        there = before or after
        return Difference(what=f"{there.name if there else ''} is {'gone' if before else 'new'}")
    if before.name != after.name:
        return Difference(what=f"{after.name} is where {before.name} was")
    if found := _content(before, after, section):
        return replace(found, members=(after.name, *found.members))
    for key, value in before.header.items():
        if value != after.header.get(key):
            return Difference(what=f"{key} is {after.header.get(key)}, was {value}", members=(after.name,))
    return None


def _content(before: Member, after: Member, section: Section) -> Difference | None:
    old, new = before.open() or io.BytesIO(), after.open() or io.BytesIO()
    with old, new:
        return first_difference(old, new, section)


def _offset(old: BinaryIO, new: BinaryIO) -> int | None:
    """The first byte that differs, or that only one of them has."""
    position = 0
    old.seek(0)
    new.seek(0)
    while True:
        before, after = old.read(_PIECE), new.read(_PIECE)
        if before != after:
            pairs = enumerate(zip(before, after, strict=False))
            return position + next((at for at, (one, two) in pairs if one != two), min(len(before), len(after)))
        if not before:
            return None
        position += len(before)
