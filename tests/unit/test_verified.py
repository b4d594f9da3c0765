"""A verifier and jobs: what it lets pass is registered, what it refuses returns, and a silent one is asked again."""

import contextlib
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field, replace
from pathlib import Path

import anyio
import pytest

from aftermath import request
from desks import CANARY
from moored import ALONE, Ground, ashore, short
from offices import MemoryBringer, tools
from shipways.adapters.files import DiskFiles
from shipways.deploy.brought import ProgramSource
from shipways.deploy.registering import Registering
from shipways.deploy.treedeployer import TreeDeployer
from shipways.deploy.treesource import TreeSource
from shipways.deploy.verifying import Verifying
from shipways.errors import Problem, Transient
from shipways.model.job import Job, JobKind, JobRequest, JobStatus, PhaseName, PhaseStatus
from shipways.outside.jobs import Requested
from shipways.outside.registrars import Event
from shipways.outside.verifiers import Candidate
from shipways.ports import Clock, Console
from shipways.run.jobs import Jobs
from shipways.testing.console import ManualClock
from shipways.testing.jobs import MemoryBook, MemoryJournal
from shipways.testing.place import Crash
from shipways.testing.platform import Platform
from shipways.testing.registrar import MemoryRegistrar
from shipways.testing.verifier import MemoryVerifier
from shops import ended


@dataclass
class MortalBook(MemoryBook):
    """It is asked before each line."""

    doom: Callable[[str], None] = lambda _: None

    def append(self, line: bytes) -> None:
        """At the end."""
        self.doom("line")
        MemoryBook.append(self, line)


@dataclass
class Dock:
    """A host, a registry, a verifier and the journal, which outlive whoever deploys."""

    ground: Ground
    registrar: MemoryRegistrar = field(default_factory=MemoryRegistrar)
    verifier: MemoryVerifier = field(default_factory=MemoryVerifier)
    journal: MemoryJournal = field(default_factory=MemoryJournal)
    book: MortalBook = field(default_factory=MortalBook)
    clock: Clock = field(default_factory=lambda: ManualClock(1000.0))

    def play(self, act: Callable[[Jobs], Awaitable[None]]) -> None:
        """At an open desk."""

        async def run() -> None:
            made = tools(_Bringer(Platform(), self.clock, dock=self), self.journal, self.book, self.clock)
            async with Jobs(replace(made, site=lambda: self.ground.site)).opened() as desk:
                await act(desk)
                for job in self.journal.unended():
                    await ended(desk, job)

        anyio.run(run)

    def deploy(self, text: str) -> Job:
        """A job, at its end."""
        return self._last(lambda desk: desk.submit(replace(request(text), service_name="beat"), by="ann"))

    def rollback(self) -> Job:
        """Of the last job."""
        return self._last(lambda desk: desk.rollback(self.journal.jobs()[0].id, by="ann"))

    def made(self, want: str) -> Requested:
        """Of a release; empty for one who knows only what is there."""
        hosts = self.ground.deployer()
        (program,) = hosts.sources
        assert isinstance(program, ProgramSource)
        url = "http://a:8123"
        registering = Registering(
            registrar=self.registrar,
            files=DiskFiles(),
            clock=self.clock,
            place=self.ground.folder / "registered.json",
            droplet_id=24,
            service_name="beat",
            endpoint=url,
            say=lambda _: None,
        )
        verifying = Verifying(verifier=self.verifier, droplet_id=24, service_name="beat", service_url=url)
        source = TreeSource(service=program.service, docker=False, asks=(), limit=1)
        deployer = TreeDeployer(
            hosts=hosts, source=source, url=url, release=want, registering=registering, verifying=verifying
        )
        return Requested(deployer=deployer, items=deployer.items(), registration=lambda: registering.registration)

    def digest(self, text: str) -> str:
        """Of a release."""
        return self.ground.wanted(text)[0].want

    def id(self, text: str) -> str:
        """Of a release, as it is told."""
        return short(self.digest(text))

    def serves(self) -> set[str]:
        """What the links of the host lead to."""
        return {link.split("/")[-1] for link in self.ground.host.links.values()}

    def asked(self) -> list[str]:
        """About which releases the verifier was."""
        return [each.release for each in self.verifier.asked]

    def told(self) -> list[tuple[str, Event]]:
        """What the registry was."""
        return [(each.release, each.event) for each in self.registrar.events]

    def _last(self, ask: Callable[[Jobs], Awaitable[Job | None]]) -> Job:
        async def act(desk: Jobs) -> None:
            await ended(desk, await ask(desk))

        self.play(act)
        return self.journal.jobs()[0]


@dataclass
class _Bringer(MemoryBringer):
    """Of programs, to the hosts of a dock."""

    dock: Dock = field(kw_only=True)

    async def requested(self, request: JobRequest, console: Console) -> Requested:
        """The program that is called like the folder."""
        del console
        text = request.service_path.rpartition("/")[2]
        made = self.dock.made(self.dock.digest(text))
        wanted = {"want": self.dock.digest(text), "path": f"{text}/beat", "version": "1.2.3"}
        return replace(made, items=tuple(replace(item, **wanted) for item in made.items))

    def standing(self, request: JobRequest, console: Console) -> Requested:
        """Without a want."""
        del request, console
        return self.dock.made("")


