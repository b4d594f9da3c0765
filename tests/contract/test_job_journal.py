"""What every journal of jobs does, the public fake included."""

import os
from dataclasses import replace
from pathlib import Path

import pytest

from journals import CANARY, ENDED, JOB, NEWS, REQUEST, named
from shipways.adapters.jobjournal import opened
from shipways.errors import PreflightError, Unfinished
from shipways.model.deployment import Move, Running
from shipways.model.job import (
    Job,
    JobStatus,
)
from shipways.outside.jobs import Asked, JobJournal


def bare(job: Job | None) -> Job:
    """Without the values, which are compared by what they are."""
    assert job
    assert not any(job.request.environment.values())
    return replace(job, request=replace(job.request, environment={}))


def test_a_job(journal: JobJournal) -> None:
    """It is told as it was put, without the values of its variables, and equal each time."""
    journal.add(JOB, Asked())
    assert bare(journal.job("one")) == replace(JOB, request=replace(REQUEST, environment={}))
    journal.put(ENDED)
    found = journal.job("one")
    assert bare(found) == replace(ENDED, request=replace(REQUEST, environment={}))
    assert found == journal.job("one")
    assert found
    assert ["KEY"] == list(found.request.environment)
    assert None is journal.job("two")


def test_values(journal: JobJournal) -> None:
    """They are there byte for byte until the job has ended."""
    journal.add(JOB, Asked())
    assert {"KEY": CANARY} == {name: value.open() for name, value in journal.values("one").items()}
    journal.put(replace(JOB, status=JobStatus.RUNNING))
    assert {"KEY"} == set(journal.values("one"))
    journal.put(ENDED)
    assert {} == journal.values("one")
    assert {} == journal.values("none")


def test_news(journal: JobJournal) -> None:
    """They are numbered from one; the first is the status it was added with."""
    journal.add(JOB, Asked())
    journal.put(JOB, [NEWS, NEWS])
    journal.put(ENDED, [NEWS])
    told = journal.news("one")
    assert [1, 2, 3, 4] == [each.number for each in told]
    assert ("status", "pending") == (told[0].kind, told[0].text)
    assert replace(NEWS, number=2) == told[1]
    assert told[2:] == journal.news("one", 2)
    assert told[1:3] == journal.news("one", 1, 2)
    assert () == tuple(journal.news("none"))


def test_pages(journal: JobJournal) -> None:
    """Backwards, of one service or all; nothing is older than what nobody knows."""
    for name, service in (("a", "pulse"), ("b", "aegis"), ("c", "pulse"), ("d", "pulse")):
        journal.add(named(JOB, name, service), Asked())
    assert ["d", "c", "b", "a"] == [job.id for job in journal.jobs()]
    assert ["c", "b"] == [job.id for job in journal.jobs(before="d", limit=2)]
    assert ["c", "a"] == [job.id for job in journal.jobs(service="pulse", before="d")]
    assert [] == [job.id for job in journal.jobs(before="none")]
    assert [] == [job.id for job in journal.jobs(service="none")]


def test_what_has_not_ended(journal: JobJournal) -> None:
    """The oldest first; the last completed job of each service, else the last; and how many there are."""
    for name in ("a", "b", "c", "d"):
        journal.add(named(JOB, name), Asked())
    journal.add(named(JOB, "e", "aegis"), Asked())
    journal.put(named(replace(JOB, status=JobStatus.FAILED), "a"))
    assert ["e", "d"] == [job.id for job in journal.services()]
    journal.put(named(ENDED, "b"))
    journal.put(named(replace(JOB, status=JobStatus.RUNNING), "c"))
    assert ["c", "d", "e"] == [job.id for job in journal.unended()]
    assert ["e", "b"] == [job.id for job in journal.services()]
    counts = {JobStatus.FAILED: 1, JobStatus.COMPLETED: 1, JobStatus.RUNNING: 1, JobStatus.PENDING: 2}
    assert counts == dict(journal.tally())


def test_keys(journal: JobJournal) -> None:
    """Each asker has keys of their own; none is a key of nobody."""
    journal.add(JOB, Asked(key="k", words="w"))
    journal.add(named(JOB, "two"), Asked())
    journal.add(named(JOB, "three"), Asked())
    found = journal.keyed("ann", "k")
    assert found
    assert ("one", Asked(key="k", words="w")) == (found[0].id, found[1])
    assert (None, None) == (journal.keyed("bob", "k"), journal.keyed("ann", "l"))


def test_moves(journal: JobJournal) -> None:
    """Each service has its own; what an item has to return to is what was said first."""
    moves, others = journal.moves("pulse"), journal.moves("aegis")
    old = Move(want="new", before=Running(digest="old", previous="older"))
    others.move("x", old)
    moves.move("b", old)
    moves.move("a", Move(want="new", before=Running()))
    moves.move("b", Move(want="newer", before=Running(digest="new")))
    assert [("b", replace(old, want="newer")), ("a", "new")] == [
        (name, each if each.before.digest else each.want) for name, each in moves.moved().items()
    ]
    moves.returned("b")
    assert {"a": Move(want="new", before=Running())} == dict(journal.moves("pulse").moved())
    moves.settled()
    assert ({}, {"x"}) == (dict(moves.moved()), set(others.moved()))


