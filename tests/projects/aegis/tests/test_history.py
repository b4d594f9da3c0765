"""What is kept."""

import sqlite3
from pathlib import Path

import pytest

from aegis_qa.history import History


def test_survives(tmp_path: Path) -> None:
    """Another one on the same file has what the first kept; folders are made."""
    path = tmp_path / "a" / "b" / "h.db"
    History(path).record_run("smoke", passed=True, steps=[{"service": "web"}])
    (row,) = History(path).runs("smoke", 10)
    assert (row["passed"], row["steps"]) == (True, [{"service": "web"}])
    assert History(path).runs("other", 10) == []


def test_newest_first(tmp_path: Path) -> None:
    """And no more than asked for."""
    history = History(tmp_path / "h.db")
    for detail in "abc":
        history.record_event("kind", detail)
    assert [event["detail"] for event in history.events(2)] == ["c", "b"]


def test_no_database(tmp_path: Path) -> None:
    """A file that is something else is refused."""
    path = tmp_path / "h.db"
    path.write_text("something else, and long enough to be looked at" * 20)
    with pytest.raises(sqlite3.DatabaseError):
        History(path)
