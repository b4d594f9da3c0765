"""The trail: nothing can be taken from it or changed without being seen."""

import errno
import json
import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shipways.adapters.book import DiskBook
from shipways.errors import PreflightError, Problem, Unfinished
from shipways.run.trail import Trail
from shipways.testing.console import ManualClock
from shipways.testing.jobs import MemoryBook, MemoryJournal


def made(lines: int = 5) -> tuple[MemoryBook, MemoryJournal]:
    """A trail with lines."""
    book, journal = MemoryBook(), MemoryJournal()
    trail = Trail(book, journal, ManualClock(1.5))
    assert 0 == trail.verify()
    for number in range(lines):
        trail.add("phase", job=f"job-{number}", seconds=number / 3)
    return book, journal


def verified(book: MemoryBook, journal: MemoryJournal) -> int:
    """How many lines it has when somebody reads it anew."""
    return Trail(book, journal, ManualClock(9)).verify()


def test_lines() -> None:
    """S2-21: each says its number, the time, what happened, and the digest of the one before."""
    book, journal = made(2)
    first, second = (json.loads(line) for line in book.lines())
    assert {"number": 1, "time": 1.5, "before": "", "what": "phase", "job": "job-0", "seconds": 0.0} == first
    assert (2, True) == (second["number"], second["before"].startswith("sha256:"))
    assert 2 == verified(book, journal)


@given(st.integers(0, 10_000), st.integers(1, 255))
def test_a_changed_byte(place: int, change: int) -> None:
    """S2-21: it is seen, wherever it is; a changed last end of a line is a torn line, whose loss is seen."""
    book, journal = made()
    text = bytearray(book.text)
    text[place % len(text)] ^= change
    book.text = bytes(text)
    with pytest.raises(PreflightError, match="trail, line"):
        verified(book, journal)


@pytest.mark.parametrize("lost", range(5))
def test_a_lost_line(lost: int) -> None:
    """S2-21: the last one, too."""
    book, journal = made()
    lines = [*book.lines()]
    book.text = b"".join(lines[:lost] + lines[lost + 1 :])
    with pytest.raises(PreflightError, match="trail, line"):
        verified(book, journal)


def test_a_lost_journal() -> None:
    """F23: the journal was moved away, or is a copy of before: it is not that of this trail."""
    book, _ = made()
    with pytest.raises(PreflightError, match="move journal and trail away together"):
        verified(book, MemoryJournal())
    older = MemoryJournal()
    older.seal(2, json.loads([*book.lines()][2])["before"])
    with pytest.raises(PreflightError, match="knows 2 lines"):
        verified(book, older)


@given(st.integers(1, 80))
def test_killed_while_a_line_is_written(size: int) -> None:
    """F1: half a line is cut off, and the trail says so; a line that the journal did not hear of stays."""
    book, journal = made()
    book.text += [*book.lines()][-1][:size]
    assert 6 == verified(book, journal)
    last = json.loads([*book.lines()][-1])
    assert ("torn", size) == (last["what"], last["bytes"])
    assert 6 == verified(book, journal)


def test_killed_between_the_line_and_its_seal() -> None:
    """F1: the line is there, and counts."""
    book, journal = made(2)
    trail = Trail(book, journal, ManualClock())
    trail.verify()
    seal = journal.sealed()
    trail.add("asked", job="three")
    journal.seal(*seal)
    assert 3 == verified(book, journal)


def test_not_sealed() -> None:
    """F8: the journal cannot be written: the line did not happen, and the next one is as good as any."""
    book, journal = made(2)
    trail = Trail(book, journal, ManualClock())
    trail.verify()

    def full(what: str) -> None:
        raise Unfinished(Problem(what=f"{what}: the disk is full"))

    journal.before = full
    for _ in range(3):
        with pytest.raises(Unfinished):
            trail.add("asked", job="three")
    journal.before = lambda _: None
    trail.add("asked", job="four")
    assert 3 == verified(book, journal)
    assert "four" == json.loads([*book.lines()][-1])["job"]


class Failing(MemoryBook):
    """A file on a disk that fails: of a line that was not written something is there, and it cannot be removed."""

    left = 0

    def append(self, line: bytes) -> None:
        """All of it is there, and nobody knows whether it stays."""
        MemoryBook.append(self, line)
        self._fail()

    def shorten(self, size: int) -> None:
        """Not yet."""
        self._fail()
        MemoryBook.shorten(self, size)

    def _fail(self) -> None:
        if self.left:
            self.left -= 1
            raise Unfinished(Problem(what="input/output error"))


@pytest.mark.parametrize("left", range(1, 5))
def test_the_disk_fails(left: int) -> None:
    """F8: a line that may or may not be there did not happen; the next one has its number, once."""
    written, journal = made(2)
    book = Failing(written.text)
    trail = Trail(book, journal, ManualClock())
    trail.verify()
    book.left = left
    for _ in range(left):
        with pytest.raises(Unfinished):
            trail.add("asked", job="three")
    trail.add("asked", job="four")
    trail.add("asked", job="five")
    assert 4 == verified(book, journal)
    assert ["four", "five"] == [json.loads(line)["job"] for line in book.lines()][2:]


def test_not_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """F8: a disk that takes a line and then says that it does not keep it has no line."""
    book = DiskBook(tmp_path / "trail.jsonl")

    def full(descriptor: int) -> None:
        raise OSError(errno.EDQUOT, os.strerror(errno.EDQUOT))

    book.shorten(0)
    book.append(b"one\n")
    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", full)
        with pytest.raises(Unfinished, match="cannot be written"):
            book.append(b"two\n")
    book.append(b"three\n")
    assert [b"one\n", b"three\n"] == [*book.lines()]
