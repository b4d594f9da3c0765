"""What the API takes and answers, under the names of its specification.

Source: deployer-service, "Data Models"; `tests/unit/test_deployer_models.py` holds names and types against it.
"""

from datetime import datetime
from pathlib import PurePosixPath
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, StringConstraints

from shipways.config.kinds import Variable, Word
from shipways.config.services import ServiceName
from shipways.model.job import JobStatus, Method, PhaseName, PhaseStatus


def _down(text: str) -> str:
    if ".." in PurePosixPath(text).parts:
        raise ValueError("expected a path without `..`")
    return text


def _whole(value: object) -> object:
    """24.0 is an integer in JSON."""
    return int(value) if isinstance(value, float) and value.is_integer() else value


SourcePath = Annotated[str, StringConstraints(pattern=r"^/[^\x00-\x1f\x7f]*$", max_length=4096), AfterValidator(_down)]
_LARGEST = 2**31 - 1


class _Answer(BaseModel):
    model_config = ConfigDict(frozen=True)


class DeployRequest(BaseModel):
    """A service to deploy. The values of variables arrive as they are, and are told to nobody."""

    model_config = ConfigDict(frozen=True, strict=True, extra="forbid")

    service_path: SourcePath = Field(description="Its folder, on the machine of the deployer.")
    service_name: ServiceName
    droplet_id: Annotated[int, Field(ge=0, le=_LARGEST), BeforeValidator(_whole)]
    service_port: Annotated[int, Field(ge=1, le=65535), BeforeValidator(_whole)] = Field(
        description="The port by which people reach it."
    )
    deployment_method: Literal["docker", "systemd"]
    environment_vars: dict[Variable, Word] = Field(repr=False, json_schema_extra={"additionalProperties": False})
    auto_register: bool = True


class HoldRequest(BaseModel):
    """Why nothing may be deployed to a service."""

    model_config = ConfigDict(frozen=True, strict=True, extra="forbid")

    reason: Annotated[
        str, StringConstraints(pattern=r"^[^\x00-\x1f\x7f]*[^\s\x00-\x1f\x7f][^\x00-\x1f\x7f]*$", max_length=500)
    ]


class DeployAccepted(_Answer):
    """A job that is to be done."""

    deploy_job_id: str
    status: JobStatus
    created_at: datetime


class DeploymentPhase(_Answer):
    """One of the six phases of a job, in their order."""

    phase: PhaseName
    status: PhaseStatus
    started_at: datetime | None
    completed_at: datetime | None
    duration_seconds: int | None
    details: str
    error: str | None


class RegistrationInfo(_Answer):
    """What the registry was told, and what it answered."""

    droplet_id: int
    service_name: str
    endpoint: str
    registered_at: datetime
    registry_response: dict[str, object]


class DeployJob(_Answer):
    """How a job stands. One that was cancelled, or taken back, is `failed`, and `error` says so."""

    deploy_job_id: str
    service_name: str
    service_path: str
    status: JobStatus
    droplet_id: int
    service_port: int
    service_url: str | None
    deployment_method: Method
    phases: list[DeploymentPhase]
    registration: RegistrationInfo | None
    started_at: datetime
    completed_at: datetime | None
    duration_seconds: int | None
    success: bool
    error: str | None


class RollbackConfirmation(_Answer):
    """The job that returns a service to what ran before, as it stands when it has ended, or after a minute."""

    deploy_job_id: str
    rolled_back_job_id: str
    service_name: str
    status: JobStatus
    success: bool
    error: str | None
    created_at: datetime


class JobEvent(_Answer):
    """Something that happened in a job. `phase` is null for what is about the whole job."""

    number: int
    time: datetime
    kind: str
    phase: PhaseName | None
    text: str


class HoldInfo(_Answer):
    """Nothing is deployed to a service until this is taken back."""

    service_name: str
    reason: str
    by: str
    since: datetime


class PlacedService(_Answer):
    """What runs of a service on a host. `error` says why it is not healthy."""

    service_name: str
    host: str
    digest: str
    previous_digest: str | None
    since: datetime
    seen_at: datetime
    healthy: bool
    error: str | None
    hold: HoldInfo | None


class Health(_Answer):
    """Whether jobs can be done. Who may not read jobs is not told why something is not reached."""

    status: Literal["healthy", "unhealthy"]
    ssh_status: str
    registry_status: str


class ServerInfo(_Answer):
    """The deployer itself."""

    name: str
    version: str
    hosts: int
    concurrent_jobs: int
    job_timeout_seconds: float


class Capabilities(_Answer):
    """What this deployer can do, as it is configured."""

    deployment_methods: list[Method]
    phases: list[PhaseName]
    features: list[str]
    server: ServerInfo


class Alive(_Answer):
    """That it answers."""

    status: Literal["alive", "ready"]


class ProblemEntry(_Answer):
    """One thing that is wrong: where, what, why, and what to do about it."""

    path: str
    what: str
    why: str
    hint: str


class ProblemDetails(_Answer):
    """Everything that is wrong with a request (RFC 9457)."""

    type: Literal["about:blank"]
    title: str
    status: int
    detail: str
    problems: list[ProblemEntry]
