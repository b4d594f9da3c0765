"""What happens during a run, as values; a console decides how each looks."""

from dataclasses import dataclass
from typing import Literal, TypeAlias


@dataclass(frozen=True, slots=True, kw_only=True)
class Note:
    """A line for people."""

    text: str
    level: Literal["info", "warning", "error"] = "info"


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
    """A step failed."""

    step: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """No step runs any more."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """The closing table. Columns whose name starts with `#` hold numbers; remarks are lines below it."""

    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    remarks: tuple[str, ...] = ()


Event: TypeAlias = Note | Began | Started | Printed | Finished | Skipped | Failed | Ended | Table
