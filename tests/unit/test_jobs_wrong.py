"""Jobs: ended early, and in a world that goes wrong."""

from collections.abc import Sequence
from dataclasses import replace

import anyio
import pytest

from aftermath import HOSTS, checked, request
from desks import CANARY
from offices import SOURCES, MemoryBringer, digest
from shipways.errors import ConfigError, Problem, Unfinished
from shipways.model.deployment import Running, Terms
from shipways.model.item import Item
from shipways.model.job import Job, JobNews, JobRequest, JobStatus, PhaseName, PhaseStatus
from shipways.outside.jobs import Requested
from shipways.outside.platforms import Site
from shipways.ports import Console
from shipways.run.jobs import Jobs
from shipways.testing.console import ManualClock
from shipways.testing.jobs import MemoryJournal
from shipways.testing.platform import PlatformDeployer
from shops import Shop, deployed, ended, left_at_verify


class JumpingClock(ManualClock):
    """Whoever asks for the time gets one that is a day later, or earlier; what is measured is right."""

    jumps = 0

    def now(self) -> float:
        """To and fro."""
        self.jumps += 1
        return 1_000_000.0 + 86_400.0 * (-1) ** self.jumps + self.monotonic()


def test_the_clock_jumps() -> None:
    """F22: phases take as long as they take, and jobs stay in their order."""
    shop = Shop(JumpingClock())

    async def play(desk: Jobs) -> None:
        jobs = [await deployed(desk, folder) for folder in ("one", "two", "three")]
        for job in jobs:
            times = [time for phase in job.phases for time in (phase.started, phase.ended) if time is not None]
            assert (12, sorted(times)) == (len(times), times)
            assert 5 > times[-1] - times[0]
        assert [job.id for job in jobs[::-1]] == [job.id for job in await desk.jobs()]

    shop.open(play)
    checked(shop.journal, shop.book, shop.platform, 3)


def test_closed_and_opened() -> None:
    """S2-03: F3, F31: our service is told to end: what runs stays as it is, and goes on when the service is back."""
    shop = Shop()
    left_at_verify(shop, "three")
    statuses = {JobStatus.COMPLETED: 1, JobStatus.RUNNING: 1, JobStatus.PENDING: 1}
    assert (statuses, 2) == (dict(shop.journal.tally()), len(shop.journal.secrets))
    assert digest(f"{SOURCES}/two") in shop.runs()
    shop.platform.sick.clear()

    async def later(desk: Jobs) -> None:
        for job in await desk.jobs():
            assert JobStatus.COMPLETED is (await ended(desk, job)).status

    shop.open(later)
    checked(shop.journal, shop.book, shop.platform, 3)


def test_takes_too_long() -> None:
    """S2-18: after its time a job is ended, and what ran before runs."""
    shop = Shop()
    shop.platform.sick = {("deploy.test/host-1/pulse/verify", digest(f"{SOURCES}/two"))}

    async def play(desk: Jobs) -> None:
        await deployed(desk, "one")
        shop.bringer.terms = Terms(wait=1e12, interval=1, watch=0)
        job = await deployed(desk, "two")
        assert (JobStatus.FAILED, PhaseStatus.FAILED) == (job.status, job.phases[4].status)
        assert job.error.startswith("took longer than 1 s")

    shop.timeout = 1.0
    shop.open(play)
    checked(shop.journal, shop.book, shop.platform, 2)


def test_a_bug_of_ours() -> None:
    """An exception that nobody thought of ends its job, which is taken back, and no other."""

    class Buggy(PlatformDeployer):
        async def apply(self, site: Site, item: Item, seen: Running, previous: str) -> str:
            if item.id.endswith("host-2/pulse/verify") and item.want == digest(f"{SOURCES}/two"):
                raise TypeError(CANARY)
            return await super().apply(site, item, seen, previous)

    shop = Shop()
    shop.bringer.deployer = Buggy

    async def play(desk: Jobs) -> None:
        jobs = [await deployed(desk, folder) for folder in ("one", "two", "three")]
        completed, failed = JobStatus.COMPLETED, JobStatus.FAILED
        assert [completed, failed, completed] == [job.status for job in jobs]
        assert "a bug in shipways: TypeError: ***" in jobs[1].error
        assert any("Traceback" in each.text for each in shop.journal.news(jobs[1].id))

    shop.open(play)
    checked(shop.journal, shop.book, shop.platform, 3)


