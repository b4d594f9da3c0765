"""The door to Homebrew taps: a Protocol of a few methods."""

from collections.abc import Collection, Sequence
from pathlib import Path
from typing import Protocol

from shipways.model.tap import Served, TapBranch, TapChange, TapRights


class Tap(Protocol):
    """One branch of a tap, and the branches beside it (or in a fork) that pull requests come from.

    Every method raises Transient, or Unfinished when the forge refuses.
    """

    async def rights(self) -> TapRights:
        """What the token may do, and what the branch takes."""
        ...

    async def formulas(self, names: Collection[str]) -> TapBranch:
        """Those of these formulas that people get."""
        ...

    async def staged(self, branch: str, names: Collection[str]) -> TapBranch:
        """Those that a branch for a pull request has; none where there is no such branch."""
        ...

    async def fetch(self, branch: str, name: str, into: Path) -> None:
        """Download a formula of a branch, as a file; of the tap's own when it is empty. Raises Moved without it."""
        ...

    async def commit(self, change: TapChange) -> str:
        """Add one commit to the tap's branch; its URL. Raises Moved when the branch is not as it was seen."""
        ...

    async def stage(self, branch: str, change: TapChange) -> str:
        """Let a branch be that commit upon the tap's; its URL. Raises Moved when it is not as it was seen."""
        ...

    async def pull_request(self, branch: str) -> str:
        """The URL of the open pull request from a branch; empty when there is none."""
        ...

    async def open(self, branch: str, title: str) -> str:
        """Open a pull request; its URL. Raises Moved when there is one, or nothing to pull."""
        ...

    async def downloads(self, formula: Path) -> Sequence[Served]:
        """Download what a formula names, as anybody does."""
        ...
