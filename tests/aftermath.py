"""What has to be true when all jobs have ended, however often they were killed."""

import json
from itertools import pairwise

from desks import CANARY
from offices import SOURCES, STEPS, digest
from shipways.model.job import JobRequest, JobStatus, Method, PhaseStatus
from shipways.model.secret import Secret
from shipways.outside.jobs import Book, JobJournal
from shipways.run.trail import Trail
from shipways.testing.console import ManualClock
from shipways.testing.platform import Platform

HOSTS = ("host-1", "host-2")


def request(folder: str) -> JobRequest:
    """With a variable."""
    return JobRequest(
        service_path=f"{SOURCES}/{folder}",
        service_name="pulse",
        droplet_id=24,
        service_port=8010,
        method=Method.SYSTEMD,
        environment={"KEY": Secret(CANARY)},
    )


def checked(journal: JobJournal, book: Book, platform: Platform, count: int) -> None:
    """So many jobs of one service have ended, each says what became of it, and the last that went well is what runs."""
    jobs = journal.jobs(limit=10_000)[::-1]
    assert count == len(jobs)
    runs = ""
    for job in jobs:
        assert job.status.ended
        if job.status is JobStatus.COMPLETED:
            runs = digest(job.request.service_path)
            assert (runs, "") == (job.release, job.error)
            assert {PhaseStatus.SUCCESS} == {phase.status for phase in job.phases}
        else:
            assert job.error
            assert PhaseStatus.RUNNING not in {phase.status for phase in job.phases}
        assert {} == journal.values(job.id)
    names = {f"deploy.test/{host}/pulse/{step}" for host in HOSTS for step in STEPS}
    assert (dict.fromkeys(names, runs) if runs else {}) == {n: r.digest for n, r in platform.running.items()}
    assert not platform.mixed()
    for name in names:
        applied = [digest for item, digest in platform.log if item == name]
        assert all(one != other for one, other in pairwise(applied)), "nothing is applied twice"
    assert {} == dict(journal.moves("pulse").moved())
    told(journal, book)


def told(journal: JobJournal, book: Book) -> None:
    """S2-21: news and trail have all of it."""
    Trail(book, journal, ManualClock()).verify()
    lines = [json.loads(line) for line in book.lines()]
    for job in journal.jobs(limit=10_000):
        mine = [line for line in lines if line.get("job") == job.id]
        assert ("asked", "ann", "KEY") == (mine[0]["what"], mine[0]["by"], mine[0]["variables"])
        assert ("ended", job.status) == (mine[-1]["what"], mine[-1]["status"])
        news = journal.news(job.id)
        assert list(range(1, len(news) + 1)) == [each.number for each in news]
        assert [job.status] == [each.text for each in news if each.kind == "status"][-1:]
        assert CANARY not in repr((news, job))
    assert CANARY.encode() not in b"".join(book.lines())
