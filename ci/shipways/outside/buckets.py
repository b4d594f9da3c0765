"""The door to a place that keeps files by key: a folder, or a bucket."""

from pathlib import Path
from typing import Protocol


class Bucket(Protocol):
    """Files by key at one place. Keys have slashes; a file is there whole or not at all.

    All raise Transient, or Unfinished when it is refused.
    """

    async def digest(self, key: str) -> str:
        """The digest of a file; empty when there is none."""
        ...

    async def read(self, key: str) -> bytes:
        """A small file."""
        ...

    async def fetch(self, key: str, into: Path) -> None:
        """Copy a file to this machine. Raises Moved when there is none."""
        ...

    async def put(self, key: str, source: Path, *, seen: str) -> None:
        """Send a file. Raises Moved when its digest there is not `seen` any more."""
        ...

    async def write(self, key: str, data: bytes, *, seen: str) -> None:
        """The same for a small file."""
        ...

    async def remove(self, key: str) -> None:
        """Delete a file; nothing happens when it is gone."""
        ...

    async def writable(self) -> None:
        """Find out whether files can be put here, and leave nothing behind. Raises Unfinished when they cannot."""
        ...

    def url(self, key: str) -> str:
        """Where people find it."""
        ...
