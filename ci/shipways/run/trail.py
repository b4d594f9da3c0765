"""The trail: who asked for what, and what became of it, in lines of which each seals those before it."""

import json
from typing import Final

from shipways.errors import PreflightError, Problem, Unfinished
from shipways.model.digest import digest_bytes
from shipways.outside.jobs import Book, JobJournal
from shipways.ports import Clock

_ANEW: Final = "move journal and trail away together: what runs stays, and its history begins anew"


class Trail:
    """Lines of JSON: a number, the time, what happened, and the digest of the line before.

    The journal knows the last one, so that an end which was cut off is missed, too. Jobs are forgotten and lines are
    not: a chain that was cut could be verified no more, and a job has a few kilobytes of it.
    """

    def __init__(self, book: Book, journal: JobJournal, clock: Clock) -> None:
        self._book = book
        self._journal = journal
        self._clock = clock
        self._number, self._digest, self._size = 0, "", 0
        self._whole = True

    def verify(self) -> int:
        """Read all of it; how many lines there are. A line that a dying machine left half is cut off, and that is told.

        Raises PreflightError where it is not what was written, Unfinished.
        """
        number, digest, size, torn = 0, "", 0, 0
        sealed, seal = self._journal.sealed()
        met = not sealed
        for line in self._book.lines():
            if not line.endswith(b"\n"):
                torn = len(line)
                break
            number += 1
            if _said(line) != (number, digest):
                raise PreflightError(_wrong(number, "is not the line that was written"))
            digest, size = digest_bytes(line), size + len(line)
            met = met or (number, digest) == (sealed, seal)
        if not met or number > sealed + 1:
            near = sealed <= number <= sealed + 1
            what = "is not the line that the journal knows" if near else f"the journal knows {sealed} lines"
            raise PreflightError(_wrong(number, what))
        self._number, self._digest, self._size = number, digest, size
        if number > sealed:
            self._journal.seal(number, digest)
        if torn:
            self._book.shorten(size)
            self.add("torn", bytes=torn)
        return self._number

    def add(self, what: str, **said: str | float) -> None:
        """One more line. Raises Unfinished, and then it did not happen: what may be there of it goes next time."""
        if not self._whole:
            self._book.shorten(self._size)
        self._whole = False
        head = {"number": self._number + 1, "time": round(self._clock.now(), 3), "before": self._digest, "what": what}
        line = json.dumps({**head, **{key: value for key, value in said.items() if value != ""}}).encode() + b"\n"
        self._book.append(line)
        digest = digest_bytes(line)
        try:
            self._journal.seal(self._number + 1, digest)
        except Unfinished:
            self._book.shorten(self._size)
            raise
        self._number, self._digest, self._size = self._number + 1, digest, self._size + len(line)
        self._whole = True


def _said(line: bytes) -> tuple[int, str]:
    try:
        found = json.loads(line)
        return int(found["number"]), str(found["before"])
    except (ValueError, KeyError, TypeError):
        return 0, ""


def _wrong(number: int, what: str) -> Problem:
    return Problem(path=f"trail, line {number}", what=what, why="somebody changed it, or the disk did", hint=_ANEW)