class Looking(MemoryVerifier):
    """It looks around when it is asked."""

    look: Callable[[], None]

    async def verify(self, candidate: Candidate) -> None:
        """After a look."""
        self.look()
        await MemoryVerifier.verify(self, candidate)


@pytest.fixture
def dock(tmp_path: Path) -> Dock:
    """With a release that was verified and serves."""
    made = Dock(ashore(tmp_path, ALONE))
    assert JobStatus.COMPLETED is made.deploy("one").status
    assert [made.id("one")] == made.asked()
    return made


def test_verified(dock: Dock) -> None:
    """S2-23: it is asked about what serves, where it does, before that is registered; and in every job anew."""
    seen: list[tuple[set[str], int]] = []
    dock.verifier = looking = Looking()
    looking.look = lambda: seen.append((dock.serves(), len(dock.told())))
    assert JobStatus.COMPLETED is dock.deploy("two").status
    assert [({dock.id("two")}, 1)] == seen
    told = {"droplet_id": 24, "service_name": "beat", "service_url": "http://a:8123", "version": dock.id("two")}
    assert [told] == [each.told for each in dock.verifier.asked]
    assert JobStatus.COMPLETED is dock.deploy("two").status
    assert ([dock.id("two")] * 2, 2) == (dock.asked(), len(dock.told()))


def test_refused(dock: Dock) -> None:
    """S2-23: the job fails in Verify Health with what it said, what ran before serves, and nothing is registered.

    About what returns nobody is asked.
    """
    dock.verifier.refused[dock.id("two")] = f"answers {CANARY} in French"
    job = dock.deploy("two")
    assert (JobStatus.FAILED, True) == (job.status, "refuses it: answers *** in French" in job.error)
    phases = {each.name: each.status for each in job.phases}
    assert (PhaseStatus.FAILED, PhaseStatus.PENDING) == (phases[PhaseName.VERIFY], phases[PhaseName.REGISTER])
    assert {dock.id("one")} == dock.serves()
    assert [dock.id("one"), dock.id("two")] == dock.asked()
    assert [(dock.id("one"), Event.DEPLOYED), (dock.id("one"), Event.RETURNED)] == dock.told()
    assert {} == dict(dock.journal.moves("beat").moved())


@pytest.mark.parametrize(("times", "status"), [(2, JobStatus.COMPLETED), (6, JobStatus.FAILED)])
def test_silent(dock: Dock, times: int, status: JobStatus) -> None:
    """S2-23: one that does not answer is asked again, and after some tries what ran before serves."""
    dock.verifier.errors = [Transient(Problem(what="does not answer"))] * times
    assert status is dock.deploy("two").status
    assert min(times + 1, 6) == dock.asked().count(dock.id("two"))
    assert {dock.id("two" if status is JobStatus.COMPLETED else "one")} == dock.serves()


def test_a_rollback(dock: Dock) -> None:
    """S2-23: one that somebody asks for is verified, and a refusal leaves what ran."""
    dock.deploy("two")
    dock.verifier.refused[dock.id("one")] = "is too old"
    job = dock.rollback()
    assert (JobStatus.FAILED, True) == (job.status, "is too old" in job.error)
    assert ({dock.id("two")}, dock.id("one")) == (dock.serves(), dock.asked()[-1])
    dock.verifier.refused.clear()
    dock.deploy("two")
    assert JobStatus.COMPLETED is dock.rollback().status
    assert ({dock.id("one")}, dock.id("one")) == (dock.serves(), dock.asked()[-1])
    assert (dock.id("one"), Event.RETURNED) == dock.told()[-1]


@pytest.mark.parametrize("moment", range(54))
def test_a_rollback_that_is_killed(dock: Dock, moment: int) -> None:
    """F1: at any moment, also where it serves and nobody was asked yet: the version that it returns to is verified."""
    dock.deploy("two")
    left = moment

    def doom(what: str) -> None:
        nonlocal left
        left -= 1
        if left < 0:
            raise Crash(what)

    async def act(desk: Jobs) -> None:
        last = dock.journal.jobs()[0]
        if last.kind is JobKind.DEPLOY:
            await ended(desk, await desk.rollback(last.id, by="ann"))

    dock.journal.before = dock.book.doom = doom
    with contextlib.suppress(Crash, BaseExceptionGroup):
        dock.play(act)
    dock.journal.before = dock.book.doom = lambda _: None
    dock.play(act)
    assert (JobKind.ROLLBACK, JobStatus.COMPLETED) == (dock.journal.jobs()[0].kind, dock.journal.jobs()[0].status)
    assert ({dock.id("one")}, {dock.id("one")}) == (dock.serves(), {*dock.asked()[2:]})
