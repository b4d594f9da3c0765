"""What every journal of jobs forgets, and what it never does, the public fake included."""

from dataclasses import replace
from pathlib import Path

from journals import ENDED, JOB, NEWS, named
from shipways.adapters.jobjournal import opened
from shipways.model.job import Job, JobStatus
from shipways.outside.jobs import Asked, Bounds, JobJournal


def ended(name: str, at: float, status: JobStatus = JobStatus.COMPLETED, service: str = "pulse") -> Job:
    """A job that has."""
    return named(replace(ENDED, status=status, ended=at), name, service)


def test_pruned(journal: JobJournal) -> None:
    """By age and number, of one service; their keys and news go with them, and of most of the others the news."""
    for name in ("a", "b", "c", "d", "e"):
        journal.add(named(JOB, name), Asked(key=name))
        journal.put(ended(name, 20.0 if name != "b" else 10.0), [NEWS])
    journal.add(named(JOB, "other", "aegis"), Asked())
    journal.put(ended("other", 1.0, service="aegis"), [NEWS])
    journal.prune("pulse", Bounds(jobs=4, news=2, before=15.0))
    assert ["other", "e", "d", "c"] == [job.id for job in journal.jobs()]
    assert [2, 2, 0, 0, 2] == [len(journal.news(name)) for name in ("e", "d", "c", "b", "other")]
    assert (None, None, True) == (journal.job("a"), journal.keyed("ann", "b"), journal.keyed("ann", "c") is not None)
    journal.prune("none", Bounds(jobs=0, news=0, before=99.0))
    assert 4 == len(journal.jobs())


def test_what_is_never_pruned(journal: JobJournal) -> None:
    """What has not ended, with its news; the last that was completed, to which a rollback goes; the last of all."""
    for name in ("old", "completed", "runs", "failed", "last"):
        journal.add(named(JOB, name), Asked())
    journal.put(ended("old", 1.0))
    journal.put(ended("completed", 2.0))
    journal.put(named(replace(JOB, status=JobStatus.RUNNING), "runs"), [NEWS])
    for name in ("failed", "last"):
        journal.put(ended(name, 3.0, JobStatus.FAILED))
    journal.prune("pulse", Bounds(jobs=0, news=0, before=99.0))
    assert ["last", "runs", "completed"] == [job.id for job in journal.jobs()]
    assert ["completed"] == [job.id for job in journal.services()]
    assert ([2, 0], ["runs"]) == (
        [len(journal.news(name)) for name in ("runs", "last")],
        [job.id for job in journal.unended()],
    )


def test_the_file_shrinks(tmp_path: Path) -> None:
    """The room of what was pruned is used again, and given back when it is opened next."""
    place = tmp_path / "journal.db"
    with opened(tmp_path) as journal:
        for number in range(3):
            journal.add(named(JOB, f"job-{number}"), Asked())
            journal.put(ended(f"job-{number}", 20.0), [replace(NEWS, text="x" * 2000)] * 1000)
        (before,) = journal._base.read("PRAGMA page_count")[0]
        journal.prune("pulse", Bounds(jobs=1, news=0, before=0.0))
        (after,) = journal._base.read("PRAGMA page_count")[0]
        journal.put(ended("job-2", 20.0), [replace(NEWS, text="x" * 2000)] * 1000)
        (again,) = journal._base.read("PRAGMA page_count")[0]
        assert (before, before) == (after, again)
    with opened(tmp_path) as journal:
        assert (1, 1000) == (len(journal.jobs()), len(journal.news("job-2")))
    assert place.stat().st_size < before * 4096 / 2