def test_a_bug_at_the_end(caplog: pytest.LogCaptureFixture) -> None:
    """What nobody thought of while a job is written down ends no other: it is done when the deployer is back."""
    shop, broken = Shop(), anyio.Event()

    class Broken(MemoryJournal):
        def put(self, job: Job, news: Sequence[JobNews] = ()) -> None:
            if job.status.ended and job.request.service_name == "pulse":
                broken.set()
                raise ValueError(CANARY)
            super().put(job, news)

    shop.journal = Broken()

    async def play(desk: Jobs) -> None:
        job = await desk.submit(request("one"), by="ann")
        await broken.wait()
        other = await desk.submit(replace(request("two"), service_name="aegis"), by="ann")
        assert JobStatus.COMPLETED is (await ended(desk, other)).status
        assert (found := await desk.job(job.id))
        assert JobStatus.RUNNING is found.status
        assert ("ValueError: ***" in caplog.text, CANARY in caplog.text) == (True, False)

    async def later(desk: Jobs) -> None:
        assert JobStatus.COMPLETED is (await ended(desk, shop.journal.jobs(service="pulse")[0])).status

    shop.open(play)
    kept, shop.journal = shop.journal, MemoryJournal()
    for name in ("kept", "told", "secrets", "_seal"):
        setattr(shop.journal, name, getattr(kept, name))
    shop.open(later)


def test_a_name_that_is_no_text() -> None:
    """A reason with half a letter in it, as the name of a file may have, is told, and ends its job alone."""

    class Failing(MemoryBringer):
        async def requested(self, request: JobRequest, console: Console) -> Requested:
            raise ConfigError(Problem(path="service_path", what="\udcff cannot be read", why="\ud800"))

    shop = Shop()
    shop.bringer = Failing(shop.platform, shop.clock, hosts=HOSTS)

    async def play(desk: Jobs) -> None:
        job = await deployed(desk, "one")
        assert (JobStatus.FAILED, "service_path: ? cannot be read: ?") == (job.status, job.error)
        (phase,) = (each for each in job.phases if each.error)
        assert job.error == phase.error

    shop.open(play)


def test_what_is_said_of_a_failure() -> None:
    """Where it was, what failed, and why: the end of what was printed, with no value in it, not even a part of one."""
    printed = "a line that nobody needs\n" * 100 + CANARY + "x" * 990 + "\nno such package"

    class Failing(PlatformDeployer):
        async def apply(self, site: Site, item: Item, seen: Running, previous: str) -> str:
            if item.id.endswith("host-2/pulse/start"):
                raise Unfinished(Problem(path="sh", what="ended with status 2", why=printed))
            return await super().apply(site, item, seen, previous)

    shop = Shop()
    shop.bringer.deployer = Failing

    async def play(desk: Jobs) -> None:
        job = await deployed(desk, "one")
        assert "deploy.test/host-2/pulse/start: sh: ended with status 2: … " in job.error
        phase = next(each for each in job.phases if each.status is PhaseStatus.FAILED)
        assert (PhaseName.START, "ended with status 2: … ") == (phase.name, phase.error[:23])
        for text in (job.error, phase.error):
            assert text.endswith("no such package")
            assert (True, False, False) == (len(text) < 1200, CANARY[-3:] in text, "nobody needs" in text)

    shop.open(play)


@pytest.mark.parametrize("left", range(0, 110, 3))
def test_the_disk_gets_full(left: int) -> None:
    """F8: from any moment on nothing can be written: what a job says is what runs, also when there is room again."""
    shop = Shop()
    moments = left

    def full(what: str) -> None:
        nonlocal moments
        moments -= 1
        if moments < 0:
            raise Unfinished(Problem(path=what, what="the disk is full"))

    async def play(desk: Jobs) -> None:
        await deployed(desk, "one")
        shop.journal.before = full
        try:
            job = await deployed(desk, "two")
        except Unfinished:
            return
        runs = {digest(f"{SOURCES}/{'two' if job.status is JobStatus.COMPLETED else 'one'}")}
        assert (True, runs) == (job.status.ended, shop.runs())

    async def later(desk: Jobs) -> None:
        for job in await desk.jobs():
            await ended(desk, job)

    shop.open(play)
    shop.journal.before = lambda _: None
    shop.open(later)
    checked(shop.journal, shop.book, shop.platform, len(shop.journal.jobs()))


def test_the_source_has_changed_since() -> None:
    """F11: a job was interrupted, and its folder is another when it goes on: it is taken back."""
    shop = Shop()
    left_at_verify(shop)

    class Changed(MemoryBringer):
        async def requested(self, request: JobRequest, console: Console) -> Requested:
            return await super().requested(replace(request, service_path=f"{SOURCES}/other"), console)

    async def later(desk: Jobs) -> None:
        (job, *_) = await desk.jobs()
        job = await ended(desk, job)
        assert (JobStatus.FAILED, True) == (job.status, "has changed since" in job.error)

    shop.bringer = Changed(shop.platform, shop.clock, hosts=HOSTS)
    shop.open(later)
    checked(shop.journal, shop.book, shop.platform, 2)
