"""A file of lines that only grows, for this user alone."""

import os
from collections.abc import Iterator
from pathlib import Path

from shipways.errors import Problem, Unfinished


class DiskBook:
    """The `Book` port."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def lines(self) -> Iterator[bytes]:
        """None where there is no file."""
        if self._path.exists():
            with self._path.open("rb") as stream:
                yield from stream

    def append(self, line: bytes) -> None:
        """In one write; what of it could be written goes again when not all is sure to be kept."""
        try:
            descriptor = os.open(self._path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
            try:
                size = os.fstat(descriptor).st_size
                try:
                    _written(descriptor, line)
                except OSError:
                    os.ftruncate(descriptor, size)
                    raise
            finally:
                os.close(descriptor)
        except OSError as error:
            raise self._unwritten(error) from None

    def shorten(self, size: int) -> None:
        """At once; a file that is not there has nothing to leave."""
        if not self._path.exists():
            return
        try:
            with self._path.open("r+b") as stream:
                stream.truncate(size)
                os.fsync(stream.fileno())
        except OSError as error:
            raise self._unwritten(error) from None

    def _unwritten(self, error: OSError) -> Unfinished:
        why = error.strerror or str(error)
        return Unfinished(Problem(path=str(self._path), what="cannot be written", why=why))


def _written(descriptor: int, line: bytes) -> None:
    """Whole, and on the disk. Raises OSError."""
    if os.write(descriptor, line) < len(line):
        raise OSError("the disk is full")
    os.fsync(descriptor)
