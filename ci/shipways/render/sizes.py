"""Sizes for people: of one file, and what has changed since the release before."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from shipways.model.event import Sizes

_UNITS: Final = ("B", "kB", "MB", "GB", "TB")


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """An artifact that is new, gone, or of another size. Bytes; None where there is none of this name."""

    name: str
    before: int | None
    after: int | None

    @property
    def delta(self) -> int:
        """Bytes more than before."""
        return (self.after or 0) - (self.before or 0)

    @property
    def text(self) -> str:
        """The change in bytes, and in percent where there is something to compare with."""
        if self.before is None:
            return "new"
        if self.after is None:
            return "gone"
        return f"{self.delta:+,} B" + (f" ({self.delta / self.before:+.1%})" if self.before else "")


def changes(sizes: Sizes) -> tuple[Change, ...]:
    """What differs between the last two releases: new, gone, then by how much."""
    if len(sizes.releases) < 2:
        return ()
    found = [Change(name=line.name, before=line.sizes[-2], after=line.sizes[-1]) for line in sizes.lines]
    return tuple(
        sorted(
            (change for change in found if change.before != change.after),
            key=lambda c: (c.before is not None, c.after is not None, -abs(c.delta), c.name),
        )
    )


def told(sizes: Sizes) -> str:
    """One line: what this run is compared with, and what differs."""
    if len(sizes.releases) < 2:
        return "sizes: no release before this one is known here, so nothing is compared"
    return f"sizes, against {sizes.releases[-2]}: {', '.join(_counts(sizes)) or 'no difference'}"


def _counts(sizes: Sizes) -> Iterator[str]:
    found = changes(sizes)
    new = sum(change.before is None for change in found)
    gone = sum(change.after is None for change in found)
    for count, word in ((new, "new"), (gone, "gone"), (len(found) - new - gone, "of another size")):
        if count:
            yield f"{count} {word}"
    both = [line.sizes[-2:] for line in sizes.lines if None not in line.sizes[-2:]]
    before, after = (sum(pair[index] or 0 for pair in both) for index in (0, 1))
    if before != after:
        yield f"what both have {after - before:+,} B" + (f" ({after / before - 1:+.1%})" if before else "")


def human_size(size: int) -> str:
    """Bytes for people, in powers of 1000."""
    value = float(size)
    for unit in _UNITS:
        if value < 1000 or unit == _UNITS[-1]:
            return f"{value:.0f} {unit}" if unit == "B" else f"{value:.1f} {unit}"
        value /= 1000
    return ""
