"""The desk of the deployer: takes jobs, does those of a service one after the other, and knows how they stand."""

import contextlib
import hashlib
import json
import logging
import traceback
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Final, Self

import anyio

from shipways.errors import ConfigError, Conflict, Problem, ShipwaysError, Unfinished
from shipways.model.job import Hold, Job, JobKind, JobNews, JobRequest, JobStatus, Placed, Standing
from shipways.outside.jobs import Asked
from shipways.run.jobholds import Holding, free, held, refused
from shipways.run.jobtools import Tools, reaching, remembered
from shipways.run.jobwork import Work
from shipways.run.patience import persist
from shipways.run.placing import Placing, Quiet
from shipways.run.returning import rollbacks

_SOON: Final = 2.0
"""Seconds for hosts to say whether a service is held, while somebody waits for the answer."""
_MOST: Final = 50
"""Jobs of a service that have not ended: the values of each lie on the disk."""
_PIECE: Final = 100
"""News that are read at once: who follows may be slow, and they may be long."""
_log = logging.getLogger("shipways.deployer")
_COST: Final = {"n": 1 << 14, "r": 8, "p": 1, "dklen": 32}


class Jobs:
    """The `Desk` of the deployer. It is open while `opened` is."""

    def __init__(self, tools: Tools) -> None:
        self._tools = tools
        self._journal = tools.journal
        self._holding = Holding(tools.bringer, tools.clock)
        self._placing = Placing(tools.journal, tools.bringer, tools.clock, self._holding)
        self._live: dict[str, Work] = {}
        self._queues: dict[str, anyio.Lock] = {}
        self._bells: dict[str, anyio.Event] = {}
        self._leaving = False

    @contextlib.asynccontextmanager
    async def opened(self) -> AsyncIterator[Self]:
        """Jobs that wait or were interrupted are done first. Raises PreflightError where the trail is not whole."""
        self._tools.trail.verify()
        self._limit = anyio.CapacityLimiter(self._tools.concurrent)
        async with reaching(self._tools.site) as self._site, anyio.create_task_group() as self._group:
            for job in self._journal.services():
                self._forget(job.request.service_name)
            for job in self._journal.unended():
                self._begin(job)
            try:
                yield self
            finally:
                self._leaving = True
                with anyio.move_on_after(self._tools.grace):
                    for _ in range(self._tools.concurrent):  # when all turns are taken, nobody else has one
                        await self._limit.acquire_on_behalf_of(object())
                self._group.cancel_scope.cancel()

    async def submit(self, request: JobRequest, *, by: str, key: str = "") -> Job:
        """A new job, or that of the key. Raises ConfigError, Held, Conflict, Unfinished.

        Hosts that do not say at once whether it is held are asked again when it begins.
        """
        hold = await self._soon(request.service_name)  # first: nothing may come between a key and its job
        asked = Asked(key=key, words=_words(request, f"{by}\0{key}") if key else "")
        if known := self._journal.keyed(by, key) if key else None:
            if known[1].words != asked.words:
                raise Conflict(Problem(path=key, what="belongs to another request", hint="take another key"))
            return known[0]
        if problems := self._tools.bringer.problems(request):
            raise ConfigError(*problems)
        if hold:
            raise refused(hold)
        if sum(work.job.request.service_name == request.service_name for work in self._live.values()) >= _MOST:
            what, hint = f"{_MOST} jobs of it have not ended", "ask again when some have, or cancel those"
            raise Conflict(Problem(path=request.service_name, what=what, hint=hint))
        return self._made(JobKind.DEPLOY, request, by, asked)

    async def job(self, id: str) -> Job | None:  # noqa: A002 - the word of the model
        """How it stands."""
        return self._live[id].job if id in self._live else self._journal.job(id)

    async def jobs(self, *, service: str = "", before: str = "", limit: int = 50) -> Sequence[Job]:
        """The newest first."""
        found = self._journal.jobs(service=service, before=before, limit=limit)
        return tuple(self._live[job.id].job if job.id in self._live else job for job in found)

    async def tally(self) -> Mapping[JobStatus, int]:
        """As the journal has them."""
        return self._journal.tally()

    async def cancel(self, id: str, *, by: str) -> Job | None:  # noqa: A002 - the word of the model
        """End it and take back what it did. Raises Unfinished where that cannot be written down."""
        work = self._live.get(id)
        if work and not work.job.status.ended:
            self._tools.trail.add("cancelled", job=id, by=by)
            work.cancel(f"cancelled by {by}")
        return await self.job(id)

    async def rollback(self, id: str, *, by: str) -> Job | None:  # noqa: A002 - the word of the model
        """A job that returns to what ran before, on all hosts. Raises NothingBefore, Held, Conflict, Unfinished."""
        job = self._journal.job(id)
        if job is None:
            return None
        self._last(job)
        made = self._tools.bringer.standing(job.request, Quiet())
        items, clock = made.deployer.items(), self._tools.clock
        async with reaching(self._tools.site) as site:
            await persist(job.id, lambda: free(self._tools.bringer, site, job.request.service_name), Quiet(), clock)
            running = await persist(job.id, lambda: made.deployer.observe(site, items), Quiet(), clock)
        rollbacks(items, running)
        self._last(job)  # while hosts were asked, somebody else may have, too
        return self._made(JobKind.ROLLBACK, replace(job.request, environment={}), by, Asked())

    async def follow(self, id: str, *, after: int = 0) -> AsyncIterator[JobNews]:  # noqa: A002 - the word of the model
        """Until the job has ended."""
        while True:
            bell, job = self._bells.setdefault(id, anyio.Event()), await self.job(id)
            while some := self._journal.news(id, after, _PIECE):
                for news in some:
                    after = news.number
                    yield news
            if job is None or job.status.ended:
                self._bells.pop(id, None)
                return
            await bell.wait()

    async def placed(self) -> Sequence[Placed]:
        """Asked a few seconds ago at most."""
        return await self._placing.placed(self._site)

    async def holds(self) -> Sequence[Hold]:
        """Asked a few seconds ago at most."""
        return await self._holding.all(self._site)

    async def hold(self, service: str, *, reason: str, by: str) -> Hold:
        """Those that wait fail when their turn comes. Raises Unfinished, PreflightError."""
        made = Hold(service=service, reason=reason, by=by, since=self._tools.clock.now())
        self._tools.trail.add("held", service=service, by=by, reason=reason)
        await self._holding.put(self._site, made)
        return made

    async def release(self, service: str, *, by: str) -> bool:
        """Raises Unfinished, PreflightError."""
        if not await held(self._tools.bringer, self._site, service):
            return False
        self._tools.trail.add("released", service=service, by=by)
        await self._holding.remove(self._site, service)
        return True

    async def standing(self) -> Standing:
        """Asked now."""
        return await self._tools.bringer.reached(self._site)

    def _made(self, kind: JobKind, request: JobRequest, by: str, asked: Asked) -> Job:
        """Written down, and begun."""
        clock = self._tools.clock
        job = Job(id=self._tools.name(), kind=kind, request=request, by=by, created=clock.now())
        self._tools.trail.add(
            "asked",
            job=job.id,
            by=by,
            kind=kind,
            service=request.service_name,
            path=request.service_path,
            port=request.service_port,
            method=request.method,
            variables=" ".join(request.environment),
        )
        self._journal.add(job, asked)
        kept = self._journal.job(job.id) or job
        if not self._leaving:
            self._begin(kept)
        return kept

    def _begin(self, job: Job) -> None:
        work = Work(job=job, tools=self._tools, tell=partial(self._ring, job.id), leaves=lambda: self._leaving)
        self._live[job.id] = work
        self._group.start_soon(self._do, work)

    async def _do(self, work: Work) -> None:
        """What nobody thought of ends no other job. This one has not ended: it goes on at the next start."""
        try:
            await self._turn(work)
        except Exception:
            _log.error("job %s: %s", work.job.id, work.hidden(traceback.format_exc()))

    async def _turn(self, work: Work) -> None:
        """When it is its turn. It has ended before the next one of its service begins."""
        id, error = work.job.id, ""  # noqa: A001 - the word of the model
        async with contextlib.AsyncExitStack() as turn:
            with work.scope:
                service = work.job.request.service_name
                await turn.enter_async_context(self._queues.setdefault(service, anyio.Lock()))
                await turn.enter_async_context(self._limit)
                if self._leaving:
                    return
                error = await work.done()
            if work.scope.cancelled_caught:
                error = await work.cut()
            await work.end(error)
        self._placing.stale()
        self._forget(work.job.request.service_name)
        if (kept := self._journal.job(id)) and kept.status.ended:
            del self._live[id]
        self._ring(id)

    def _forget(self, service: str) -> None:
        """What nobody asks for any more; the trail keeps all of it."""
        with contextlib.suppress(Unfinished):  # there is another job to come, and the disk may be full
            self._journal.prune(service, remembered(self._tools.clock.now()))

    def _ring(self, id: str) -> None:  # noqa: A002 - the word of the model
        if bell := self._bells.pop(id, None):
            bell.set()

    async def _soon(self, service: str) -> Hold | None:
        """As far as hosts say so at once."""
        with anyio.move_on_after(_SOON), contextlib.suppress(ShipwaysError):
            return await held(self._tools.bringer, self._site, service)
        return None

    def _last(self, job: Job) -> None:
        """Raises Conflict where it is not the job that has brought what runs."""
        service = job.request.service_name
        found = next((each for each in self._journal.services() if each.request.service_name == service), job)
        waiting = [each.id for each in self._journal.unended() if each.request.service_name == service]
        if found.id != job.id or found.status is not JobStatus.COMPLETED or waiting:
            other = waiting[0] if waiting else found.id
            what = "has not ended" if other == job.id else "is not what runs"
            hint = f"see job {other}" if other != job.id else ""
            raise Conflict(Problem(path=job.id, what=what, hint=hint))


def _words(request: JobRequest, salt: str) -> str:
    """What makes two requests the same; slow on purpose, since short values could be guessed from it."""
    values = {name: value.open() for name, value in sorted(request.environment.items())}
    plain = {name: getattr(request, name) for name in JobRequest.__dataclass_fields__ if name != "environment"}
    said = json.dumps([plain, values], sort_keys=True).encode(errors="surrogatepass")
    return hashlib.scrypt(said, salt=salt.encode(), **_COST).hex()