def test_seal(journal: JobJournal) -> None:
    """The last one is known."""
    assert (0, "") == journal.sealed()
    journal.seal(3, "sha256:3")
    assert (3, "sha256:3") == journal.sealed()


def test_everything_outlives_the_process(tmp_path: Path) -> None:
    """S2-05: what was put is there when it is opened again; only one process has it open."""
    with opened(tmp_path) as journal:
        journal.add(JOB, Asked(key="k", words="w"))
        journal.put(JOB, [NEWS])
        journal.moves("pulse").move("a", Move(want="new", before=Running(digest="old")))
        with pytest.raises(PreflightError, match="another `shipways serve`"), opened(tmp_path):
            pass
    with opened(tmp_path) as journal:
        assert (2, ["a"]) == (len(journal.news("one")), list(journal.moves("pulse").moved()))
        assert {"KEY": CANARY} == {name: value.open() for name, value in journal.values("one").items()}
        assert journal.keyed("ann", "k")


def test_private(tmp_path: Path) -> None:
    """S2-20: every file is for this user alone; a value is in one file, and in none when its job has ended."""
    umask = os.umask(0)
    try:
        with opened(tmp_path / "state") as journal:
            journal.add(JOB, Asked())
            files = [path for path in tmp_path.rglob("*") if path.is_file()]
            assert {0o600} == {path.stat().st_mode & 0o777 for path in files}
            assert {0o700} == {path.stat().st_mode & 0o777 for path in tmp_path.rglob("*") if path.is_dir()}
            assert [tmp_path / "state/values/one"] == [path for path in files if b"7f3a" in path.read_bytes()]
            journal.put(ENDED)
            assert [] == [path for path in tmp_path.rglob("*") if path.is_file() and b"7f3a" in path.read_bytes()]
    finally:
        os.umask(umask)


def test_values_of_no_job(tmp_path: Path) -> None:
    """F1: killed between the values and the job, or between its end and theirs: they go at the next start."""
    with opened(tmp_path) as journal:
        journal.add(JOB, Asked())
    (tmp_path / "values/none").write_text("{}")
    with opened(tmp_path):
        assert ["one"] == [path.name for path in (tmp_path / "values").iterdir()]


@pytest.mark.parametrize("size", [100, 5000, -1], ids=["cut short", "cut in a page", "overwritten"])
def test_a_damaged_journal(tmp_path: Path, size: int) -> None:
    """F23: it is refused with what to do, and is left as it is."""
    with opened(tmp_path) as journal:
        for number in range(40):
            journal.add(named(JOB, f"job-{number}", f"service-{number}"), Asked())
    place = tmp_path / "journal.db"
    whole = place.read_bytes()
    damaged = whole[:size] if size > 0 else whole[:4096] + b"\xff" * 8192 + whole[12288:]
    place.write_bytes(damaged)
    with pytest.raises(PreflightError, match=r"cannot be used[\s\S]*bring a copy back"), opened(tmp_path):
        pass
    assert damaged == place.read_bytes()


def test_a_half_written_change(tmp_path: Path) -> None:
    """F23: the machine died while a change was written: it is as it was before that."""
    with opened(tmp_path) as journal:
        journal.add(JOB, Asked())
        journal.add(named(JOB, "two"), Asked())
        kept = {path.name: path.read_bytes() for path in tmp_path.iterdir() if path.name.startswith("journal")}
    for name, content in kept.items():
        (tmp_path / name).write_bytes(content[:-20] if name.endswith("-wal") else content)
    with opened(tmp_path) as journal:
        assert ["one"] == [job.id for job in journal.jobs()]


def test_a_newer_journal(tmp_path: Path) -> None:
    """F23: the format of a newer shipways is refused, and nothing is written."""
    with opened(tmp_path) as journal:
        journal._base._base.execute("PRAGMA user_version = 2")
    before = (tmp_path / "journal.db").read_bytes()
    with pytest.raises(PreflightError, match="is of a newer shipways"), opened(tmp_path):
        pass
    assert before == (tmp_path / "journal.db").read_bytes()


def test_full_disk(tmp_path: Path) -> None:
    """F8: what cannot be written did not happen, and the rest can still be read."""
    with opened(tmp_path) as journal:
        journal.add(JOB, Asked())
        (pages,) = journal._base.read("PRAGMA page_count")[0]
        journal._base.read(f"PRAGMA max_page_count = {pages}")
        with pytest.raises(Unfinished, match="full"):
            for number in range(1000):
                journal.add(named(JOB, f"job-{number}"), Asked())
        count = len(journal.jobs(limit=2000))
        assert {job.id for job in journal.jobs(limit=2000)} == {path.name for path in (tmp_path / "values").iterdir()}
        assert count == len({each.id for each in journal.jobs(limit=2000)})
        assert all(journal.news(job.id) for job in journal.jobs(limit=2000))
