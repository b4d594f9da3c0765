"""Jobs of the deployer service: what was asked for, the six phases of each, and how it stands.

Source: deployer-service, "Data Models" and "Deployment Process (6 Phases)".
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

from shipways.model.secret import Secret


class Method(StrEnum):
    """How a service is kept running on a host."""

    DOCKER = "docker"
    SYSTEMD = "systemd"


class PhaseName(StrEnum):
    """In the order of their turns."""

    VALIDATION = "Validation"
    TRANSFER = "Transfer"
    BUILD = "Build"
    START = "Start Service"
    VERIFY = "Verify Health"
    REGISTER = "Register"


class PhaseStatus(StrEnum):
    """How a phase stands. After one that failed, the later ones stay pending."""

    PENDING = "pending"
    RUNNING = "running"
    SUCCESS = "success"
    FAILED = "failed"


class JobStatus(StrEnum):
    """How a job stands. One that was cancelled or taken back has failed, and its error says so."""

    PENDING = "pending"
    RUNNING = "running"
    COMPLETED = "completed"
    FAILED = "failed"

    @property
    def ended(self) -> bool:
        """Whether nothing of it changes any more."""
        return self in {JobStatus.COMPLETED, JobStatus.FAILED}


class JobKind(StrEnum):
    """What a job does: bring a source tree, or return to what ran before."""

    DEPLOY = "deploy"
    ROLLBACK = "rollback"


@dataclass(frozen=True, slots=True, kw_only=True)
class JobRequest:
    """What somebody asked for. The values of variables may be secrets, and are treated as such."""

    service_path: str
    service_name: str
    droplet_id: int
    service_port: int
    method: Method
    environment: Mapping[str, Secret] = field(default_factory=dict)
    auto_register: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class JobPhase:
    """One phase; times are seconds since the epoch, None while it has not come so far."""

    name: PhaseName
    status: PhaseStatus = PhaseStatus.PENDING
    started: float | None = None
    ended: float | None = None
    details: str = ""
    error: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Registration:
    """What the registry was told of a service, and what it answered."""

    droplet_id: int
    service_name: str
    endpoint: str
    registered: float
    response: Mapping[str, object]


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """One job. `release` is the digest of what it brings, empty until that is known; `by` who asked."""

    id: str
    kind: JobKind
    request: JobRequest
    by: str
    created: float
    status: JobStatus = JobStatus.PENDING
    phases: tuple[JobPhase, ...] = tuple(JobPhase(name=name) for name in PhaseName)
    ended: float | None = None
    release: str = ""
    url: str = ""
    registration: Registration | None = None
    error: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class JobNews:
    """Something that happened in a job, for those who follow it; `number` grows by one within a job, from 1.

    `phase` is empty for what is about the whole job; `kind` is "status", "phase", "progress" or "log".
    """

    number: int
    time: float
    kind: str
    phase: str = ""
    text: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Hold:
    """Nothing is deployed to a service until this is taken back."""

    service: str
    reason: str
    by: str
    since: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Placed:
    """What runs of a service on a host, as it was last seen: by digest; `why` it is not healthy, empty when it is."""

    service: str
    host: str
    digest: str
    previous: str
    since: float
    seen: float
    why: str = ""
    hold: Hold | None = None


CONNECTED: Final = "connected"
REACHABLE: Final = "reachable"
UNCONFIGURED: Final = "not configured"


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """Whether what a job needs can be reached. `ssh` is "connected" when every host is, else why the first is not.

    `registry` is "reachable", "not configured", or why it is not reached.
    """

    ssh: str
    registry: str

    @property
    def healthy(self) -> bool:
        """Whether jobs can be done."""
        return self.ssh == CONNECTED and self.registry in {REACHABLE, UNCONFIGURED}
