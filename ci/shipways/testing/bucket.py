"""Files by key in memory."""

from pathlib import Path

from shipways.errors import Moved, Problem
from shipways.model.digest import digest_bytes


class MemoryBucket:
    """The `Bucket` port over a mapping."""

    def __init__(self) -> None:
        self.files: dict[str, bytes] = {}

    async def digest(self, key: str) -> str:
        """The digest of a file; empty when there is none."""
        return digest_bytes(self.files[key]) if key in self.files else ""

    async def read(self, key: str) -> bytes:
        """A small file."""
        return self.files[key]

    async def fetch(self, key: str, into: Path) -> None:
        """Write it to a file."""
        if key not in self.files:
            raise Moved(Problem(path=key, what="is not there"))
        into.write_bytes(self.files[key])

    async def put(self, key: str, source: Path, *, seen: str) -> None:
        """Copy a file."""
        await self.write(key, source.read_bytes(), seen=seen)

    async def write(self, key: str, data: bytes, *, seen: str) -> None:
        """Write a small file."""
        if await self.digest(key) != seen:
            raise Moved(Problem(path=key, what="has changed since it was looked at"))
        self.files[key] = data

    async def remove(self, key: str) -> None:
        """Forget it."""
        self.files.pop(key, None)

    async def writable(self) -> None:
        """Always."""

    def url(self, key: str) -> str:
        """Where it is."""
        return f"memory:{key}"
