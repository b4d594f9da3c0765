"""What happens during a run, as values; a console decides how each looks."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, TypeAlias

if TYPE_CHECKING:
    from shipways.model.record import PlanRecord


@dataclass(frozen=True, slots=True, kw_only=True)
class Note:
    """A line for people."""

    text: str
    level: Literal["info", "warning", "error"] = "info"


@dataclass(frozen=True, slots=True, kw_only=True)
class Planned:
    """What will be made, as `plan --json` has it; told before the first step."""

    plan: "PlanRecord"


@dataclass(frozen=True, slots=True, kw_only=True)
class Began:
    """The work on these steps begins."""

    steps: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Started:
    """A step began to run; a step found in the store never starts."""

    step: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Printed:
    """What a command of a step printed."""

    step: str
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Finished:
    """A step has its artifacts. `seconds` is wall time; `size` their sum in bytes."""

    step: str
    seconds: float
    size: int
    cached: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Skipped:
    """A step was skipped, with the reason and its fix."""

    step: str
    kind: str
    reason: str
    fix: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Failed:
    """A step failed: what is wrong, and why where that is known, which may be many lines."""

    step: str
    reason: str
    why: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """No step runs any more."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SizeLine:
    """An artifact's sizes in bytes, one for each release; None where the release does not have it."""

    name: str
    sizes: tuple[int | None, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Sizes:
    """Sizes over the releases that are known, the oldest first, this run last; alone when no other is known."""

    releases: tuple[str, ...]
    lines: tuple[SizeLine, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """A closing table, under the heading `about`.

    Columns whose name starts with `#` hold numbers; remarks are lines below it. Digests are whole: who shows them to
    people shortens them.
    """

    about: str = ""
    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    remarks: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Listing:
    """The lines of a result that is printed, for whoever does not see what is printed."""

    text: str


Event: TypeAlias = (
    Note | Planned | Began | Started | Printed | Finished | Skipped | Failed | Ended | Sizes | Table | Listing
)
