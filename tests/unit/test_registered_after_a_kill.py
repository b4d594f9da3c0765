"""The registry after a kill: it is told of what runs in the end, whether that is finished or taken back."""

import contextlib
from dataclasses import dataclass, field, replace
from pathlib import Path

import anyio
import pytest

from moored import Ground, ashore, short
from shipways.adapters.files import DiskFiles
from shipways.deploy.brought import ProgramSource
from shipways.deploy.registering import Registering
from shipways.deploy.treedeployer import TreeDeployer
from shipways.deploy.treesource import TreeSource
from shipways.errors import Problem, Transient
from shipways.outside.registrars import Event
from shipways.run.deploying import Crew, deploy, failure, undo
from shipways.testing.console import ManualClock, RecordingConsole
from shipways.testing.moves import MemoryMoves
from shipways.testing.place import Crash
from shipways.testing.registrar import MemoryRegistrar

MOVES = 13
"""Four of each of three hosts, and the registration."""


@dataclass
class Desk:
    """Three hosts and a registry, which outlive whoever deploys."""

    ground: Ground
    registrar: MemoryRegistrar = field(default_factory=MemoryRegistrar)
    moves: MemoryMoves = field(default_factory=MemoryMoves)

    def deployer(self, release: str) -> TreeDeployer:
        """Of a release; empty for one who knows only what is there."""
        hosts = self.ground.deployer()
        (program,) = hosts.sources
        assert isinstance(program, ProgramSource)
        registering = Registering(
            registrar=self.registrar,
            files=DiskFiles(),
            clock=ManualClock(7.0),
            place=self.ground.folder / "registered.json",
            droplet_id=24,
            service_name="beat",
            endpoint="http://a:8123",
            say=lambda _: None,
        )
        source = TreeSource(service=program.service, docker=False, asks=(), limit=1)
        return TreeDeployer(hosts=hosts, source=source, url="", release=release, registering=registering)

    def deploy(self, text: str) -> str:
        """A run, to its end; the digest of the release."""
        manifest = self.ground.manifest(text)
        (want, *_) = {item.want for item in self.ground.deployer().desired(manifest)}
        deployer = self.deployer(want)
        path, version = f"{text}/beat", "1.2.3"
        items = tuple(replace(item, path=path, version=version) for item in deployer.desired(manifest))

        async def go() -> str:
            await deployer.preflight(self.ground.site)
            return str(failure(await deploy(deployer, items, self._crew())) or want)

        return anyio.run(go)

    def undo(self) -> str:
        """What a run has moved that was killed; what could not be returned."""
        deployer = self.deployer("")
        return str(failure(anyio.run(undo, deployer, deployer.items(), self._crew())) or "")

    def killed(self, text: str, moves: int) -> None:
        """A run that begins so many items, and is killed before the next one."""
        left = moves

        def doom(what: str) -> None:
            nonlocal left
            left -= what == "move"
            if left < 0:
                raise Crash(what)

        self.moves.before = doom
        with contextlib.suppress(Crash):
            self.deploy(text)
        self.moves.before = lambda _: None
        anyio.run(self.ground.site.hosts.aclose)

    def told(self) -> tuple[str, Event]:
        """What the registry has heard last."""
        return self.registrar.events[-1].release, self.registrar.events[-1].event

    def _crew(self) -> Crew:
        return Crew(site=self.ground.site, console=RecordingConsole(), clock=ManualClock(), moves=self.moves)


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    """With a release that serves, and is registered."""
    made = Desk(ashore(tmp_path))
    one = made.deploy("one")
    assert (short(one), Event.DEPLOYED) == made.told()
    return made


@pytest.mark.parametrize("moves", range(MOVES + 1))
def test_finished(desk: Desk, moves: int) -> None:
    """F1: killed at any moment, also before it is registered: who finishes it registers it, once."""
    desk.killed("two", moves)
    two = desk.deploy("two")
    assert (short(two), Event.DEPLOYED) == desk.told()
    assert 2 == len(desk.registrar.events)


@pytest.mark.parametrize("moves", range(MOVES + 1))
def test_taken_back(desk: Desk, moves: int) -> None:
    """S2-16: F1: where something of it ran, the registry is told once that what ran before has returned."""
    before = [*desk.registrar.events]
    desk.killed("two", moves)
    begun = [item for item in desk.moves.kept if item.endswith(("/start", "/switch"))]
    settled = moves == MOVES
    assert "" == desk.undo()
    expected = [Event.DEPLOYED] if settled else [Event.RETURNED] if begun else []
    heard = desk.registrar.events[len(before) :]
    assert expected == [each.event for each in heard][-1:]
    assert 1 >= len([each for each in heard if each.event is Event.RETURNED])
    assert settled or before[0].release == desk.registrar.entries[24].release


def test_while_the_registry_is_silent(desk: Desk) -> None:
    """F20: what ran before runs again although nobody could be told; the next deployment tells, even of the same."""
    one = desk.registrar.events[0].release
    desk.killed("two", MOVES - 1)
    desk.registrar.errors = [Transient(Problem(what="down"))]
    assert "" == desk.undo()
    assert {f"releases/{one}"} == {"/".join(link.split("/")[-2:]) for link in desk.ground.host.links.values()}
    desk.deploy("one")
    assert one == desk.told()[0]
