"""Several engines as one: who gets a job, and what happens when one is gone."""

from collections.abc import Awaitable, Callable, Mapping

import anyio
import anyio.lowlevel
import pytest
from anyio.abc import TaskGroup

from shipways.adapters.dagger.jobs import Answer, Ground, Job
from shipways.adapters.dagger.pool import Pool, opened
from shipways.errors import BuildError, PreflightError

DONE = Answer(number=0, state="done", text="v0.20.0")


class Scripted:
    """A worker without an engine. Jobs wait for `let_go`; once it is dead, they are lost."""

    def __init__(self, hello: Answer = DONE, *, answer: Answer = DONE) -> None:
        self._hello = hello
        self._answer = answer
        self.let_go = anyio.Event()
        self.jobs: list[Job] = []
        self.began = self.cancelled = self.closed = 0

    async def start(self, group: TaskGroup) -> Answer:
        """Connect."""
        del group
        self.began += 1
        await anyio.lowlevel.checkpoint()
        return self._hello

    async def do(self, number: int, job: Job) -> Answer:
        """Do a job, or lose it."""
        del number
        self.jobs.append(job)
        try:
            await self.let_go.wait()
        except anyio.get_cancelled_exc_class():
            self.cancelled += 1
            raise
        return self._answer

    async def close(self) -> None:
        """Disconnect."""
        self.closed += 1

    def dies(self) -> None:
        """Every job of it is lost from now on."""
        self._answer = Answer(number=0, state="lost", text="it died\nslowly")
        self.let_go.set()


def job(affinity: str = "") -> Job:
    return Job(ground=Ground(image="x"), command=("true",), affinity=affinity)


def ready() -> Scripted:
    """A worker that answers at once."""
    worker = Scripted()
    worker.let_go.set()
    return worker


def run(workers: Mapping[str, Scripted], story: Callable[[Pool, TaskGroup], Awaitable[None]]) -> list[str]:
    """What a pool of these told while the story went on."""
    told: list[str] = []

    async def go() -> None:
        async with opened(list(workers.items()), told.append) as pool, anyio.create_task_group() as group:
            await story(pool, group)

    anyio.run(go)
    return told


def test_least_loaded() -> None:
    """Jobs that run at the same time are spread evenly."""
    one, two = Scripted(), Scripted()

    async def story(pool: Pool, group: TaskGroup) -> None:
        for _ in range(4):
            group.start_soon(pool.do, job())
            await anyio.wait_all_tasks_blocked()
        one.let_go.set()
        two.let_go.set()

    assert [] == run({"one": one, "two": two}, story)
    assert (2, 2) == (len(one.jobs), len(two.jobs))
    assert (1, 1) == (one.closed, two.closed)


def test_same_caches_same_engine() -> None:
    """A job goes where its caches are, as long as that engine is not busier."""
    one, two = ready(), ready()

    async def story(pool: Pool, group: TaskGroup) -> None:
        one.let_go = anyio.Event()
        group.start_soon(pool.do, job("a"))
        await anyio.wait_all_tasks_blocked()
        await pool.do(job("b"))
        one.let_go.set()
        await anyio.wait_all_tasks_blocked()
        await pool.do(job("b"))
        await pool.do(job("a"))

    run({"one": one, "two": two}, story)
    assert (["a", "a"], ["b", "b"]) == ([j.affinity for j in one.jobs], [j.affinity for j in two.jobs])


def test_engine_that_dies_gives_its_jobs_away() -> None:
    """They run elsewhere, which is told once, with its address and the first line of the reason."""
    one, two = Scripted(), ready()
    answers: list[Answer] = []

    async def story(pool: Pool, group: TaskGroup) -> None:
        two.let_go = anyio.Event()

        async def ask() -> None:
            answers.append(await pool.do(job()))

        for _ in range(4):
            group.start_soon(ask)
            await anyio.wait_all_tasks_blocked()
        one.dies()
        await anyio.wait_all_tasks_blocked()
        two.let_go.set()

    told = run({"tcp://one:1": one, "tcp://two:2": two}, story)
    assert ["the Dagger engine tcp://one:1 is gone (it died); its steps run elsewhere"] == told
    assert [DONE] * 4 == answers
    assert (2, 4) == (len(one.jobs), len(two.jobs))


