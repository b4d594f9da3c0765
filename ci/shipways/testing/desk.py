"""The desk of the deployer in memory: jobs go on by a phase each time somebody asks how they stand."""

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Final

from shipways.errors import ConfigError, Conflict, Held, NothingBefore, Problem, Unfinished
from shipways.model.digest import digest_bytes
from shipways.model.job import (
    CONNECTED,
    REACHABLE,
    Hold,
    Job,
    JobKind,
    JobNews,
    JobPhase,
    JobRequest,
    JobStatus,
    PhaseName,
    PhaseStatus,
    Placed,
    Registration,
    Standing,
)
from shipways.ports import Clock

_HOST: Final = "host-1"


@dataclass(slots=True)
class MemoryDesk:
    """The `Desk` of `deployer/` over a list of jobs. Services that are `sick` do not become healthy.

    `still`: jobs stay as they are, while it is true. `full`: no job can be written down. A folder is a digest of its
    path.
    """

    clock: Clock
    sources: str = "/srv/services"
    still: bool = False
    full: bool = False
    sick: set[str] = field(default_factory=set)
    stands: Standing = field(default_factory=lambda: Standing(ssh=CONNECTED, registry=REACHABLE))
    _jobs: dict[str, Job] = field(default_factory=dict)
    _news: dict[str, list[JobNews]] = field(default_factory=dict)
    _keys: dict[tuple[str, str], tuple[str, str]] = field(default_factory=dict)
    _holds: dict[str, Hold] = field(default_factory=dict)
    _runs: dict[str, Placed] = field(default_factory=dict)
    _brought: dict[str, str] = field(default_factory=dict)

    async def submit(self, request: JobRequest, *, by: str, key: str = "") -> Job:
        """Below `sources` alone."""
        known, words = self._keys.get((by, key), ("", "")), _words(request)
        if key and known[0]:
            if known[1] != words:
                raise Conflict(Problem(path=key, what="belongs to another request"))
            return self._jobs[known[0]]
        if not request.service_path.startswith(f"{self.sources}/"):
            raise ConfigError(Problem(path="service_path", what=f"is not below {self.sources}"))
        job = self._made(JobKind.DEPLOY, request, by)
        if key:
            self._keys[by, key] = (job.id, words)
        return job

    async def job(self, id: str) -> Job | None:  # noqa: A002 - the word of the model
        """As it stands; it is a step further afterwards."""
        found = self._jobs.get(id)
        if found:
            self._step(found)
        return found

    async def jobs(self, *, service: str = "", before: str = "", limit: int = 50) -> Sequence[Job]:
        """Ids grow."""
        found = (job for job in reversed(self._jobs.values()) if service in {"", job.request.service_name})
        return tuple(job for job in found if not before or job.id < before)[:limit]

    async def tally(self) -> Mapping[JobStatus, int]:
        """Counted."""
        statuses = [job.status for job in self._jobs.values()]
        return {status: statuses.count(status) for status in statuses}

    async def cancel(self, id: str, *, by: str) -> Job | None:  # noqa: A002 - the word of the model
        """At once."""
        job = self._jobs.get(id)
        if job and not job.status.ended:
            self._end(job, error=f"cancelled by {by}")
        return self._jobs.get(id)

    async def rollback(self, id: str, *, by: str) -> Job | None:  # noqa: A002 - the word of the model
        """What ran before is known from one deployment on."""
        job = self._jobs.get(id)
        if job is None:
            return None
        name = job.request.service_name
        if self._brought.get(name) != id:
            hint = f"what runs was brought by {self._brought.get(name, 'none')}"
            raise Conflict(Problem(path=id, what="is not what runs", hint=hint))
        if not self._runs[name].previous:
            raise NothingBefore(Problem(path=name, what="has nothing to return to"))
        return self._made(JobKind.ROLLBACK, job.request, by)

    async def follow(self, id: str, *, after: int = 0) -> AsyncIterator[JobNews]:  # noqa: A002 - the word of the model
        """Each piece of news takes the job on."""
        while id in self._jobs:
            for news in self._news[id][after:]:
                after = news.number
                yield news
            if self._jobs[id].status.ended and after == len(self._news[id]):
                return
            await self.clock.sleep(0.01 if self.still else 0)
            self._step(self._jobs[id])

    async def placed(self) -> Sequence[Placed]:
        """All of them on one host."""
        found = (replace(each, hold=self._holds.get(each.service)) for each in self._runs.values())
        return sorted(found, key=lambda each: each.service)

    async def holds(self) -> Sequence[Hold]:
        """By their names."""
        return [self._holds[name] for name in sorted(self._holds)]

    async def hold(self, service: str, *, reason: str, by: str) -> Hold:
        """At once."""
        self._holds[service] = Hold(service=service, reason=reason, by=by, since=self.clock.now())
        return self._holds[service]

    async def release(self, service: str, *, by: str) -> bool:
        """At once."""
        del by
        return self._holds.pop(service, None) is not None

    async def standing(self) -> Standing:
        """As it was set."""
        return self.stands

    def tell(self, id: str, kind: str, text: str, phase: str = "") -> None:  # noqa: A002 - the word of the model
        """More news of a job."""
        news = self._news[id]
        news.append(JobNews(number=len(news) + 1, time=self.clock.now(), kind=kind, phase=phase, text=text))

    def _made(self, kind: JobKind, request: JobRequest, by: str) -> Job:
        if hold := self._holds.get(request.service_name):
            raise Held(Problem(path=hold.service, what="is held", why=f"{hold.by}: {hold.reason}"))
        if self.full:
            raise Unfinished(Problem(path="journal", what="cannot be written"))
        job = Job(id=f"{len(self._jobs) + 1:08}", kind=kind, request=request, by=by, created=self.clock.now())
        self._jobs[job.id], self._news[job.id] = job, []
        self.tell(job.id, "status", JobStatus.PENDING)
        return job

    def _step(self, job: Job) -> None:
        """A phase begins, or ends: of the oldest job of its service that has not ended."""
        if self.still or job.status.ended:
            return
        name = job.request.service_name
        waiting = (other for other in self._jobs.values() if other.request.service_name == name)
        job = next(other for other in waiting if not other.status.ended)
        if job.status is JobStatus.PENDING:
            self.tell(job.id, "status", JobStatus.RUNNING)
            job = replace(job, status=JobStatus.RUNNING)
        phase = next(each for each in job.phases if each.status in {PhaseStatus.PENDING, PhaseStatus.RUNNING})
        if phase.status is PhaseStatus.PENDING:
            self._put(job, replace(phase, status=PhaseStatus.RUNNING, started=self.clock.now()))
        elif phase.name is PhaseName.VERIFY and name in self.sick:
            failed = replace(phase, status=PhaseStatus.FAILED, ended=self.clock.now(), error="answers 503")
            self._end(self._put(job, failed), error=f"{phase.name}: answers 503; returned to what ran before")
        else:
            job = self._put(job, replace(phase, status=PhaseStatus.SUCCESS, ended=self.clock.now(), details="done"))
            if phase.name is PhaseName.REGISTER:
                self._end(job)

    def _put(self, job: Job, phase: JobPhase) -> Job:
        phases = tuple(phase if phase.name is each.name else each for each in job.phases)
        self._jobs[job.id] = job = replace(job, phases=phases)
        self.tell(job.id, "phase", phase.status, phase.name)
        return job

    def _end(self, job: Job, *, error: str = "") -> None:
        request, now = job.request, self.clock.now()
        status = JobStatus.FAILED if error else JobStatus.COMPLETED
        job = replace(job, status=status, ended=now, error=error)
        if not error:
            before, url = self._runs.get(request.service_name), f"http://{_HOST}:{request.service_port}"
            digest, previous = digest_bytes(request.service_path.encode()), before.digest if before else ""
            if before and job.kind is JobKind.ROLLBACK:
                digest = before.previous
            if before and before.digest == digest:
                previous = before.previous
            told = Registration(
                droplet_id=request.droplet_id,
                service_name=request.service_name,
                endpoint=url,
                registered=now,
                response={"status": "registered"},
            )
            job = replace(job, release=digest, url=url, registration=told if request.auto_register else None)
            self._brought[request.service_name] = job.id
            self._runs[request.service_name] = Placed(
                service=request.service_name, host=_HOST, digest=digest, previous=previous, since=now, seen=now
            )
        self._jobs[job.id] = job
        self.tell(job.id, "status", job.status)


def _words(request: JobRequest) -> str:
    """What makes two requests the same, the values of variables included."""
    values = {name: value.open() for name, value in request.environment.items()}
    return digest_bytes(repr((replace(request, environment={}), sorted(values.items()))).encode())
