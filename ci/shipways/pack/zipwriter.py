"""Zip archives whose bytes depend only on what goes in (the standard library's would depend on its zlib).

Format: PKWARE APPNOTE.TXT 6.3.10, sections 4.3.7, 4.3.12 and 4.3.16. Names are UTF-8, entries regular files.
"""

import struct
from collections.abc import Iterator
from datetime import UTC, datetime
from types import TracebackType
from typing import BinaryIO, Final, Self
from zlib import crc32

from shipways.errors import BuildError, Problem
from shipways.pack.compress import PackedWriter

_PIECE: Final = 1 << 20
_LIMIT: Final = 0xFFFF_FFFF
"""Sizes and offsets have 32 bits: there is no zip64 here."""
_NEEDED: Final = 20
"""Deflate, as version 2.0 of the format has it."""
_UNIX: Final = 3 << 8
"""Made by Unix, so that the rights below are read."""
_UTF8: Final = 1 << 11
_DEFLATE: Final = 8
_REGULAR: Final = 0o100000


class ZipWriter:
    """Writes one archive into a stream that can seek. Every entry has the time `epoch`, in seconds since 1970."""

    def __init__(self, stream: BinaryIO, epoch: int) -> None:
        self._stream = stream
        self._stamp = _dos(epoch)
        self._directory: list[bytes] = []

    def add(self, name: str, source: BinaryIO, *, executable: bool = False) -> None:
        """Compress one file, in pieces. Raises BuildError when the archive gets larger than 4 GB."""
        begin, raw = self._stream.tell(), name.encode()
        head = 30 + len(raw)
        self._stream.write(bytes(head))
        crc = size = 0
        with PackedWriter("deflate", self._stream) as packed:
            for piece in _pieces(source):
                crc, size = crc32(piece, crc), size + len(piece)
                packed.write(piece)
        end = self._stream.tell()
        if max(end, size) > _LIMIT:
            raise BuildError(Problem(path=name, what="does not fit", why="a zip archive ends at 4 GB"))
        common = struct.pack("<4H3L2H", _UTF8, _DEFLATE, *self._stamp, crc, end - begin - head, size, len(raw), 0)
        self._stream.seek(begin)
        self._stream.write(struct.pack("<LH", 0x04034B50, _NEEDED) + common + raw)
        self._stream.seek(end)
        rights = (_REGULAR | (0o755 if executable else 0o644)) << 16
        tail = struct.pack("<3H2L", 0, 0, 0, rights, begin)
        self._directory.append(struct.pack("<L2H", 0x02014B50, _UNIX | _NEEDED, _NEEDED) + common + tail + raw)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Write the central directory, unless something went wrong."""
        if error is None:
            begin, count, whole = self._stream.tell(), len(self._directory), b"".join(self._directory)
            self._stream.write(whole)
            self._stream.write(struct.pack("<L4H2LH", 0x06054B50, 0, 0, count, count, len(whole), begin, 0))


def _dos(epoch: int) -> tuple[int, int]:
    """Time and date as MS-DOS has them: two seconds apart, from 1980 to 2107, here in UTC."""
    year, month, day, hour, minute, second = datetime.fromtimestamp(epoch, UTC).timetuple()[:6]
    if not 1980 <= year <= 2107:
        year, month, day, hour, minute, second = (1980, 1, 1, 0, 0, 0) if year < 1980 else (2107, 12, 31, 23, 59, 58)
    return hour << 11 | minute << 5 | second // 2, (year - 1980) << 9 | month << 5 | day


def _pieces(source: BinaryIO) -> Iterator[bytes]:
    while piece := source.read(_PIECE):
        yield piece
