"""Tar archives whose bytes depend only on what goes in: one time, no owner, nothing of the disk they come from.

Format: POSIX.1-2017, pax, "ustar Interchange Format"; a pax header only where a name or a size does not fit into ustar.
"""

import io
import tarfile
from types import TracebackType
from typing import BinaryIO, Final, Protocol, Self

from shipways.errors import BuildError, Problem

_PIECE: Final = 1 << 20


class Sink(Protocol):
    """What an archive is written to, from its begin to its end."""

    def write(self, data: bytes) -> int:
        """Take all of it."""
        ...


class TarWriter:
    """Writes one archive. Every entry has the time `epoch`, in seconds since 1970."""

    def __init__(self, sink: Sink, epoch: int) -> None:
        self._sink = sink
        self._epoch = max(epoch, 0)
        self._size = 0

    def add(self, name: str, source: BinaryIO, *, executable: bool = False) -> None:
        """Write one file, in pieces. Raises BuildError when it gets shorter or longer meanwhile."""
        info = self._entry(name, 0o755 if executable else 0o644)
        info.size = source.seek(0, io.SEEK_END)
        source.seek(0)
        self._head(info)
        rest = info.size
        while piece := source.read(_PIECE):
            rest -= len(piece)
            if rest < 0:
                break
            self._write(piece)
        if rest:
            raise BuildError(Problem(path=name, what="changed while it was archived", hint="run again"))
        self._write(bytes(-info.size % tarfile.BLOCKSIZE))

    def folder(self, name: str, *, mode: int = 0o755, uid: int = 0, gid: int = 0) -> None:
        """Write one folder, which may belong to somebody."""
        info = self._entry(name, mode)
        info.type, info.uid, info.gid = tarfile.DIRTYPE, uid, gid
        self._head(info)

    def link(self, name: str, target: str) -> None:
        """Write one symlink."""
        info = self._entry(name, 0o777)
        info.type, info.linkname = tarfile.SYMTYPE, target
        self._head(info)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Write the end, unless something went wrong: two empty blocks, then up to a whole record."""
        if error is None:
            self._write(bytes(2 * tarfile.BLOCKSIZE))
            self._write(bytes(-self._size % tarfile.RECORDSIZE))

    def _entry(self, name: str, mode: int) -> tarfile.TarInfo:
        info = tarfile.TarInfo(name)
        info.mode, info.mtime = mode, self._epoch
        return info

    def _head(self, info: tarfile.TarInfo) -> None:
        self._write(info.tobuf(tarfile.PAX_FORMAT, "utf-8"))

    def _write(self, data: bytes) -> None:
        self._sink.write(data)
        self._size += len(data)
