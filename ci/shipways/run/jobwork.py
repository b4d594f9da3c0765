"""One job while it is done: whatever ends it, what it says of itself is what runs."""

import contextlib
import traceback
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Final

import anyio

from shipways.errors import PreflightError, Problem, ShipwaysError, Transient, Unfinished
from shipways.model.event import Began, Event, Failed, Finished, Note, Printed, Started
from shipways.model.item import Item
from shipways.model.job import Job, JobKind, JobNews, JobPhase, JobStatus, PhaseName, PhaseStatus
from shipways.model.secret import telling
from shipways.outside.jobs import Requested
from shipways.outside.platforms import Site
from shipways.run.deploying import Crew, deploy, failure, undo
from shipways.run.jobholds import free
from shipways.run.jobtools import Tools, hidden, pieces, reaching, said
from shipways.run.keptmoves import Unsettled
from shipways.run.patience import TRIES, persist
from shipways.run.phases import Turns, host_of, phase_of
from shipways.run.returning import rollbacks

_LOUD: Final = 2000
"""How much of a job's log is kept: as many pieces, and letters of each."""
_RUNS: Final = 3
"""How often a job that was interrupted is begun before it is taken back."""


@dataclass(slots=True, kw_only=True)
class Work:
    """The job as it stands, for whoever asks; `tell` is called when there is news, `leaves` as in Crew.

    It is the `Console` port of its deployment.
    """

    job: Job
    tools: Tools
    tell: Callable[[], None]
    leaves: Callable[[], bool]
    scope: anyio.CancelScope = field(default_factory=anyio.CancelScope)
    _turns: Turns = field(init=False)
    _values: tuple[str, ...] = field(init=False, default=())
    _base: float = field(init=False)
    _begun: bool = field(init=False, default=False)
    _back: bool = field(init=False, default=False)
    _said: int = field(init=False, default=0)

    def __post_init__(self) -> None:
        clock, job = self.tools.clock, self.job
        times = (clock.now(), *(time for each in job.phases for time in (each.started, each.ended) if time))
        self._base = max(times) - clock.monotonic()
        self._turns = Turns(phases=job.phases)

    def cancel(self, why: str) -> None:
        """End it. Raises Unfinished where that cannot be written down, and then it goes on.

        One that was interrupted before, and waits for its turn, takes back what it moved when that comes.
        """
        self._put(replace(self.job, error=why))
        if self._begun or self.job.status is JobStatus.PENDING:
            self.scope.cancel()

    async def done(self) -> str:
        """Why it has failed; empty when all is as it should be. When it is cancelled what it moved has returned."""
        self._begun = True
        self.scope.deadline = anyio.current_time() + self.tools.timeout
        async with reaching(self.tools.site) as site:
            try:
                self._values = self._shown()
                return await self._done(site)
            except ShipwaysError as error:
                return self._unwell(error)
            except Exception as bug:  # one job must not end the others
                self._log(traceback.format_exc())
                return await self._undone(site, f"a bug in shipways: {type(bug).__name__}: {bug}")

    async def cut(self) -> str:
        """Why it has failed, when it was cancelled: what was moved returns, unless its deployment has seen to that."""
        error = self.job.error or f"took longer than {self.tools.timeout:g} s"
        if self.job.status is JobStatus.PENDING:
            return error
        async with reaching(self.tools.site) as site:
            return await self._undone(site, error)

    async def end(self, error: str) -> None:
        """Say so: on disk as soon as the disk takes it."""
        now, moves = self._now(), self.tools.journal.moves(self.job.request.service_name)
        if error and (left := moves.moved()):
            error += f"; could not be taken back: {', '.join(left)}, which the next deployment does"
        error = self.hidden(error)
        if error and any(each.status is not PhaseStatus.PENDING for each in self._turns.phases):
            self._turns.failed(PhaseName.VALIDATION, error, now)
        if not error:
            self._turns.complete(now)
        status = JobStatus.FAILED if error else JobStatus.COMPLETED
        await self._written(lambda: self._put(self.job, self._changed()))
        if not error:  # all phases have succeeded: whoever comes next sees by that that it is well
            await self._written(moves.settled)
        await self._written(lambda: self._mark("ended", status=status, error=error))
        ended = replace(self.job, status=status, ended=now, error=error, phases=self._turns.phases)
        await self._written(lambda: self._put(ended, status=status))
        self.job = ended

    def hidden(self, text: str) -> str:
        """A text as it may be told: without the values of the job."""
        return hidden(text, self._values)

    def emit(self, event: Event) -> None:
        """Phases and news. What cannot be written down is not told: the next item then is not begun either."""
        now = self._now()
        match event:
            case Began() if not self._back:
                self._turns.expect(event.steps, now)
            case Started():
                self._news("progress", f"{host_of(event.step)}: begins", phase_of(event.step))
            case Finished():
                words = "unchanged" if event.cached else f"{event.seconds:.1f} s"
                self._turns.finished(event.step, words, now)
            case Failed():
                told = Problem(what=event.reason, why=event.why)
                self._turns.failed(phase_of(event.step), said((told,), self._values), now)
            case Printed():
                for text in pieces(host_of(event.step), self.hidden(event.text), _LOUD):
                    self._news("progress", text, phase_of(event.step))
            case Note():
                self._log(event.text)
        with contextlib.suppress(Unfinished):
            self._put(self.job, self._changed())

    def print(self, text: str) -> None:
        """Nothing is printed for a job."""

    async def _done(self, site: Site) -> str:
        fresh = self.job.status is JobStatus.PENDING
        runs = sum((each.kind, each.text) == ("status", JobStatus.RUNNING) for each in self._told())
        self._mark("began")
        self._put(replace(self.job, status=JobStatus.RUNNING), status=JobStatus.RUNNING)
        if self._turns.through:
            return ""
        if self.job.error or self._turns.broken or runs >= _RUNS:
            return await self._undone(site, self.job.error or self._failed() or "was interrupted again and again")
        self._turns.begin(PhaseName.VALIDATION, self._now())
        self.emit(Note(text="looks at what is asked for"))
        if fresh:
            await self._free(site)
        found = await self._requested(site)
        release = _release(found.items)
        if self.job.release not in {"", release}:
            return await self._undone(site, "was interrupted, and what it was to bring has changed since")
        self._put(replace(self.job, release=release))
        await self._ready(site, found, again=not fresh)
        hosts = {host_of(item.id) for item in found.items}
        self._turns.end(PhaseName.VALIDATION, self._now(), f"{len(found.items)} items on {', '.join(sorted(hosts))}")
        outcome = await deploy(found.deployer, found.items, self._crew(site))
        url = next((row.url for row in reversed(outcome.rows) if row.url), "")
        self.job = replace(self.job, url=url, registration=found.registration())
        error = failure(outcome)
        return self._words(error) if error else ""

    async def _free(self, site: Site) -> None:
        """Raises Held. What was begun goes on to its end."""
        service, bringer = self.job.request.service_name, self.tools.bringer
        await persist(service, lambda: free(bringer, site, service), self, self.tools.clock)

    async def _requested(self, site: Site) -> Requested:
        request, bringer = self.job.request, self.tools.bringer
        if self.job.kind is JobKind.DEPLOY:
            values = self.tools.journal.values(self.job.id)
            return await bringer.requested(replace(request, environment=values), self)
        found = bringer.standing(request, self)
        items = found.deployer.items()
        running = await persist(
            found.deployer.name, lambda: found.deployer.observe(site, items), self, self.tools.clock
        )
        begun = self.tools.journal.moves(request.service_name).moved()
        before = {name: move.before for name, move in begun.items()}
        return replace(found, items=rollbacks(items, {**running, **before}))

    async def _ready(self, site: Site, found: Requested, *, again: bool) -> None:
        """Whether it can be done. What a killed process held on a host may be held for a moment more."""

        async def ask() -> Sequence[Problem]:
            problems = await found.deployer.preflight(site)
            if problems and again:
                raise Transient(problems[0])
            return problems

        if problems := await persist(found.deployer.name, ask, self, self.tools.clock):
            raise PreflightError(*problems)

    async def _undone(self, site: Site, error: str) -> str:
        """Take back what was moved; the error, with what could not be."""
        self._back = True
        moved = self.tools.journal.moves(self.job.request.service_name).moved()
        if moved:
            with anyio.CancelScope(shield=not self.leaves()):
                found = self.tools.bringer.standing(self.job.request, self)
                with contextlib.suppress(ShipwaysError), anyio.move_on_after(found.deployer.terms.back):
                    await self._ready(site, found, again=True)  # a host that is not keeps no other from returning
                outcome = await undo(found.deployer, found.deployer.items(), self._crew(site))
                if lost := failure(outcome):
                    return f"{error}; {self._words(lost)}"
        return f"{error}; what ran before runs"

    def _crew(self, site: Site) -> Crew:
        moves = Unsettled(self.tools.journal.moves(self.job.request.service_name))
        return Crew(site=site, console=self, clock=self.tools.clock, moves=moves, leaves=self.leaves)

    def _unwell(self, error: ShipwaysError) -> str:
        self._turns.failed(PhaseName.VALIDATION, self._words(error), self._now())
        return self._words(error)

    def _words(self, error: ShipwaysError) -> str:
        return said(error.problems, self._values)

    def _failed(self) -> str:
        return next((each.error for each in self._turns.phases if each.error), "")

    def _changed(self) -> Sequence[JobPhase]:
        return [new for new, old in zip(self._turns.phases, self.job.phases, strict=True) if new != old]

    def _told(self) -> Sequence[JobNews]:
        return self.tools.journal.news(self.job.id)

    def _shown(self) -> tuple[str, ...]:
        """What is hidden. One that waits has none: nothing is told of it, and values may be long."""
        return telling(value.open() for value in self.tools.journal.values(self.job.id).values())

    def _log(self, text: str) -> None:
        place = text.partition(": ")[0]
        self._news("log", text, phase_of(place) if place.count("/") > 1 else "")

    def _news(self, kind: str, text: str, phase: str) -> None:
        self._said += 1
        if self._said <= _LOUD:
            news = JobNews(number=0, time=self._now(), kind=kind, phase=phase, text=self.hidden(text)[:_LOUD])
            with contextlib.suppress(Unfinished):
                self.tools.journal.put(self.job, [news])
                self.tell()

    def _put(self, job: Job, changed: Sequence[JobPhase] = (), status: str = "") -> None:
        """The job with the phases of now; news of those that have changed, and of its status. Raises Unfinished."""
        now = self._now()
        news = [JobNews(number=0, time=now, kind="phase", phase=each.name, text=each.status) for each in changed]
        news += [JobNews(number=0, time=now, kind="status", text=status)] if status else []
        job = replace(job, phases=self._turns.phases)
        for each in changed:
            seconds = (each.ended or 0.0) - (each.started or 0.0) if each.ended else 0.0
            self._mark("phase", phase=each.name, status=each.status, seconds=round(seconds, 3), error=each.error)
        if job != self.job or news:
            self.tools.journal.put(job, news)
            self.job = job
            self.tell()

    def _mark(self, what: str, **said: str | float) -> None:
        self.tools.trail.add(what, job=self.job.id, service=self.job.request.service_name, **said)

    async def _written(self, act: Callable[[], None]) -> None:
        """A full disk may have room a little later; else the process that comes next looks again."""
        for tries in range(TRIES):
            with contextlib.suppress(Unfinished):
                act()
                return
            await self.tools.clock.sleep(2.0**tries)

    def _now(self) -> float:
        """By seconds that are measured, so that nobody who sets the clock changes how long something took."""
        return round(self._base + self.tools.clock.monotonic(), 3)


def _release(items: Sequence[Item]) -> str:
    """What runs in the end, by its digest."""
    return next((item.want for item in items if item.id.endswith("/switch")), items[0].want if items else "")
