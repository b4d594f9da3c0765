"""Jobs: killed at any moment, any number of times; afterwards what each says of itself is what runs."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

import anyio
from hypothesis import given, settings
from hypothesis import strategies as st

from aftermath import HOSTS, checked, request
from offices import SOURCES, MemoryBringer, digest, tools
from shipways.model.item import Item
from shipways.model.job import JobStatus
from shipways.run.jobs import Jobs
from shipways.testing.console import ManualClock
from shipways.testing.jobs import MemoryBook, MemoryJournal
from shipways.testing.place import Crash, Fault
from shipways.testing.platform import Platform

FOLDERS = ("one", "two", "three")


class Doom:
    """How many moments a process has; after the last nothing is done any more."""

    def __init__(self, moments: int) -> None:
        self._left = moments

    def over(self) -> bool:
        """Whether this one comes after the last."""
        self._left -= 1
        return self._left < 0

    def moment(self, what: str = "") -> None:
        """Go on, or die."""
        if self.over():
            raise Crash(what)

    def fault(self, item: Item) -> Fault:
        """An item is applied between two moments."""
        del item
        return next((each for each in (Fault.CRASH, Fault.CRASH_AFTER) if self.over()), Fault.NONE)


@dataclass
class MortalBook(MemoryBook):
    """A line is written, half of it, or none."""

    doom: Callable[[str], None] = lambda _: None

    def append(self, line: bytes) -> None:
        """In two pieces."""
        self.doom("line")
        self.text += line[:20]
        self.doom("half a line")
        self.text += line[20:]


@dataclass
class World:
    """What outlives a process."""

    journal: MemoryJournal = field(default_factory=MemoryJournal)
    book: MortalBook = field(default_factory=MortalBook)
    platform: Platform = field(default_factory=Platform)

    def live(self, doom: Doom, act: Callable[[Jobs], Awaitable[None]]) -> None:
        """A process, to its end: it does what is new, and all that there is."""
        self.journal.before = self.book.doom = doom.moment
        clock = ManualClock(1000.0)

        async def run() -> None:
            bringer = MemoryBringer(self.platform, clock, hosts=HOSTS, fault=doom.fault)
            async with Jobs(tools(bringer, self.journal, self.book, clock)).opened() as desk:
                await act(desk)
                for job in self.journal.unended():
                    async for _ in desk.follow(job.id):
                        pass

        try:
            anyio.run(run)
        except BaseExceptionGroup as group:
            assert group.split(Crash)[1] is None
        except Crash:
            pass

    folders: tuple[str, ...] = FOLDERS

    async def ask(self, desk: Jobs) -> None:
        """For each folder once."""
        known = {job.request.service_path for job in self.journal.jobs()}
        for folder in self.folders:
            if request(folder).service_path not in known:
                await desk.submit(request(folder), by="ann")

    def checked(self) -> None:
        """Everything is as it has to be."""
        self.journal.before = self.book.doom = lambda _: None
        checked(self.journal, self.book, self.platform, len(self.folders))
        assert {} == self.journal.secrets


MOMENTS = st.lists(st.integers(0, 120), max_size=4)
SICK = st.sets(st.sampled_from(FOLDERS))


@settings(max_examples=60, deadline=None)
@given(MOMENTS, SICK)
def test_killed_at_any_moment(moments: list[int], sick: set[str]) -> None:
    """F1: each job is finished or undone, nothing is applied twice, the trail is whole."""
    world = World()
    world.platform.sick = {("deploy.test/host-2/pulse/verify", digest(f"{SOURCES}/{folder}")) for folder in sick}
    for moment in moments:
        world.live(Doom(moment), world.ask)
    world.live(Doom(100_000), world.ask)
    world.checked()
    if not moments:
        ends = [job.status is JobStatus.FAILED for job in world.journal.jobs()[::-1]]
        assert [folder in sick for folder in FOLDERS] == ends


def test_killed_at_each_moment() -> None:
    """F1: once, at each write and before and after each apply of two deployments to two hosts."""
    moment = 0
    while True:
        world, doom = World(folders=FOLDERS[:2]), Doom(moment)
        world.live(doom, world.ask)
        over = doom.over()
        world.live(Doom(100_000), world.ask)
        world.checked()
        assert {JobStatus.COMPLETED} == {job.status for job in world.journal.jobs()}
        if not over:
            break
        moment += 1
    assert moment > 200


@settings(max_examples=10, deadline=None)
@given(st.integers(0, 6))
def test_asked_again_after_a_kill(moment: int) -> None:
    """F1: who has no answer asks again with the same key: it is one job, also when the first was written down."""
    world = World()

    async def asks(desk: Jobs) -> None:
        await desk.submit(request("one"), by="ann", key="k")

    world.live(Doom(moment), asks)
    world.live(Doom(100_000), asks)
    assert [JobStatus.COMPLETED] == [job.status for job in world.journal.jobs()]


@settings(max_examples=40, deadline=None)
@given(MOMENTS, st.integers(0, 12))
def test_cancelled_and_killed(moments: list[int], news: int) -> None:
    """F1: a job that somebody has cancelled is taken back, also when that is interrupted."""
    world = World()

    async def cancels(desk: Jobs) -> None:
        await world.ask(desk)
        last = world.journal.jobs()[0]
        async for each in desk.follow(last.id):
            if each.number > news:
                await desk.cancel(last.id, by="bob")
                return

    for moment in moments:
        world.live(Doom(moment), cancels)
    world.live(Doom(100_000), cancels)
    world.checked()
