"""What the page shows of jobs and services, in the words that people read."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from shipways.model.digest import short
from shipways.model.job import Hold, Job, JobKind, JobNews, JobPhase, JobStatus, PhaseStatus, Placed
from shipways.run.page import duration

_MOODS: Final = {
    JobStatus.COMPLETED.value: "good",
    PhaseStatus.SUCCESS.value: "good",
    JobStatus.FAILED.value: "bad",
    JobStatus.RUNNING.value: "busy",
}

_KINDS: Final = {JobKind.DEPLOY: "Deployment", JobKind.ROLLBACK: "Rollback"}


@dataclass(frozen=True, slots=True, kw_only=True)
class PhaseRow:
    """A phase."""

    name: str
    status: str
    mood: str
    took: str
    details: str
    error: str


@dataclass(frozen=True, slots=True, kw_only=True)
class JobRow:
    """A job. `returns`: it has brought something, so that it may be taken back."""

    id: str
    kind: str
    service: str
    path: str
    method: str
    port: int
    by: str
    created: str
    status: str
    mood: str
    took: str
    error: str
    release: str
    url: str
    registered: str
    ended: bool
    returns: bool
    phases: tuple[PhaseRow, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class PlacedRow:
    """What runs of a service on a host."""

    service: str
    host: str
    digest: str
    short: str
    since: str
    why: str
    hold: Hold | None


@dataclass(frozen=True, slots=True, kw_only=True)
class HoldRow:
    """A service that nothing is deployed to."""

    service: str
    reason: str
    by: str
    since: str


def job_row(job: Job) -> JobRow:
    """A job as a row, and as a page."""
    request, told = job.request, job.registration
    return JobRow(
        id=job.id,
        kind=_KINDS[job.kind],
        service=request.service_name,
        path=request.service_path,
        method=request.method,
        port=request.service_port,
        by=job.by,
        created=moment(job.created),
        status=job.status,
        mood=_MOODS.get(job.status, ""),
        took=_took(job.created, job.ended),
        error=job.error,
        release=job.release,
        url=job.url,
        registered=moment(told.registered) if told else "",
        ended=job.status.ended,
        returns=job.status is JobStatus.COMPLETED,
        phases=tuple(_phase(phase) for phase in job.phases),
    )


def placed_rows(placed: Iterable[Placed], service: str = "") -> tuple[PlacedRow, ...]:
    """Of one service, or of all."""
    return tuple(
        PlacedRow(
            service=each.service,
            host=each.host,
            digest=each.digest,
            short=short(each.digest) if each.digest else "nothing",
            since=moment(each.since),
            why=each.why,
            hold=each.hold,
        )
        for each in placed
        if service in {"", each.service}
    )


def hold_rows(holds: Iterable[Hold], service: str = "") -> tuple[HoldRow, ...]:
    """Of one service, or of all."""
    return tuple(
        HoldRow(service=each.service, reason=each.reason, by=each.by, since=moment(each.since))
        for each in holds
        if service in {"", each.service}
    )


def line(news: JobNews) -> str:
    """A line of the log."""
    return "  ".join(filter(None, (moment(news.time)[11:19], news.phase, news.text)))


def moment(seconds: float) -> str:
    """A time as people write it, and machines read it."""
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%dT%H:%M:%SZ}"


def _phase(phase: JobPhase) -> PhaseRow:
    return PhaseRow(
        name=phase.name,
        status=phase.status,
        mood=_MOODS.get(phase.status, ""),
        took=_took(phase.started, phase.ended),
        details=phase.details,
        error=phase.error,
    )


def _took(begin: float | None, end: float | None) -> str:
    return "" if begin is None or end is None else duration(max(end - begin, 0.0))
