"""What a deployment is about to change, written before it does: the next run knows it when this one is killed."""

from collections.abc import Mapping
from typing import Protocol

from shipways.model.deployment import Move


class Moves(Protocol):
    """The items of one deployment that were moved and have not been settled, by their ids.

    Every method but the first returns when it is on disk, and raises Unfinished or BuildError when it cannot be.
    """

    def moved(self) -> Mapping[str, Move]:
        """Those first that were moved first."""
        ...

    def move(self, item: str, move: Move) -> None:
        """It is about to be applied. What was said to have run before it stays as it is."""
        ...

    def returned(self, item: str) -> None:
        """It is again what it was."""
        ...

    def settled(self) -> None:
        """All of it is as it should be, and nothing has to return any more."""
        ...


class Unmoved:
    """Moves that nobody remembers."""

    def moved(self) -> Mapping[str, Move]:
        """None."""
        return {}

    def move(self, item: str, move: Move) -> None:
        """Is forgotten."""

    def returned(self, item: str) -> None:
        """Was never known."""

    def settled(self) -> None:
        """It is."""
