"""What a command prints, heard while it runs."""

from collections.abc import Sequence

import anyio
from hypothesis import given
from hypothesis import strategies as st

from shipways.adapters.hearing import heard


class Pieces:
    """A stream that comes in pieces of these sizes."""

    def __init__(self, data: bytes, sizes: Sequence[int]) -> None:
        self._data = data
        self._sizes = iter(sizes)

    async def read(self, n: int) -> bytes:
        size = min(n, next(self._sizes, n))
        piece, self._data = self._data[:size], self._data[size:]
        return piece


def told(data: bytes, sizes: Sequence[int] = ()) -> tuple[list[str], bytes]:
    """What is heard, and the end."""
    found: list[str] = []
    return found, anyio.run(heard, Pieces(data, sizes), found.append)


@given(st.lists(st.sampled_from(["a", "ü€", "x" * 30]), max_size=8), st.lists(st.integers(1, 40)), st.booleans())
def test_whole_lines(lines: list[str], sizes: list[int], closed: bool) -> None:
    """However it is cut, whole lines are heard in their order, and the last one also where nobody has ended it."""
    text = "\n".join(lines) + ("\n" if closed and lines else "")
    found, end = told(text.encode(), sizes)
    assert text.encode() == end
    assert lines == "\n".join(found).splitlines()


def test_a_line_without_an_end() -> None:
    """A flood of one line is cut, and so is what is remembered of it; what comes behind it is heard."""
    found, end = told(b"x" * 1_000_000 + b"\nafter\n")
    assert ["x" * 65536, "after"] == "\n".join(found).splitlines()
    assert (65536, True) == (len(end), end.endswith(b"x\nafter\n"))
