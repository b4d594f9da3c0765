"""The door to the data directories of a machine, and to backups of them."""

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Protocol

from shipways.model.backup import Backup, Measured, Source, Verified


class Vault(Protocol):
    """Data directories into backups and back. When a method returns, what it did outlives a power failure."""

    def locked(self, path: Path) -> AbstractContextManager[bool]:
        """Whether nobody else has the lock; it is held until the block, or this process, ends."""
        ...

    def real(self, path: Path) -> Path:
        """The whole path, with every link followed."""
        ...

    def there(self, path: Path) -> bool:
        """Whether there is anything."""
        ...

    def list(self, folder: Path) -> tuple[str, ...]:
        """The names in a folder, sorted; none where there is no such folder."""
        ...

    def mounted(self, folder: Path) -> bool:
        """Whether it is the top of a disk of its own, which cannot be renamed."""
        ...

    def free(self, folder: Path) -> int:
        """Bytes that may still be written where it is, or would be."""
        ...

    def make(self, folder: Path, *, like: Path | None = None) -> None:
        """An empty folder, for this user alone, or for the owner of another one."""
        ...

    def move(self, source: Path, place: Path) -> None:
        """Give it another name on the same disk."""
        ...

    def read(self, path: Path) -> bytes:
        """The bytes of a small file; none where there is no such file."""
        ...

    def write(self, path: Path, data: bytes) -> None:
        """Write a small file."""
        ...

    def remove(self, path: Path) -> None:
        """Remove a file or a folder, if it is there."""
        ...

    async def measure(self, source: Source) -> Measured:
        """What there is in a data directory. Raises PreflightError where it cannot be read."""
        ...

    async def pack(self, head: Backup, sources: Sequence[Source], archive: Path) -> None:
        """Write a backup for this user alone, or none. Raises PreflightError and Unfinished."""
        ...

    async def verify(self, archive: Path) -> Verified:
        """What a backup says of itself, when each bit is as it was written. Raises Conflict, or PreflightError."""
        ...

    async def unpack(self, archive: Path, places: Mapping[str, Path]) -> None:
        """Lay the data directories of a verified backup at places where nothing is. Raises Conflict, Unfinished."""
        ...
