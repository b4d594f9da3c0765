"""Jobs as journals are given them."""

from dataclasses import replace

from shipways.model.job import (
    Job,
    JobKind,
    JobNews,
    JobPhase,
    JobRequest,
    JobStatus,
    Method,
    PhaseName,
    PhaseStatus,
    Registration,
)
from shipways.model.secret import Secret

CANARY = "can'ry\n\u20ac\x01-7f3a"
REQUEST = JobRequest(
    service_path="/srv/päth",
    service_name="pulse",
    droplet_id=24,
    service_port=8010,
    method=Method.SYSTEMD,
    environment={"KEY": Secret(CANARY)},
)
JOB = Job(id="one", kind=JobKind.DEPLOY, request=REQUEST, by="ann", created=17.5)
NEWS = JobNews(number=0, time=18.25, kind="phase", phase=PhaseName.BUILD, text="running")
ENDED = replace(
    JOB,
    status=JobStatus.COMPLETED,
    phases=tuple(
        JobPhase(name=name, status=PhaseStatus.SUCCESS, started=18.0, ended=19.5, details="host-1", error="")
        for name in PhaseName
    ),
    ended=20.0,
    release="sha256:1",
    url="http://host-1:8010",
    registration=Registration(
        droplet_id=24, service_name="pulse", endpoint="http://host-1:8010", registered=19.0, response={"a": [1, None]}
    ),
)


def named(job: Job, id: str, service: str = "pulse") -> Job:  # noqa: A002 - the word of the model
    """Another one like it."""
    return replace(job, id=id, request=replace(job.request, service_name=service))
