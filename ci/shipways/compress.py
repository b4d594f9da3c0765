"""Compression whose bytes depend only on what goes in: a pinned wheel, a fixed level, flushes at fixed places."""

from types import TracebackType
from typing import BinaryIO, Final, Protocol, Self

import cramjam

_PIECE: Final = 4 << 20
"""Bytes between two flushes; memory stays at a few times this, whatever the size of a file."""


class Compressor(Protocol):
    """What every streaming compressor of cramjam has."""

    def compress(self, data: bytes) -> int:
        """Take more bytes."""
        ...

    def flush(self) -> cramjam.Buffer:
        """What is compressed so far."""
        ...

    def finish(self) -> cramjam.Buffer:
        """The rest, and the end mark."""
        ...


class PackedWriter:
    """Writes compressed into a stream. How the caller cuts its pieces does not change the result."""

    def __init__(self, stream: BinaryIO, compressor: Compressor) -> None:
        self._stream = stream
        self._compressor = compressor
        self._room = _PIECE

    def write(self, data: bytes) -> int:
        """Compress all of it."""
        rest = memoryview(data)
        while rest:
            piece, rest = rest[: self._room], rest[self._room :]
            self._compressor.compress(piece.tobytes())
            self._room -= len(piece)
            if not self._room:
                self._stream.write(self._compressor.flush())
                self._room = _PIECE
        return len(data)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Write the end, unless something went wrong."""
        if error is None:
            self._stream.write(self._compressor.finish())


def gzip_writer(stream: BinaryIO) -> PackedWriter:
    """As RFC 1952, without a time stamp or name, at level 6."""
    return PackedWriter(stream, cramjam.gzip.Compressor(level=6))