def test_none_left() -> None:
    """When the last one dies in the middle, the step fails, and each engine is named with its reason."""
    workers = {"tcp://one:1": Scripted(), "tcp://two:2": Scripted()}

    async def story(pool: Pool, group: TaskGroup) -> None:
        del group
        for worker in workers.values():
            worker.dies()
        await pool.do(job())

    with pytest.raises(BuildError) as caught:
        run(workers, story)
    expected = ["the Dagger engine tcp://one:1: is gone", "the Dagger engine tcp://two:2: is gone"]
    assert expected == [f"{problem.path}: {problem.what}" for problem in caught.value.problems]
    assert {"it died\nslowly"} == {problem.why for problem in caught.value.problems}


LOST = Answer(number=0, state="lost", text="nobody listens")


def test_never_reached() -> None:
    """When none could be reached, nothing was built: that is no failed step."""
    with pytest.raises(PreflightError, match="the Dagger engine tcp://one:1: cannot be used\n  why: nobody listens"):
        run({"tcp://one:1": Scripted(LOST)}, asking)


async def asking(pool: Pool, group: TaskGroup) -> None:
    """One job."""
    del group
    await pool.do(job())


def test_one_of_two_never_reached() -> None:
    """The other one does everything; nobody tries to connect again."""
    one, two = Scripted(LOST), ready()

    async def story(pool: Pool, group: TaskGroup) -> None:
        del group
        for _ in range(2):
            await pool.do(job())

    told = run({"one": one, "two": two}, story)
    assert ["the Dagger engine one is gone (nobody listens); its steps run elsewhere"] == told
    assert (1, 0, 2) == (one.began, len(one.jobs), len(two.jobs))


@pytest.mark.parametrize("version", ["v0.18.19", "0.9.0"])
def test_engine_that_is_too_old(version: str) -> None:
    """An old CLI lets one through: it gets no job, and the version it needs is told."""
    old = Scripted(Answer(number=0, state="done", text=version))
    with pytest.raises(PreflightError, match=f"it is {version}, and shipways needs 0.19.0 or newer"):
        run({"one": old}, asking)
    assert [] == old.jobs


@pytest.mark.parametrize("version", ["v0.19.0", "v0.20.1-20260301-dev-0a1b2c", "v1.0.0", "own build"])
def test_engine_that_is_new_enough(version: str) -> None:
    """A version that is none is one's own build, whose owner knows what it is."""
    worker = Scripted(Answer(number=0, state="done", text=version))
    worker.let_go.set()
    run({"one": worker}, asking)
    assert 1 == len(worker.jobs)


def test_connected_once() -> None:
    """Jobs that come at the same time share a connection, and nothing connects before the first job."""
    worker = Scripted()

    async def story(pool: Pool, group: TaskGroup) -> None:
        assert 0 == worker.began
        for _ in range(3):
            group.start_soon(pool.do, job())
        await anyio.wait_all_tasks_blocked()
        worker.let_go.set()

    run({"": worker}, story)
    assert (1, 3) == (worker.began, len(worker.jobs))


def test_cancelled_job() -> None:
    """Its worker is told, and the engine is free for the next one."""
    one, two = Scripted(), Scripted()

    async def story(pool: Pool, group: TaskGroup) -> None:
        del group
        async with anyio.create_task_group() as jobs:
            jobs.start_soon(pool.do, job())
            await anyio.wait_all_tasks_blocked()
            jobs.cancel_scope.cancel()
        one.let_go.set()
        await pool.do(job())

    run({"one": one, "two": two}, story)
    assert (1, 2, 0) == (one.cancelled, len(one.jobs), len(two.jobs))
