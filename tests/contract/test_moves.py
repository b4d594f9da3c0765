"""What everybody does who remembers moves, the public fake included."""

from dataclasses import replace
from pathlib import Path

import pytest

from shipways.adapters.files import DiskFiles
from shipways.errors import BuildError, PreflightError
from shipways.model.deployment import Move, Running
from shipways.outside.moves import Moves
from shipways.run.keptmoves import FileMoves
from shipways.testing.moves import MemoryMoves

OLD = Move(want="new", before=Running(digest="old", previous="older"))
NONE = Move(want="new", before=Running())


@pytest.fixture(params=["memory", "file"])
def moves(request: pytest.FixtureRequest, tmp_path: Path) -> Moves:
    """Each kind in turn, without a move."""
    return MemoryMoves() if request.param == "memory" else FileMoves(DiskFiles(), tmp_path / "dist/deploy.x.begun.json")


def test_moved(moves: Moves) -> None:
    """In their order; an item has to return to what was said first, and was to become what was said last."""
    assert {} == dict(moves.moved())
    moves.move("b", OLD)
    moves.move("a", NONE)
    moves.move("b", Move(want="newer", before=Running(digest="new")))
    assert [("b", replace(OLD, want="newer")), ("a", NONE)] == list(moves.moved().items())


def test_returned(moves: Moves) -> None:
    """What has returned is not known any more."""
    moves.move("b", OLD)
    moves.move("a", OLD)
    moves.returned("b")
    moves.returned("none")
    assert {"a": OLD} == dict(moves.moved())
    moves.returned("a")
    assert {} == dict(moves.moved())


def test_settled(moves: Moves) -> None:
    """Nothing is left, and that may be said again."""
    moves.move("b", OLD)
    moves.settled()
    moves.settled()
    assert {} == dict(moves.moved())


def test_file_outlives_the_process(tmp_path: Path) -> None:
    """F1: another process reads what was written; nothing is left when all is settled."""
    place = tmp_path / "deploy.x.begun.json"
    FileMoves(DiskFiles(), place).move("a", OLD)
    assert {"a": OLD} == dict(FileMoves(DiskFiles(), place).moved())
    FileMoves(DiskFiles(), place).returned("a")
    assert [] == list(tmp_path.iterdir())


@pytest.mark.parametrize("text", ["", "{", "[]", '{"a": {"want": "new"}}', '{"a": 1}'])
def test_damaged(tmp_path: Path, text: str) -> None:
    """F23: a file that says nothing is told, and nothing is deployed in the belief that nothing was begun."""
    place = tmp_path / "deploy.x.begun.json"
    place.write_text(text)
    with pytest.raises(PreflightError, match="is not what was written"):
        FileMoves(DiskFiles(), place).moved()


def test_unwritable(tmp_path: Path) -> None:
    """F8: what cannot be written is an error before anything is moved."""
    (tmp_path / "dist").write_text("a file")
    with pytest.raises(BuildError):
        FileMoves(DiskFiles(), tmp_path / "dist/deploy.x.begun.json").move("a", OLD)
