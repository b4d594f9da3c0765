"""Jobs: many at once, and what is told of them."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace

import anyio
import pytest

from aftermath import checked, request
from offices import SOURCES, MemoryBringer, digest
from shipways.errors import ConfigError, Conflict, Held
from shipways.model.deployment import Terms
from shipways.model.event import Printed
from shipways.model.job import JobNews, JobRequest, JobStatus, PhaseName, PhaseStatus
from shipways.model.secret import Secret
from shipways.outside.jobs import Requested
from shipways.ports import Console
from shipways.run.jobs import Jobs
from shipways.run.trail import Trail
from shipways.testing.console import ManualClock
from shipways.testing.jobs import MemoryBook, MemoryJournal
from shops import Shop, deployed, ended


def test_twenty_at_once() -> None:
    """F15: twenty deployments of a service at once are done in their order, one after the other."""
    shop = Shop()

    async def play(desk: Jobs) -> None:
        jobs = [await desk.submit(request(f"folder-{number % 7}"), by="ann") for number in range(20)]
        assert [JobStatus.COMPLETED] * 20 == [(await ended(desk, job)).status for job in jobs]

    shop.open(play)
    checked(shop.journal, shop.book, shop.platform, 20)
    turns = [
        (line["what"], line["job"]) for line in map(json.loads, shop.book.lines()) if line["what"] in {"began", "ended"}
    ]
    names = [job.id for job in shop.journal.jobs()[::-1]]
    assert [(what, name) for name in names for what in ("began", "ended")] == turns


def test_services_at_once() -> None:
    """F15: different services do not wait for each other, also on the same hosts, as long as there is room for them.

    Those of one service do.
    """
    shop = Shop()

    async def play(desk: Jobs) -> None:
        shop.bringer.open = anyio.Event()
        for number in range(12):
            await desk.submit(replace(request("one"), service_name=f"service-{number // 2}"), by="ann")
        await anyio.wait_all_tasks_blocked()
        running = [job.request.service_name for job in await desk.jobs() if job.status is JobStatus.RUNNING]
        assert (4, 4) == (len(running), len(set(running)))
        shop.bringer.open.set()
        for job in await desk.jobs():
            assert JobStatus.COMPLETED is (await ended(desk, job)).status

    shop.open(play)
    lines = [json.loads(line) for line in shop.book.lines()]
    for service in {job.request.service_name for job in shop.journal.jobs()}:
        names = {job.id for job in shop.journal.jobs(service=service)}
        turns = [line["what"] for line in lines if line["what"] in {"began", "ended"} and line["job"] in names]
        assert ["began", "ended", "began", "ended"] == turns


def test_a_rollback_between() -> None:
    """F15: a rollback that is asked for while a deployment runs is refused; the deployment ends as it would."""
    shop = Shop()

    async def play(desk: Jobs) -> None:
        first, second = await deployed(desk, "one"), await deployed(desk, "two")
        third = await desk.submit(request("three"), by="ann")
        for job in (first, second, third):
            with pytest.raises(Conflict, match=r"is not what runs|has not ended"):
                await desk.rollback(job.id, by="bob")
        back = await ended(desk, await desk.rollback((await ended(desk, third)).id, by="bob"))
        assert (JobStatus.COMPLETED, second.release) == (back.status, back.release)

    shop.open(play)
    assert {digest(f"{SOURCES}/two")} == shop.runs()


class Talking(MemoryBringer):
    """It tells of what it does."""

    lines: Sequence[str] = ()

    async def requested(self, request: JobRequest, console: Console) -> Requested:
        """So many lines."""
        made = await super().requested(request, console)
        for line in self.lines:
            console.emit(Printed(step=made.items[0].id, text=line))
        return made


def test_a_flood() -> None:
    """F24: of what is printed without an end some is kept."""
    shop = Shop()
    shop.bringer = Talking(shop.platform, shop.clock)
    shop.bringer.lines = ["x" * 10_000] * 5_000

    async def play(desk: Jobs) -> None:
        job = await deployed(desk, "one")
        told = shop.journal.news(job.id)
        assert JobStatus.COMPLETED is job.status
        assert 2_500 > len(told)
        assert 2_000 == max(len(each.text) for each in told)

    shop.open(play)


def test_a_slow_follower() -> None:
    """F24: who follows has all of it in order, and no more than a part of it in memory."""
    shop, read = Shop(), []

    class Watched(MemoryJournal):
        def news(self, id: str, after: int = 0, limit: int | None = None) -> Sequence[JobNews]:  # noqa: A002 - likewise
            found = super().news(id, after, limit)
            read.append(len(found))
            return found

    shop.journal = Watched()
    shop.bringer = Talking(shop.platform, shop.clock)
    shop.bringer.lines = [str(number) for number in range(1_000)]

    async def play(desk: Jobs) -> None:
        job = await deployed(desk, "one")
        read.clear()
        numbers = [each.number async for each in desk.follow(job.id)]
        assert 1_000 < len(numbers)
        assert list(range(1, len(numbers) + 1)) == numbers
        assert (100, 0) == (max(read), read[-1])

    shop.open(play)


def test_what_a_host_prints() -> None:
    """Its lines are told with the host, as many at once as one piece of news has room for, and none is torn."""
    shop = Shop()
    shop.bringer = Talking(shop.platform, shop.clock)
    shop.bringer.lines = ["\n".join(f"line {number:04}" for number in range(300)), ""]

    async def play(desk: Jobs) -> None:
        job = await deployed(desk, "one")
        told = [each.text for each in shop.journal.news(job.id) if "line" in each.text]
        assert [f"host-1: line {number:04}" for number in range(300)] == "\n".join(told).splitlines()
        assert [True, True, True] == [1_900 < len(each) <= 2_000 or each is told[-1] for each in told]

    shop.open(play)


@pytest.mark.parametrize(
    ("value", "shown"),
    [("canary\nwith a second line", "with a second line"), ("c*n.[ry", "c*n.[ry"), ("kan\u00e4rie", "kan\u00e4rie")],
)
def test_values_are_hidden(value: str, shown: str) -> None:
    """What a build prints of a variable is hidden, its lines one by one."""
    shop = Shop()
    shop.bringer = Talking(shop.platform, shop.clock)
    shop.bringer.lines = [f"+ export KEY={value}", f"  {shown}  "]

    async def play(desk: Jobs) -> None:
        job = await ended(desk, await desk.submit(replace(request("one"), environment={"KEY": Secret(value)}), by="a"))
        told = repr((job, shop.journal.news(job.id)))
        assert (True, False, False) == ("export KEY=***" in told, value in told, shown in told)

    shop.open(play)


def test_old_jobs_are_forgotten() -> None:
    """After a year, but for those that a rollback goes by; the trail has all, and is whole."""
    shop = Shop()
    clock = shop.clock
    assert isinstance(clock, ManualClock)

    async def play(desk: Jobs) -> None:
        for folder in ("one", "two", "one"):
            await deployed(desk, folder)
        clock.advance(400 * 86400)
        last = (await desk.jobs())[0]
        assert ["job-000003"] == [(await ended(desk, last)).id]
        await deployed(desk, "two")
        assert ["job-000004"] == [job.id for job in await desk.jobs()]

    shop.open(play)
    whole = Trail(shop.book, shop.journal, clock).verify()
    assert (4, whole) == (sum(b'"asked"' in line for line in shop.book.lines()), len([*shop.book.lines()]))


def test_held_while_it_waits() -> None:
    """What is held when its turn comes does not begin, and says why."""
    shop = Shop()

    async def play(desk: Jobs) -> None:
        shop.bringer.open = anyio.Event()
        first, second = [await desk.submit(request(folder), by="ann") for folder in ("one", "two")]
        await anyio.wait_all_tasks_blocked()
        await desk.hold("pulse", reason="the audit", by="eve")
        shop.bringer.open.set()
        assert JobStatus.COMPLETED is (await ended(desk, first)).status
        waited = await ended(desk, second)
        assert (JobStatus.FAILED, True) == (waited.status, "is held by eve" in waited.error)
        with pytest.raises(Held, match="the audit"):
            await desk.submit(request("three"), by="ann")

    shop.open(play)
    what = [line["what"] for line in map(json.loads, shop.book.lines())]
    assert 1 == what.count("held")


def test_so_many_wait() -> None:
    """F15: of one service fifty jobs, and no more: others have room; what a key has asked for before is known."""
    shop = Shop()

    async def play(desk: Jobs) -> None:
        shop.bringer.open = anyio.Event()
        jobs = [await desk.submit(request("one"), by="ann", key="k" if number == 3 else "") for number in range(50)]
        with pytest.raises(Conflict, match="pulse: 50 jobs of it have not ended"):
            await desk.submit(request("one"), by="ann")
        assert jobs[3].id == (await desk.submit(request("one"), by="ann", key="k")).id
        await desk.submit(replace(request("one"), service_name="aegis"), by="ann")
        await desk.cancel(jobs[7].id, by="ann")
        await ended(desk, jobs[7])
        await desk.submit(request("one"), by="ann")
        shop.bringer.open.set()

    shop.open(play)


def test_values_of_those_that_wait() -> None:
    """They are read when a job begins, each line once; those that wait take no room."""
    shop, read = Shop(), []

    class Watched(MemoryJournal):
        def values(self, id: str) -> Mapping[str, Secret]:  # noqa: A002 - the word of the model
            read.append(id)
            return super().values(id)

    shop.journal = Watched()

    async def play(desk: Jobs) -> None:
        shop.bringer.open = anyio.Event()
        many = replace(request("one"), environment={"KEY": Secret("aaaa\n" * 1000)})
        jobs = [await desk.submit(many, by="ann") for _ in range(2)]
        await anyio.wait_all_tasks_blocked()
        assert {jobs[0].id} == set(read)
        assert ("aaaa\n" * 1000, "aaaa") == desk._live[jobs[0].id]._values
        shop.bringer.open.set()
        await ended(desk, jobs[1])

    shop.open(play)


def test_a_bad_request_is_nowhere() -> None:
    """S2-02: neither in the journal nor in the trail."""
    shop = Shop()

    async def play(desk: Jobs) -> None:
        with pytest.raises(ConfigError, match="service_path"):
            await desk.submit(replace(request("one"), service_path="/etc"), by="ann")

    shop.open(play)
    assert ((), []) == (shop.journal.jobs(), [*shop.book.lines()])


def figures(book: MemoryBook) -> Mapping[str, float]:
    """The seconds of each phase, by the trail."""
    lines = [json.loads(line) for line in book.lines()]
    return {each["phase"]: each["seconds"] for each in lines if each.get("status") == PhaseStatus.SUCCESS}


def test_phase_timings() -> None:
    """S2-21: the trail says how long each phase took."""
    shop = Shop()
    shop.platform.sick = {("deploy.test/host-2/pulse/verify", digest(f"{SOURCES}/one"))}
    shop.bringer.terms = Terms(wait=100, interval=1, watch=0)
    begin = shop.clock.monotonic()
    sleep = shop.clock.sleep

    async def heals(seconds: float) -> None:
        await sleep(seconds)
        if shop.clock.monotonic() - begin > 9.5:
            shop.platform.sick.clear()

    shop.clock.sleep = heals  # type: ignore[method-assign] # it heals as time goes by

    async def play(desk: Jobs) -> None:
        assert JobStatus.COMPLETED is (await deployed(desk, "one")).status

    shop.open(play)
    assert {**dict.fromkeys(PhaseName, 0.0), PhaseName.VERIFY: 10.0} == figures(shop.book)
