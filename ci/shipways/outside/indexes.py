"""The door to an index of Python packages, as a Protocol of a few methods."""

from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Protocol

from shipways.errors import Problem
from shipways.model.item import Seen


class PythonIndex(Protocol):
    """An index of Python packages, where a file name is used once and for ever."""

    async def files(self, project: str, names: Collection[str]) -> Mapping[str, Seen]:
        """Those of these files that a project has, yanked ones too, with their digests.

        Raises Transient, or Unfinished when reading is refused.
        """
        ...

    async def check(self, file: Path) -> Sequence[Problem]:
        """What an index, or people who read its page, would not like about an sdist or wheel. Asks nobody."""
        ...

    async def ready(self) -> bool:
        """Whether there is a token. Asks nobody."""
        ...

    async def authorize(self) -> None:
        """Get a token where `ready` has none. Raises Unfinished when there is none to be had, Transient."""
        ...

    async def upload(self, file: Path) -> str:
        """Send an sdist or wheel; its URL. Raises Moved when other bytes have the name, Transient, or Unfinished."""
        ...

    async def fetch(self, url: str, into: Path) -> None:
        """Download a file from where `files` has seen it. Raises Transient, Unfinished; Moved when it is gone."""
        ...
