"""When a run leaves dist/report.html, and when it does not."""

from pathlib import Path

import pytest

from shipways.adapters.files import DiskFiles
from shipways.errors import BuildError, Problem
from shipways.model.event import Note, Planned
from shipways.run.journal import Journal
from shipways.testing.console import ManualClock, RecordingConsole
from shipways.verbs.reporting import reported
from support import plan_record

PLANNED = Planned(plan=plan_record())


class Run:
    """A run that leaves its report in a folder."""

    def __init__(self, dist: Path) -> None:
        self.console = RecordingConsole()
        self.path = dist / "report.html"

    def __call__(self, *events: Planned, error: BaseException | None = None) -> bool:
        """Whether there is a report afterwards."""
        journal = Journal(self.console, ManualClock())
        with reported(journal, DiskFiles(), self.path.parent):
            for event in events:
                journal.emit(event)
            if error is not None:
                raise error
        return self.path.is_file()


@pytest.fixture
def run(tmp_path: Path) -> Run:
    return Run(tmp_path)


def test_done(run: Run) -> None:
    """A run with a plan leaves one; a run without leaves none."""
    assert [False, True] == [run(), run(PLANNED)]
    assert "Done" in run.path.read_text()


def test_failed(run: Run) -> None:
    """One that fails too, with what went wrong; it fails as it would without."""
    with pytest.raises(BuildError, match="no compiler"):
        run(PLANNED, error=BuildError(Problem(what="no compiler")))
    assert "no compiler" in run.path.read_text()


def test_interrupted(run: Run) -> None:
    """Who ends a run knows why, and nothing is written after that."""
    with pytest.raises(KeyboardInterrupt):
        run(PLANNED, error=KeyboardInterrupt())
    assert not run.path.exists()


def test_place_that_cannot_be_written(run: Run) -> None:
    """It is said, and is no reason to fail."""
    run.path.mkdir()
    assert not run(PLANNED)
    note = run.console.events[-1]
    assert isinstance(note, Note)
    assert ("warning", True) == (note.level, note.text.startswith("report.html: "))
