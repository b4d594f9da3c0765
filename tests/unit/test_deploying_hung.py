"""Deploy: a host that hangs while what ran before comes back holds up nobody for ever, and the next run goes on."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import anyio
import pytest

from aftermath import HOSTS, checked, request
from offices import SOURCES, digest
from platforming import AGENT, ALL, INDEX, OLD, PAGE, Run, digests
from shipways.errors import Problem, Transient
from shipways.model.deployment import Move, Running, Terms
from shipways.model.item import Item
from shipways.model.job import JobStatus
from shipways.outside.platforms import Site
from shipways.run.deploying import failure
from shipways.run.jobs import Jobs
from shipways.testing.moves import MemoryMoves
from shipways.testing.platform import Platform, PlatformDeployer
from shops import Shop, deployed, ended

HASTY = Terms(wait=3, interval=1, watch=0, back=0.5)


@dataclass(slots=True)
class Stuck(Platform):
    """What is applied for ever: a part of the name of items, and what they are to become. Who does not say what runs:

    a part of the name of items, too; it says nothing at all, or (`refuses`) that it cannot.
    """

    applied: tuple[str, str] = ("", "")
    asked: str = ""
    refuses: bool = False


class Hanging(PlatformDeployer):
    """The deployer of such a platform."""

    platform: Stuck

    async def apply(self, site: Site, item: Item, seen: Running, previous: str) -> str:
        """Perhaps for ever."""
        part, want = self.platform.applied
        if part and part in item.id and want == item.want:
            await anyio.sleep_forever()
        return await super().apply(site, item, seen, previous)

    async def observe(self, site: Site, items: Sequence[Item]) -> Mapping[str, Running]:
        """All of them, or nothing."""
        if self.platform.asked and any(self.platform.asked in item.id for item in items):
            if self.platform.refuses:
                raise Transient(Problem(path=self.platform.asked, what="does not answer"))
            await anyio.sleep_forever()
        return await super().observe(site, items)


def run(platform: Stuck, moves: MemoryMoves) -> Run:
    """One that gives up after a moment."""
    made = Run(platform, terms=HASTY)
    made.deployer, made.moves = Hanging(platform, ALL, terms=HASTY), moves
    return made


def test_one_hangs_on_its_way_back() -> None:
    """The others return, it is said which one did not and for how long it had; the next run takes it back."""
    platform, moves = Stuck(running=dict(OLD), sick={(PAGE.id, "new")}, applied=(AGENT.id, "old")), MemoryMoves()
    error = failure(run(platform, moves)())
    assert f"{AGENT.id}: could not return to old\n  why: it was not done in 0.5 s" in str(error)
    assert {INDEX.id: "old", AGENT.id: "new", PAGE.id: "old"} == digests(platform)
    assert [AGENT.id] == list(moves.kept)
    platform.applied = ("", "")
    assert failure(run(platform, moves).undo()) is None
    assert (dict.fromkeys(OLD, "old"), {}) == (digests(platform), moves.kept)


@pytest.mark.parametrize("refuses", [False, True])
def test_one_that_cannot_be_asked(*, refuses: bool) -> None:
    """F1: after a kill it keeps no other one from being taken back, whether it hangs or does not answer."""
    platform, moves = Stuck(running=dict(OLD), asked=AGENT.id, refuses=refuses), MemoryMoves()
    for item in ALL:
        platform.put(item.id, "new", "old")
        moves.move(item.id, Move(want="new", before=OLD[item.id]))
    assert "could not return to old" in str(failure(run(platform, moves).undo()))
    assert {INDEX.id: "old", AGENT.id: "new", PAGE.id: "old"} == digests(platform)
    assert [AGENT.id] == list(moves.kept)


def shop(platform: Stuck) -> Shop:
    """A desk whose jobs have hosts that may hang."""
    made = Shop()
    made.platform = made.bringer.platform = platform
    made.bringer.deployer, made.bringer.terms = Hanging, HASTY
    return made


def test_a_job_whose_host_hangs() -> None:
    """It fails and says which host it could not return, which it asks once; the next job does it."""
    last = (f"deploy.test/{HOSTS[1]}/pulse/register", digest(f"{SOURCES}/two"))
    place = shop(Stuck(sick={last}))

    async def play(desk: Jobs) -> None:
        one = await deployed(desk, "one")
        place.platform.applied = (HOSTS[1], one.release)  # type: ignore[attr-defined] # it is one that may hang
        two = await deployed(desk, "two")
        assert JobStatus.FAILED is two.status
        assert f"{HOSTS[1]}/pulse/register: could not return to {one.release}" in two.error
        assert f"could not be taken back: deploy.test/{HOSTS[1]}/pulse/transfer, " in two.error
        assert f"{HOSTS[0]}/pulse" not in two.error
        runs = {item: each.digest == one.release for item, each in place.platform.running.items()}
        assert {item: HOSTS[0] in item for item in runs} == runs
        place.platform.applied = ("", "")  # type: ignore[attr-defined] # likewise
        assert JobStatus.COMPLETED is (await deployed(desk, "three")).status

    place.open(play)
    checked(place.journal, place.book, place.platform, 3)


def test_a_host_that_hangs_from_the_first_look() -> None:
    """S2-18: a job that is interrupted and cannot even look ends in time; what it had moved elsewhere has returned."""
    platform = Stuck()
    place = shop(platform)
    place.timeout = 0.5

    async def interrupted(desk: Jobs) -> None:
        await deployed(desk, "one")
        platform.applied = (f"{HOSTS[1]}/pulse/switch", digest(f"{SOURCES}/two"))
        job = await desk.submit(request("two"), by="ann")
        async for news in desk.follow(job.id):
            if f"{HOSTS[1]}: begins" == news.text and news.phase == "Verify Health":
                return

    place.timeout = 60.0
    place.open(interrupted)
    platform.asked, place.timeout = HOSTS[1], 0.5

    async def later(desk: Jobs) -> None:
        job = await ended(desk, (await desk.jobs())[0])
        assert (JobStatus.FAILED, True) == (job.status, job.error.startswith("took longer than 0.5 s"))
        assert f"{HOSTS[1]}/pulse/verify: could not return" in job.error
        one = digest(f"{SOURCES}/one")
        assert {one} == {each.digest for item, each in platform.running.items() if HOSTS[0] in item}

    place.open(later)
    assert {HOSTS[1]} == {item.split("/")[1] for item in place.journal.moves("pulse").moved()}
