"""The journal of jobs in SQLite; one process has it open, and what is committed outlives a power failure."""

import contextlib
import json
import os
import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Final

from shipways.adapters import sqlitefile
from shipways.adapters.files import DiskFiles
from shipways.adapters.jobtext import job_of, job_text, news_of, news_text
from shipways.adapters.locks import try_lock
from shipways.adapters.sqlitefile import SqliteFile
from shipways.errors import BuildError, PreflightError, Problem, Unfinished
from shipways.model.deployment import Move, Running
from shipways.model.job import Job, JobNews, JobStatus
from shipways.model.secret import Secret
from shipways.outside.jobs import Asked, Bounds
from shipways.outside.moves import Moves

_VERSION: Final = 1
_SCHEMA: Final = """
CREATE TABLE job (
    number INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL UNIQUE, service TEXT NOT NULL, status TEXT NOT NULL,
    asker TEXT NOT NULL, key TEXT, words TEXT NOT NULL, body TEXT NOT NULL, UNIQUE (asker, key)
);
CREATE INDEX job_service ON job (service, number);
CREATE INDEX job_status ON job (status, number);
CREATE TABLE news (job TEXT, number INTEGER, body TEXT NOT NULL, PRIMARY KEY (job, number)) WITHOUT ROWID;
CREATE TABLE move (
    number INTEGER PRIMARY KEY AUTOINCREMENT, service TEXT NOT NULL, item TEXT NOT NULL, want TEXT NOT NULL,
    digest TEXT NOT NULL, previous TEXT NOT NULL, UNIQUE (service, item)
);
CREATE TABLE seal (number INTEGER NOT NULL, digest TEXT NOT NULL);
INSERT INTO seal VALUES (0, '');
"""
_PAGE: Final = """
SELECT body FROM job
WHERE number < coalesce((SELECT number FROM job WHERE id = ?), CASE ? WHEN '' THEN 1e18 ELSE 0 END)
AND (? = '' OR service = ?) ORDER BY number DESC LIMIT ?
"""
_SERVICES: Final = """
SELECT body FROM job WHERE number IN (
    SELECT coalesce(max(CASE status WHEN 'completed' THEN number END), max(number)) FROM job GROUP BY service
) ORDER BY service
"""
_MOVE: Final = """
INSERT INTO move (service, item, want, digest, previous) VALUES (?, ?, ?, ?, ?)
ON CONFLICT DO UPDATE SET want = excluded.want
"""
_ADD: Final = "INSERT INTO job (id, service, status, asker, key, words, body) VALUES (?, ?, ?, ?, ?, ?, ?)"
_NEWS: Final = "SELECT body FROM news WHERE job = ? AND number > ? ORDER BY number LIMIT ?"
_UNENDED: Final = "SELECT body FROM job WHERE status NOT IN (?, ?) ORDER BY number"
_GONE: Final = """
SELECT id FROM job WHERE service = :service AND status IN ('completed', 'failed')
AND number NOT IN (SELECT max(number) FROM job WHERE service = :service GROUP BY status = 'completed')
AND (json_extract(body, '$.ended') < :before
    OR number NOT IN (SELECT number FROM job WHERE service = :service ORDER BY number DESC LIMIT :jobs))
"""
_QUIET: Final = """
SELECT id FROM job WHERE service = :service AND status IN ('completed', 'failed')
AND number NOT IN (SELECT number FROM job WHERE service = :service ORDER BY number DESC LIMIT :news)
"""
_ENDED: Final = tuple(status.value for status in JobStatus if status.ended)


@contextlib.contextmanager
def opened(folder: Path) -> Iterator["SqliteJournal"]:
    """The journal in a folder, which is made where there is none.

    Raises PreflightError where another process has it open, where it is damaged, or of a newer shipways.
    """
    hint = "bring a copy back, or move journal and trail away together: what runs stays as it is"
    with contextlib.ExitStack() as stack:
        try:
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            alone = stack.enter_context(try_lock(folder / "lock"))
        except OSError as error:
            raise PreflightError(Problem(path=str(folder), what="cannot be used", why=str(error))) from None
        if alone is None:
            raise PreflightError(Problem(path=str(folder), what="another `shipways serve` uses it"))
        base = stack.enter_context(sqlitefile.opened(folder / "journal.db", _SCHEMA, _VERSION, hint))
        yield SqliteJournal(base, folder / "values")


