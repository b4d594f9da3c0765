"""What every desk does when jobs are to be undone, held back, or wait for each other."""

import pytest

from desks import Office, Opened, played, refused
from offices import KINDS
from shipways.errors import Conflict, Held, NothingBefore
from shipways.model.job import Job, JobKind, JobStatus

pytestmark = pytest.mark.integration


@pytest.fixture(params=sorted(KINDS))
def opened(request: pytest.FixtureRequest) -> Opened:
    """Each kind of desk in turn."""
    kind: str = request.param
    return KINDS[kind]


def test_rollback(opened: Opened) -> None:
    """What ran before runs again, and what ran after it once more: a job each, told of as a rollback."""

    async def play(office: Office) -> None:
        first = await office.deployed()
        await refused(NothingBefore, office.desk.rollback(first.id, by="bob"))
        second = await office.deployed(folder="two")
        assert first.release != second.release
        back = await office.ended(await office.desk.rollback(second.id, by="bob"))
        assert (JobKind.ROLLBACK, "bob", JobStatus.COMPLETED) == (back.kind, back.by, back.status)
        assert {(first.release, second.release)} == {(p.digest, p.previous) for p in await office.desk.placed()}
        await office.ended(await office.desk.rollback(back.id, by="bob"))
        assert {(second.release, first.release)} == {(p.digest, p.previous) for p in await office.desk.placed()}
        assert None is await office.desk.rollback("none", by="bob")

    played(opened, play)


def test_rollback_twice(opened: Opened) -> None:
    """A rollback that is asked for once more, or for what does not run, is refused."""

    async def play(office: Office) -> None:
        first = await office.deployed()
        second = await office.deployed(folder="two")
        await refused(Conflict, office.desk.rollback(first.id, by="bob"))
        await office.ended(await office.desk.rollback(second.id, by="bob"))
        await refused(Conflict, office.desk.rollback(second.id, by="bob"))
        office.sicken("pulse")
        await refused(Conflict, office.desk.rollback((await office.deployed(folder="three")).id, by="bob"))

    played(opened, play)


def test_again(opened: Opened) -> None:
    """S2-22: the same once more is no conflict, and what ran before it is still known."""

    async def play(office: Office) -> None:
        first = await office.deployed()
        second = await office.deployed(folder="two")
        again = await office.deployed(folder="two")
        assert (JobStatus.COMPLETED, second.release) == (again.status, again.release)
        assert {(second.release, first.release)} == {(p.digest, p.previous) for p in await office.desk.placed()}

    played(opened, play)


def test_cancel(opened: Opened) -> None:
    """A job that is cancelled fails, and says who wanted it; one that has ended stays; nothing of it runs."""

    async def play(office: Office) -> None:
        office.halt()
        job = await office.desk.submit(office.request(), by="ann")
        assert job.id == _id(await office.desk.cancel(job.id, by="bob"))
        office.resume()
        ended = await office.ended(job)
        assert JobStatus.FAILED is ended.status
        assert "cancelled by bob" in ended.error
        assert ended == await office.desk.cancel(job.id, by="eve")
        assert None is await office.desk.cancel("none", by="bob")
        assert [] == [each for each in await office.desk.placed() if each.digest]

    played(opened, play)


def test_queue(opened: Opened) -> None:
    """Of one service the second job begins when the first has ended."""

    async def play(office: Office) -> None:
        office.halt()
        first = await office.desk.submit(office.request(), by="ann")
        second = await office.desk.submit(office.request(folder="two"), by="ann")
        office.resume()
        second, first = await office.ended(second), await office.ended(first)
        assert first.ended is not None
        assert second.phases[0].started is not None
        assert first.ended <= second.phases[0].started
        assert {(second.release, first.release)} == {(p.digest, p.previous) for p in await office.desk.placed()}

    played(opened, play)


def test_hold(opened: Opened) -> None:
    """Nothing is deployed to what is held, with the reason; when the hold is taken back it is as before."""

    async def play(office: Office) -> None:
        await office.deployed()
        second = await office.deployed(folder="two")
        hold = await office.desk.hold("pulse", reason="the audit", by="eve")
        assert ("pulse", "the audit", "eve") == (hold.service, hold.reason, hold.by)
        assert {hold} == {each.hold for each in await office.desk.placed()}
        other = await office.desk.hold("atlas", reason="not yet", by="bob")
        assert [other, hold] == [*await office.desk.holds()], "also of what runs nowhere"
        assert "the audit" in await refused(Held, office.desk.submit(office.request(), by="ann"))
        assert "the audit" in await refused(Held, office.desk.rollback(second.id, by="ann"))
        assert JobStatus.COMPLETED is (await office.deployed("aegis")).status
        assert (True, False) == tuple([await office.desk.release("pulse", by="eve") for _ in range(2)])
        assert JobStatus.COMPLETED is (await office.deployed()).status
        assert [other] == [*await office.desk.holds()]

    played(opened, play)


def _id(job: Job | None) -> str:
    return job.id if job else ""
