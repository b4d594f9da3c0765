"""Compression whose bytes depend only on what goes in: a pinned wheel, fixed levels, flushes at fixed places."""

from collections.abc import Callable, Mapping
from types import TracebackType
from typing import BinaryIO, Final, Literal, Protocol, Self

import cramjam

Codec = Literal["gzip", "deflate", "xz", "zstd"]
"""RFC 1952 without a time stamp or name, RFC 1951, and the formats of the tools xz and zstd."""

# Each takes 0.1 to 0.4 s for a program of 7 MB, and 20 to 35 MB of memory. xz 6 and zstd 19 would make it a tenth
# smaller, in 2 s and 100 MB.
_LEVELS: Final[Mapping[Codec, int]] = {"gzip": 6, "deflate": 6, "xz": 1, "zstd": 9}
_WHOLE: Final = 8 << 20
"""Up to this many bytes go in one call, during which other threads run; cramjam's streams hold the interpreter lock."""
_PIECE: Final = 1 << 20
"""Bytes between two flushes of a longer stream; memory stays at a few times this, whatever the size of a file."""
_SLICE: Final = 1 << 18
"""Bytes in one call of a stream: other threads wait for milliseconds."""


class _Stream(Protocol):
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


_ONCE: Final[Mapping[Codec, Callable[[bytearray, int], cramjam.Buffer]]] = {
    "gzip": cramjam.gzip.compress,
    "deflate": cramjam.deflate.compress,
    "xz": cramjam.xz.compress,
    "zstd": cramjam.zstd.compress,
}
_STREAMS: Final[Mapping[Codec, Callable[[int], _Stream]]] = {
    "gzip": cramjam.gzip.Compressor,
    "deflate": cramjam.deflate.Compressor,
    "xz": cramjam.xz.Compressor,
    "zstd": cramjam.zstd.Compressor,
}


class PackedWriter:
    """Writes compressed into a stream, to the end when its `with` block ends without an error.

    How the caller cuts its pieces does not change the result.
    """

    def __init__(self, codec: Codec, stream: BinaryIO) -> None:
        self._codec: Codec = codec
        self._stream = stream
        self._held = bytearray()
        self._compressor: _Stream | None = None

    def write(self, data: bytes) -> int:
        """Compress all of it, now or later."""
        self._held += data
        if self._compressor is None and len(self._held) > _WHOLE:
            self._compressor = _STREAMS[self._codec](_LEVELS[self._codec])
        while self._compressor is not None and len(self._held) >= _PIECE:
            _feed(self._compressor, self._held[:_PIECE])
            self._stream.write(self._compressor.flush())
            del self._held[:_PIECE]
        return len(data)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Write what is held, and the end."""
        if error is not None:
            return
        if self._compressor is None:
            self._stream.write(_ONCE[self._codec](self._held, _LEVELS[self._codec]))
        else:
            _feed(self._compressor, self._held)
            self._stream.write(self._compressor.finish())


def recipe(codec: Codec) -> str:
    """Everything besides the content that the bytes depend on, for the inputs of a step."""
    return f"cramjam {cramjam.__version__}/{cramjam.backend} {codec} {_LEVELS[codec]} {_WHOLE}/{_PIECE}"


def _feed(compressor: _Stream, data: bytearray) -> None:
    for begin in range(0, len(data), _SLICE):
        compressor.compress(bytes(data[begin : begin + _SLICE]))
