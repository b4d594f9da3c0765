"""Jobs, and what runs, in the words of the API."""

from datetime import UTC, datetime

from shipways.deployer import models
from shipways.model.job import Hold, Job, JobNews, JobPhase, JobRequest, JobStatus, Method, PhaseName, Placed
from shipways.model.secret import Secret


def wanted(request: models.DeployRequest) -> JobRequest:
    """What is asked for, as the desk takes it."""
    return JobRequest(
        service_path=request.service_path,
        service_name=request.service_name,
        droplet_id=request.droplet_id,
        service_port=request.service_port,
        method=Method(request.deployment_method),
        environment={name: Secret(value) for name, value in request.environment_vars.items()},
        auto_register=request.auto_register,
    )


def accepted(job: Job) -> models.DeployAccepted:
    """A job that is new."""
    return models.DeployAccepted(deploy_job_id=job.id, status=job.status, created_at=_time(job.created))


def shown(job: Job) -> models.DeployJob:
    """A job. It has started when it was asked for: it may have waited since."""
    told, request = job.registration, job.request
    return models.DeployJob(
        deploy_job_id=job.id,
        service_name=request.service_name,
        service_path=request.service_path,
        status=job.status,
        droplet_id=request.droplet_id,
        service_port=request.service_port,
        service_url=job.url or None,
        deployment_method=request.method,
        phases=[_phase(phase) for phase in job.phases],
        registration=None
        if told is None
        else models.RegistrationInfo(
            droplet_id=told.droplet_id,
            service_name=told.service_name,
            endpoint=told.endpoint,
            registered_at=_time(told.registered),
            registry_response=dict(told.response),
        ),
        started_at=_time(job.created),
        completed_at=_perhaps(job.ended),
        duration_seconds=_seconds(job.created, job.ended),
        success=job.status is JobStatus.COMPLETED,
        error=job.error or None,
    )


def returned(job: Job, of: str) -> models.RollbackConfirmation:
    """The job that takes back another one."""
    return models.RollbackConfirmation(
        deploy_job_id=job.id,
        rolled_back_job_id=of,
        service_name=job.request.service_name,
        status=job.status,
        success=job.status is JobStatus.COMPLETED,
        error=job.error or None,
        created_at=_time(job.created),
    )


def event(news: JobNews) -> models.JobEvent:
    """What happened in a job."""
    phase = PhaseName(news.phase) if news.phase else None
    return models.JobEvent(number=news.number, time=_time(news.time), kind=news.kind, phase=phase, text=news.text)


def held(hold: Hold) -> models.HoldInfo:
    """A hold."""
    return models.HoldInfo(service_name=hold.service, reason=hold.reason, by=hold.by, since=_time(hold.since))


def placed(each: Placed) -> models.PlacedService:
    """What runs of a service on a host."""
    return models.PlacedService(
        service_name=each.service,
        host=each.host,
        digest=each.digest,
        previous_digest=each.previous or None,
        since=_time(each.since),
        seen_at=_time(each.seen),
        healthy=not each.why,
        error=each.why or None,
        hold=held(each.hold) if each.hold else None,
    )


def _phase(phase: JobPhase) -> models.DeploymentPhase:
    return models.DeploymentPhase(
        phase=phase.name,
        status=phase.status,
        started_at=_perhaps(phase.started),
        completed_at=_perhaps(phase.ended),
        duration_seconds=_seconds(phase.started, phase.ended),
        details=phase.details,
        error=phase.error or None,
    )


def _time(seconds: float) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)


def _perhaps(seconds: float | None) -> datetime | None:
    return None if seconds is None else _time(seconds)


def _seconds(begin: float | None, end: float | None) -> int | None:
    """A clock may have been set back meanwhile."""
    return None if begin is None or end is None else max(round(end - begin), 0)
