"""The history: events and runs of workflows, in SQLite."""

import json
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

_SCHEMA: Final = """
CREATE TABLE IF NOT EXISTS events (id INTEGER PRIMARY KEY, at TEXT NOT NULL, kind TEXT NOT NULL, detail TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS runs (
    id INTEGER PRIMARY KEY, at TEXT NOT NULL, workflow TEXT NOT NULL, passed INTEGER NOT NULL, steps TEXT NOT NULL
);
"""


class History:
    """One database. Each call has a connection of its own, since requests are answered in several threads."""

    def __init__(self, path: Path) -> None:
        """Make the database, and its folder, where they are not there. Raises OSError and sqlite3.Error."""
        self._path = path
        path.parent.mkdir(parents=True, exist_ok=True)
        with self._open() as database:
            database.executescript(_SCHEMA)

    def record_event(self, kind: str, detail: str) -> None:
        """Keep an event."""
        with self._open() as database:
            database.execute("INSERT INTO events (at, kind, detail) VALUES (?, ?, ?)", (_now(), kind, detail))

    def record_run(self, workflow: str, *, passed: bool, steps: list[dict[str, object]]) -> int:
        """Keep the run of a workflow; its number."""
        with self._open() as database:
            row = (_now(), workflow, passed, json.dumps(steps))
            done = database.execute("INSERT INTO runs (at, workflow, passed, steps) VALUES (?, ?, ?, ?)", row)
            return int(done.lastrowid or 0)

    def events(self, limit: int) -> list[dict[str, object]]:
        """The last events, the newest first."""
        with self._open() as database:
            return [dict(row) for row in database.execute("SELECT * FROM events ORDER BY id DESC LIMIT ?", (limit,))]

    def runs(self, workflow: str, limit: int) -> list[dict[str, object]]:
        """The last runs of a workflow, the newest first."""
        asked = "SELECT * FROM runs WHERE workflow = ? ORDER BY id DESC LIMIT ?"
        with self._open() as database:
            rows = [dict(row) for row in database.execute(asked, (workflow, limit))]
        return [row | {"passed": bool(row["passed"]), "steps": json.loads(str(row["steps"]))} for row in rows]

    @contextmanager
    def _open(self) -> Iterator[sqlite3.Connection]:
        with closing(sqlite3.connect(self._path)) as database, database:
            database.row_factory = sqlite3.Row
            yield database


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds")
