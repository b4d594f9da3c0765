"""What became of each item of a release, and what the run ends with."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from shipways.errors import Conflict, Problem, ShipwaysError, Unfinished
from shipways.model.item import Item


class State(StrEnum):
    """How an item stands at the end of a run."""

    DONE = "there"
    APPLIED = "applied"
    KEPT = "kept"
    PENDING = "to do"
    BLOCKED = "waits"
    FAILED = "failed"
    CONFLICT = "conflict"
    RETURNED = "returned"
    """It was applied, and is again what it was before."""


GOOD: Final = frozenset({State.DONE, State.APPLIED, State.KEPT})


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """What became of an item. `before` was there first; `seconds` and `tries` are those of applying it.

    `stamp` is that of what was only looked at.
    """

    item: Item
    state: State
    before: str = ""
    stamp: str = ""
    url: str = ""
    seconds: float = 0.0
    tries: int = 0
    problems: tuple[Problem, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """A row for each item, in the order of the channels. `begun`: something of this version is public."""

    rows: tuple[Row, ...]
    begun: bool

    def error(self) -> ShipwaysError | None:
        """What a run with this outcome ends with: conflicts are told first, they need a person."""
        conflicts, failures = self._problems(State.CONFLICT), self._problems(State.FAILED)
        if conflicts:
            return Conflict(*conflicts, *failures)
        return Unfinished(*failures) if failures else None

    def _problems(self, state: State) -> tuple[Problem, ...]:
        return tuple(problem for row in self.rows if row.state is state for problem in row.problems)
