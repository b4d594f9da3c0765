"""The desk of the deployer as a process, with its real journal and trail, that is killed again and again."""

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from random import Random

import pytest

from aftermath import checked
from harness.jobber import DiskPlatform
from shipways.adapters.book import DiskBook
from shipways.adapters.jobjournal import opened
from shipways.model.job import JobStatus

pytestmark = pytest.mark.integration
JOBBER = Path(__file__).parent.parent / "harness/jobber.py"


def started(folder: Path, count: int) -> subprocess.Popen[str]:
    """It has begun."""
    process = subprocess.Popen([sys.executable, JOBBER, folder, str(count)], stdout=subprocess.PIPE, text=True)
    assert process.stdout
    assert "begun\n" == process.stdout.readline()
    return process


@pytest.mark.parametrize("kills", [5, pytest.param(200, marks=pytest.mark.long)])
def test_killed_again_and_again(tmp_path: Path, kills: int, record_property: Callable[[str, object], None]) -> None:
    """F1: by SIGKILL at random moments: each job is finished or undone, nothing twice, the trail whole."""
    dice = Random(kills)  # noqa: S311 - a test's
    count = hits = 0
    while hits < kills:
        count += 1  # each process has at least one job that nobody did before
        assert count < kills * 20, "the kills come too late"
        process = started(tmp_path, count)
        try:
            process.wait(dice.random() * 0.08)
        except subprocess.TimeoutExpired:
            process.kill()
        said, _ = process.communicate()
        hits += said != "ended\n"
    process = started(tmp_path, count)
    said, _ = process.communicate(timeout=120)
    assert ("ended\n", 0) == (said, process.returncode)
    with opened(tmp_path / "state") as journal:
        book = DiskBook(tmp_path / "state/trail.jsonl")
        checked(journal, book, DiskPlatform(tmp_path / "platform"), count)
        began = [json.loads(line)["what"] for line in book.lines()].count("began")
        ends = dict(journal.tally())
    assert ends.get(JobStatus.COMPLETED, 0) > 0
    record_property("figures", f"{hits} kills that hit, {count} jobs, begun {began} times: {ends}")
