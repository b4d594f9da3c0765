"""Several engines as one: each job goes to the least loaded that lives; one that dies gives its jobs to the others."""

import contextlib
import itertools
import re
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Final, Protocol

import anyio
from anyio.abc import TaskGroup

from shipways.adapters.dagger.jobs import Answer, Job
from shipways.errors import BuildError, PreflightError, Problem, first

_OLDEST: Final = (0, 19, 0)
"""The oldest engine that speaks as the SDK does: older ones the CLI refuses too, if it is not as old itself."""
_BROKE: Final = "its connection broke"


class Worker(Protocol):
    """One engine, by a connection of its own."""

    async def start(self, group: TaskGroup) -> Answer:
        """Connect, with tasks in `group` until it is closed.

        The answer is `done` with the engine's version, or `lost` with the reason.
        """
        ...

    async def do(self, number: int, job: Job) -> Answer:
        """Do a job. When this is cancelled, so is the job."""
        ...

    async def close(self) -> None:
        """Disconnect; jobs that still run are cancelled."""
        ...


@dataclass(slots=True, kw_only=True, eq=False)
class _Runner:
    """An engine and what the pool knows of it. `gone` is why it takes no jobs any more."""

    address: str
    worker: Worker
    busy: int = 0
    seen: set[str] = field(default_factory=set)
    connected: bool = False
    gone: str = ""
    connecting: anyio.Lock = field(default_factory=anyio.Lock)

    def load(self, affinity: str) -> int:
        """How many jobs it has; having done such a job before is worth one."""
        return self.busy - (affinity in self.seen)


class Pool:
    """The engines of one run. `tell` gets a sentence when one of several is gone."""

    def __init__(self, workers: Sequence[tuple[str, Worker]], group: TaskGroup, tell: Callable[[str], None]) -> None:
        self._runners = [_Runner(address=address, worker=worker) for address, worker in workers]
        self._group = group
        self._tell = tell
        self._numbers = itertools.count(1)

    async def do(self, job: Job) -> Answer:
        """The answer of an engine, `done`, `failed` or `refused`.

        Raises PreflightError when none could be reached, BuildError when none is left.
        """
        while True:
            runner = self._choose(job.affinity)
            runner.busy += 1
            try:
                if not await self._connected(runner):
                    continue
                runner.seen.add(job.affinity)
                answer = await runner.worker.do(next(self._numbers), job)
            finally:
                runner.busy -= 1
            if answer.state != "lost":
                return answer
            self._lose(runner, answer.text)

    def _choose(self, affinity: str) -> _Runner:
        living = [runner for runner in self._runners if not runner.gone]
        if living:
            return min(living, key=lambda runner: runner.load(affinity))
        problems = [Problem(path=_named(r.address), what="is gone", why=r.gone) for r in self._runners]
        if any(runner.connected for runner in self._runners):
            again = "start it, and run the same command again: what was made is kept"
            raise BuildError(*(replace(problem, hint=again) for problem in problems))
        hint = "start it, or build with the tools of this machine: `--engine host`"
        raise PreflightError(*(replace(problem, what="cannot be used", hint=hint) for problem in problems))

    async def _connected(self, runner: _Runner) -> bool:
        """Whether it is there, after connecting if nobody did before."""
        async with runner.connecting:
            if not runner.connected and not runner.gone:
                answer = await runner.worker.start(self._group)
                why = _too_old(answer.text) if answer.state == "done" else answer.text or _BROKE
                if why:
                    self._lose(runner, why)
                runner.connected = not why
        return not runner.gone

    def _lose(self, runner: _Runner, why: str) -> None:
        if not runner.gone:
            runner.gone = why or _BROKE
            if any(not other.gone for other in self._runners):
                self._tell(f"{_named(runner.address)} is gone ({runner.gone.splitlines()[0]}); its steps run elsewhere")

    async def close(self) -> None:
        """Disconnect from all of them."""
        for runner in self._runners:
            await runner.worker.close()


@contextlib.asynccontextmanager
async def opened(workers: Sequence[tuple[str, Worker]], tell: Callable[[str], None]) -> AsyncIterator[Pool]:
    """A pool that connects when it gets its first job."""
    try:
        async with anyio.create_task_group() as group:
            pool = Pool(workers, group, tell)
            try:
                yield pool
            finally:
                with anyio.CancelScope(shield=True):
                    await pool.close()
                group.cancel_scope.cancel()
    except BaseExceptionGroup as failures:
        raise first(failures) from None


def _named(address: str) -> str:
    return f"the Dagger engine {address}" if address else "the Dagger engine"


def _too_old(version: str) -> str:
    """Why an engine of this version cannot be used; empty when it can, or when its version is none (an own build)."""
    found = re.match(r"v?(\d+)\.(\d+)\.(\d+)", version)
    if found is None or tuple(map(int, found.groups())) >= _OLDEST:
        return ""
    return f"it is {version}, and shipways needs {'.'.join(map(str, _OLDEST))} or newer"