class SqliteJournal:
    """The `JobJournal` port."""

    def __init__(self, base: SqliteFile, values: Path) -> None:
        self._base = base
        self._values = values
        self._files = DiskFiles()
        waiting = {job.id for job in self.unended()}
        for path in self._files.list(values):  # those of a job that was never written down, or ended just before a kill
            if path.name not in waiting:
                self._files.remove(path)

    def add(self, job: Job, asked: Asked) -> None:
        """Its values first: without the job nobody looks for them."""
        values = {name: value.open() for name, value in job.request.environment.items()}
        if values:
            try:
                self._values.mkdir(mode=0o700, exist_ok=True)
                with self._files.create(self._values / job.id, private=True) as stream:
                    stream.write(json.dumps(values).encode(errors="surrogatepass"))
                    stream.flush()
                    os.fsync(stream.fileno())
            except (OSError, BuildError) as error:
                raise Unfinished(Problem(path=str(self._values), what="cannot be written", why=str(error))) from None
        row = (job.id, job.request.service_name, job.status, job.by, asked.key or None, asked.words, job_text(job))
        try:
            with self._base.writing() as base:
                base.execute(_ADD, row)
                self._tell(base, job.id, [JobNews(number=0, time=job.created, kind="status", text=job.status)])
        except Unfinished:
            self._files.remove(self._values / job.id)
            raise

    def put(self, job: Job, news: Sequence[JobNews] = ()) -> None:
        """Both or none."""
        with self._base.writing() as base:
            base.execute("UPDATE job SET status = ?, body = ? WHERE id = ?", (job.status, job_text(job), job.id))
            self._tell(base, job.id, news)
        if job.status.ended:
            self._files.remove(self._values / job.id)

    def keyed(self, by: str, key: str) -> tuple[Job, Asked] | None:
        """By the asker's own key."""
        rows = self._base.read("SELECT body, words FROM job WHERE asker = ? AND key = ?", by, key)
        return (job_of(rows[0][0]), Asked(key=key, words=rows[0][1])) if rows else None

    def job(self, id: str) -> Job | None:  # noqa: A002 - the word of the model
        """As it was last put."""
        return next(iter(self._jobs("SELECT body FROM job WHERE id = ?", id)), None)

    def jobs(self, *, service: str = "", before: str = "", limit: int = 50) -> Sequence[Job]:
        """In the order they were added, backwards."""
        return self._jobs(_PAGE, before, before, service, service, limit)

    def unended(self) -> Sequence[Job]:
        """By the index of statuses."""
        return self._jobs(_UNENDED, *_ENDED)

    def services(self) -> Sequence[Job]:
        """One of each."""
        return self._jobs(_SERVICES)

    def tally(self) -> Mapping[JobStatus, int]:
        """Counted by the index."""
        rows = self._base.read("SELECT status, count(*) FROM job GROUP BY status")
        return {JobStatus(status): count for status, count in rows}

    def news(self, id: str, after: int = 0, limit: int | None = None) -> Sequence[JobNews]:  # noqa: A002 - likewise
        """In their order."""
        rows = self._base.read(_NEWS, id, after, -1 if limit is None else limit)
        return tuple(news_of(body) for (body,) in rows)

    def values(self, id: str) -> Mapping[str, Secret]:  # noqa: A002 - the word of the model
        """From the file beside it."""
        path = self._values / id
        found = json.loads(self._files.read(path)) if self._files.exists(path) else {}
        return {name: Secret(value) for name, value in found.items()}

    def moves(self, service: str) -> Moves:
        """By the table of moves."""
        return _SqliteMoves(self._base, service)

    def prune(self, service: str, bounds: Bounds) -> None:
        """All or nothing; the room of what goes is used again."""
        asked = {"service": service, **asdict(bounds)}
        with self._base.writing() as base:
            gone = base.execute(_GONE, asked).fetchall()
            base.executemany("DELETE FROM news WHERE job = ?", gone + base.execute(_QUIET, asked).fetchall())
            base.executemany("DELETE FROM job WHERE id = ?", gone)

    def sealed(self) -> tuple[int, str]:
        """Of the one row."""
        (row,) = self._base.read("SELECT number, digest FROM seal")
        return row[0], row[1]

    def seal(self, number: int, digest: str) -> None:
        """In the one row."""
        with self._base.writing() as base:
            base.execute("UPDATE seal SET number = ?, digest = ?", (number, digest))

    def _tell(self, base: sqlite3.Connection, id: str, news: Sequence[JobNews]) -> None:  # noqa: A002 - likewise
        (last,) = base.execute("SELECT coalesce(max(number), 0) FROM news WHERE job = ?", (id,)).fetchone()
        told = [replace(each, number=last + place) for place, each in enumerate(news, 1)]
        base.executemany("INSERT INTO news VALUES (?, ?, ?)", [(id, each.number, news_text(each)) for each in told])

    def _jobs(self, question: str, *values: str | int) -> Sequence[Job]:
        return tuple(job_of(body) for (body,) in self._base.read(question, *values))


class _SqliteMoves:
    """The `Moves` port for the jobs of one service."""

    def __init__(self, base: SqliteFile, service: str) -> None:
        self._base = base
        self._service = service

    def moved(self) -> Mapping[str, Move]:
        """In the order they were moved."""
        question = "SELECT item, want, digest, previous FROM move WHERE service = ? ORDER BY number"
        rows = self._base.read(question, self._service)
        return {row[0]: Move(want=row[1], before=Running(digest=row[2], previous=row[3])) for row in rows}

    def move(self, item: str, move: Move) -> None:
        """One row for each."""
        row = (self._service, item, move.want, move.before.digest, move.before.previous)
        with self._base.writing() as base:
            base.execute(_MOVE, row)

    def returned(self, item: str) -> None:
        """Its row goes."""
        with self._base.writing() as base:
            base.execute("DELETE FROM move WHERE service = ? AND item = ?", (self._service, item))

    def settled(self) -> None:
        """All rows go."""
        with self._base.writing() as base:
            base.execute("DELETE FROM move WHERE service = ?", (self._service,))
