"""Where a desk of jobs is opened, as often as wanted, over the same platform in memory."""

from collections.abc import Awaitable, Callable

import anyio

from aftermath import HOSTS, request
from offices import SOURCES, MemoryBringer, digest, tools
from shipways.model.deployment import Terms
from shipways.model.job import Job, PhaseName, PhaseStatus
from shipways.ports import Clock
from shipways.run.jobs import Jobs
from shipways.testing.console import ManualClock
from shipways.testing.jobs import MemoryBook, MemoryJournal
from shipways.testing.platform import Platform


class Shop:
    """A platform, a journal and a trail, at which a desk is opened, as often as wanted."""

    def __init__(self, clock: Clock | None = None) -> None:
        self.clock = clock or ManualClock(1000.0)
        self.journal, self.book, self.platform = MemoryJournal(), MemoryBook(), Platform()
        self.bringer = MemoryBringer(self.platform, self.clock, hosts=HOSTS)
        self.timeout = 60.0

    def open(self, act: Callable[[Jobs], Awaitable[None]]) -> None:
        """As long as it acts."""

        async def run() -> None:
            made = tools(self.bringer, self.journal, self.book, self.clock, timeout=self.timeout)
            with anyio.fail_after(20):
                async with Jobs(made).opened() as desk:
                    await act(desk)

        anyio.run(run)

    def runs(self) -> set[str]:
        """The digests that run."""
        return {running.digest for running in self.platform.running.values()}


async def ended(desk: Jobs, job: Job | None) -> Job:
    """When it has."""
    assert job
    async for _ in desk.follow(job.id):
        pass
    found = await desk.job(job.id)
    assert found
    return found


async def deployed(desk: Jobs, folder: str) -> Job:
    """By a job that has ended."""
    return await ended(desk, await desk.submit(request(folder), by="ann"))


def left_at_verify(shop: Shop, *waiting: str) -> None:
    """One is deployed; two waits for ever at verify of host-2, `waiting` for their turn; there the desk is left.

    The host stays sick until the test makes it well.
    """
    shop.platform.sick = {("deploy.test/host-2/pulse/verify", digest(f"{SOURCES}/two"))}

    async def play(desk: Jobs) -> None:
        await deployed(desk, "one")
        shop.bringer.terms = Terms(wait=1e12, interval=1, watch=0)
        job = await desk.submit(request("two"), by="ann")
        for folder in waiting:
            await desk.submit(request(folder), by="ann")
        async for news in desk.follow(job.id):
            if (news.phase, news.text) == (PhaseName.VERIFY, PhaseStatus.RUNNING):
                return
        raise AssertionError("two has ended")

    shop.open(play)
