"""What a command prints, heard line by line while it runs, however much and however it is cut."""

from collections.abc import Callable
from typing import Final, Protocol

_PIECE: Final = 1 << 16
_LINE: Final = 1 << 16
"""Bytes of a line that are heard; what comes behind in it is not, so that nobody hears half of a secret."""
_END: Final = 1 << 16
"""Bytes that are remembered."""


class Stream(Protocol):
    """Bytes as they come; none at the end."""

    async def read(self, n: int) -> bytes:
        """What there is, and so many bytes at most; waits for the first."""
        ...


async def heard(stream: Stream, told: Callable[[str], None]) -> bytes:
    """The end of all that comes; `told` hears lines, as many as have come at once, without the last line break."""
    end = rest = b""
    while piece := await stream.read(_PIECE):
        end = (end + piece)[-_END:]
        whole, broken, rest = (rest + piece).rpartition(b"\n")
        rest = rest[:_LINE]
        if broken:
            told(_text(whole))
    if rest:
        told(_text(rest))
    return end


def _text(lines: bytes) -> str:
    return b"\n".join(line[:_LINE] for line in lines.split(b"\n")).decode(errors="replace")
