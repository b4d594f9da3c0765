"""What every desk does, the public fake included: jobs from their beginning to their end."""

import anyio
import pytest

from desks import CANARY, Office, Opened, played, refused
from offices import KINDS
from shipways.errors import ConfigError, Conflict, Unfinished
from shipways.model.job import JobKind, JobNews, JobStatus, PhaseName, PhaseStatus, Standing

pytestmark = pytest.mark.integration


@pytest.fixture(params=sorted(KINDS))
def opened(request: pytest.FixtureRequest) -> Opened:
    """Each kind of desk in turn."""
    kind: str = request.param
    return KINDS[kind]


def test_submit(opened: Opened) -> None:
    """A job is known at once, with six phases that have not begun; it is who asked that is named."""

    async def play(office: Office) -> None:
        office.halt()
        job = await office.desk.submit(office.request(), by="ann")
        assert ("ann", JobKind.DEPLOY, JobStatus.PENDING, None) == (job.by, job.kind, job.status, job.ended)
        assert list(PhaseName) == [phase.name for phase in job.phases]
        assert {PhaseStatus.PENDING} == {phase.status for phase in job.phases}
        found = await office.desk.job(job.id)
        assert found
        assert (job.id, job.created) == (found.id, found.created)
        assert None is await office.desk.job("none")

    played(opened, play)


def test_end(opened: Opened) -> None:
    """In the end all phases have succeeded, one after the other, and what runs is what was brought."""

    async def play(office: Office) -> None:
        job = await office.deployed()
        assert (JobStatus.COMPLETED, "") == (job.status, job.error)
        assert [PhaseStatus.SUCCESS] * 6 == [phase.status for phase in job.phases]
        times = [time for phase in job.phases for time in (phase.started, phase.ended)]
        assert times == sorted(times, key=lambda time: time or 0.0)
        assert None not in times
        assert job.registration is not None
        assert (24, "pulse", job.url) == (
            job.registration.droplet_id,
            job.registration.service_name,
            job.registration.endpoint,
        )
        placed = await office.desk.placed()
        assert {("pulse", job.release, "", "")} == {(p.service, p.digest, p.previous, p.why) for p in placed}

    played(opened, play)


def test_not_registered(opened: Opened) -> None:
    """Who does not want a service to be registered gets none of it."""

    async def play(office: Office) -> None:
        job = await office.deployed(auto_register=False)
        assert (JobStatus.COMPLETED, None) == (job.status, job.registration)

    played(opened, play)


def test_news(opened: Opened) -> None:
    """News are numbered from one without a gap, end with the job, and can be had again from any of them."""

    async def play(office: Office) -> None:
        job = await office.desk.submit(office.request(), by="ann")
        news = [each async for each in office.desk.follow(job.id)]
        assert list(range(1, len(news) + 1)) == [each.number for each in news]
        statuses = [each.text for each in news if each.kind == "status"]
        assert (JobStatus.RUNNING, JobStatus.COMPLETED) == (statuses[-2], statuses[-1])
        phases = [each.phase for each in news if each.kind == "phase" and each.text == PhaseStatus.SUCCESS]
        assert list(PhaseName) == phases
        assert news[3:] == [each async for each in office.desk.follow(job.id, after=3)]
        assert [] == [each async for each in office.desk.follow(job.id, after=len(news))]
        assert [] == [each async for each in office.desk.follow("none")]

    played(opened, play)


def test_followers(opened: Opened) -> None:
    """Several who follow a job get the same; one who goes away disturbs nobody."""

    async def play(office: Office) -> None:
        job = await office.desk.submit(office.request(), by="ann")
        heard: list[list[JobNews]] = [[], []]

        async def listen(each: list[JobNews]) -> None:
            each.extend([news async for news in office.desk.follow(job.id)])

        async with anyio.create_task_group() as group:
            for each in heard:
                group.start_soon(listen, each)
            following = office.desk.follow(job.id)
            await anext(following)
            await following.aclose()  # type: ignore[attr-defined]
        assert heard[0] == heard[1]
        assert JobStatus.COMPLETED == heard[0][-1].text

    played(opened, play)


def test_list(opened: Opened) -> None:
    """Jobs are told from the newest on, of one service or of all, and in pages."""

    async def play(office: Office) -> None:
        made = [(await office.deployed(name)).id for name in ("pulse", "aegis", "pulse")]
        newest = [made[2], made[1], made[0]]
        assert newest == [job.id for job in await office.desk.jobs()]
        assert newest[:2] == [job.id for job in await office.desk.jobs(limit=2)]
        assert newest[2:] == [job.id for job in await office.desk.jobs(before=newest[1])]
        assert [made[2], made[0]] == [job.id for job in await office.desk.jobs(service="pulse")]
        assert [made[0]] == [job.id for job in await office.desk.jobs(service="pulse", before=made[2], limit=1)]
        assert [] == list(await office.desk.jobs(service="none"))
        assert {JobStatus.COMPLETED: 3} == {s: n for s, n in (await office.desk.tally()).items() if n}

    played(opened, play)


def test_key(opened: Opened) -> None:
    """The same request with the same key is the same job; another one is refused, also when only a value differs."""

    async def play(office: Office) -> None:
        first = await office.desk.submit(office.request(), by="ann", key="k")
        await office.ended(first)
        assert first.id == (await office.desk.submit(office.request(), by="ann", key="k")).id
        await refused(Conflict, office.desk.submit(office.request(service_port=8011), by="ann", key="k"))
        told = await refused(Conflict, office.desk.submit(office.request(environment={}), by="ann", key="k"))
        assert CANARY not in told
        assert first.id != (await office.desk.submit(office.request(), by="bob", key="k")).id
        assert 2 == len(await office.desk.jobs())

    played(opened, play)


def test_bad_path(opened: Opened) -> None:
    """A folder that is not below the sources is refused, and there is no job."""

    async def play(office: Office) -> None:
        for path in ("/etc", f"{office.sources}-2/one", office.sources):
            await refused(ConfigError, office.desk.submit(office.request(service_path=path), by="a"))
        assert [] == list(await office.desk.jobs())

    played(opened, play)


def test_unwritten(opened: Opened) -> None:
    """A job that cannot be written down is none."""

    async def play(office: Office) -> None:
        office.fill()
        await refused(Unfinished, office.desk.submit(office.request(), by="ann"))
        assert [] == list(await office.desk.jobs())

    played(opened, play)


def test_sick(opened: Opened) -> None:
    """S2-09: what is not healthy fails, later phases stay pending, and what ran before runs."""

    async def play(office: Office) -> None:
        first = await office.deployed()
        office.sicken("pulse")
        job = await office.deployed(folder="two")
        assert (JobStatus.FAILED, True) == (job.status, bool(job.error))
        statuses = [phase.status for phase in job.phases]
        assert [*[PhaseStatus.SUCCESS] * 4, PhaseStatus.FAILED, PhaseStatus.PENDING] == statuses
        assert job.phases[4].error
        assert {first.release} == {each.digest for each in await office.desk.placed()}

    played(opened, play)


def test_standing(opened: Opened) -> None:
    """What is needed is there."""

    async def play(office: Office) -> None:
        assert Standing(ssh="connected", registry="reachable") == await office.desk.standing()

    played(opened, play)


def test_canary(opened: Opened) -> None:
    """The value of a variable is in nothing that is told."""

    async def play(office: Office) -> None:
        job = await office.deployed()
        news = [each async for each in office.desk.follow(job.id)]
        assert CANARY not in repr((job, news, await office.desk.jobs(), await office.desk.placed()))

    played(opened, play)
