"""What a run did, and when: the nouns of its report. Times are seconds since its first event."""

from dataclasses import dataclass
from enum import StrEnum

from shipways.errors import Problem
from shipways.model.event import Sizes, Skipped, Table
from shipways.model.record import PlanRecord


class Ending(StrEnum):
    """How a step ended."""

    MADE = "made"
    CACHED = "cached"
    FAILED = "failed"
    STOPPED = "stopped"
    """It ran when another one failed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """The time that a step took. `reason` says why it failed."""

    step: str
    begin: float
    end: float
    ending: Ending
    reason: str = ""

    @property
    def seconds(self) -> float:
        """How long it took."""
        return self.end - self.begin


@dataclass(frozen=True, slots=True, kw_only=True)
class Act:
    """Steps that were worked on together: the making of a release, or its publishing."""

    name: str
    begin: float
    end: float
    spans: tuple[Span, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Story:
    """A whole run. `problems` is what it ended with; `critical` the steps that decided how long it took."""

    plan: PlanRecord
    acts: tuple[Act, ...]
    skips: tuple[Skipped, ...]
    tables: tuple[Table, ...]
    sizes: Sizes | None
    critical: tuple[str, ...]
    problems: tuple[Problem, ...]
