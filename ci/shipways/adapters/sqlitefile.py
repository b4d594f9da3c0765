"""A file of SQLite that one process has open: whole when it is opened, and each change in it is whole or not there."""

import contextlib
import os
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from shipways.errors import PreflightError, Problem, Unfinished

_PAGES: Final = 1000
"""Of 4 KiB: a smaller file is not worth the time."""


class SqliteFile:
    """Questions take no time worth a thread, and so nothing comes between them."""

    def __init__(self, base: sqlite3.Connection, place: Path) -> None:
        self._base = base
        self._place = place

    def read(self, question: str, *values: str | int) -> list[tuple[Any, ...]]:
        """Every row. Raises Unfinished."""
        try:
            return self._base.execute(question, values).fetchall()
        except sqlite3.Error as error:
            raise Unfinished(Problem(path=str(self._place), what="cannot be read", why=str(error))) from None

    @contextlib.contextmanager
    def writing(self) -> Iterator[sqlite3.Connection]:
        """All that the block does, on disk when it ends, or nothing of it. Raises Unfinished."""
        try:
            self._base.execute("BEGIN IMMEDIATE")
            try:
                yield self._base
                self._base.execute("COMMIT")
            finally:
                if self._base.in_transaction:
                    self._base.execute("ROLLBACK")
        except sqlite3.Error as error:
            raise Unfinished(Problem(path=str(self._place), what="cannot be written", why=str(error))) from None


@contextlib.contextmanager
def opened(place: Path, schema: str, version: int, hint: str) -> Iterator[SqliteFile]:
    """The file, made with this schema where there is none, for this user alone.

    Raises PreflightError where it is damaged, with the hint, or was written by a newer shipways.
    """
    try:
        base = _connected(place, schema, version)
    except (sqlite3.Error, OSError) as error:
        raise PreflightError(Problem(path=str(place), what="cannot be used", why=str(error), hint=hint)) from None
    with contextlib.closing(base):
        yield SqliteFile(base, place)


def _connected(place: Path, schema: str, version: int) -> sqlite3.Connection:
    os.close(os.open(place, os.O_RDWR | os.O_CREAT, 0o600))  # and so are its companions, as SQLite makes them
    with contextlib.ExitStack() as stack:
        base = stack.enter_context(contextlib.closing(sqlite3.connect(place, isolation_level=None)))
        (found,) = base.execute("PRAGMA user_version").fetchone()
        if found > version:
            why = f"its format is {found}, and this shipways knows {version}"
            hint = "start the newer shipways again"
            raise PreflightError(Problem(path=str(place), what="is of a newer shipways", why=why, hint=hint))
        for words in ("journal_mode = WAL", "synchronous = FULL", "busy_timeout = 2000"):
            base.execute(f"PRAGMA {words}").fetchone()
        if (wrong := [row[0] for row in base.execute("PRAGMA quick_check(3)")]) != ["ok"]:
            raise sqlite3.DatabaseError("; ".join(wrong))
        if not found:
            base.executescript(f"BEGIN IMMEDIATE;{schema}PRAGMA user_version = {version};COMMIT;")
        _shrink(base)
        stack.pop_all()
        return base


def _shrink(base: sqlite3.Connection) -> None:
    """Give back the room of what was removed, where that is most of the file; where it cannot be, it is used again."""
    (pages,), (free,) = (base.execute(f"PRAGMA {each}").fetchone() for each in ("page_count", "freelist_count"))
    if 2 * free > pages > _PAGES:
        with contextlib.suppress(sqlite3.Error):
            base.execute("VACUUM")
