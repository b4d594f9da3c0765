"""Moves in memory: they outlive a run that ends anywhere, as a disk does."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace

from shipways.model.deployment import Move


@dataclass(slots=True)
class MemoryMoves:
    """The `Moves` port. `before` is asked before each change, with what it is called, and may raise."""

    before: Callable[[str], None] = lambda _: None
    kept: dict[str, Move] = field(default_factory=dict)

    def moved(self) -> Mapping[str, Move]:
        """In their order."""
        return dict(self.kept)

    def move(self, item: str, move: Move) -> None:
        """Remember it; what ran before it, once."""
        self.before("move")
        self.kept[item] = replace(move, before=self.kept.get(item, move).before)

    def returned(self, item: str) -> None:
        """Forget it."""
        self.before("returned")
        self.kept.pop(item, None)

    def settled(self) -> None:
        """Forget all."""
        self.before("settled")
        self.kept.clear()
