"""Deploy: what somebody else has deployed since is left as it is, and what cannot be recorded ends nothing halfway."""

import dataclasses
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import anyio
import pytest

from moored import ALONE, ROOT, A, Ground, ashore
from platforming import AGENT, ALL, OLD, Run, digests
from shipways.deploy.places.hosts import HostsDeployer
from shipways.errors import BuildError, DeployFailed, Problem
from shipways.model.deployment import Move, Running
from shipways.model.item import Item
from shipways.model.outcome import Outcome, Row, State
from shipways.outside.platforms import Site
from shipways.run.deploying import Crew, deploy, failure
from shipways.testing.console import ManualClock, RecordingConsole
from shipways.testing.moves import MemoryMoves
from shipways.testing.platform import Platform

SINCE = "somebody else has deployed there since"


@pytest.fixture
def one(tmp_path: Path) -> Ground:
    """One host, on which `one` runs."""
    ground = ashore(tmp_path, ALONE)
    ground.deployed("one")
    ground.host.end()
    return ground


async def other(ground: Ground) -> str:
    """Somebody deploys `three` from elsewhere, and goes. The digest."""
    items = ground.wanted("three")
    ground.host.sick = False
    await ground.deployer().preflight(ground.site)
    assert failure(await deployed(ground.deployer(), ground.site, items)) is None
    ground.host.end()
    return items[0].want


async def deployed(
    deployer: HostsDeployer, site: Site, items: Sequence[Item], clock: ManualClock | None = None
) -> Outcome:
    """As the verbs do it."""
    return await deploy(deployer, items, Crew(site=site, console=RecordingConsole(), clock=clock or ManualClock()))


class Paused(ManualClock):
    """Who waits by it is paused once, while something happens."""

    def __init__(self, meanwhile: Callable[[], Awaitable[object]]) -> None:
        super().__init__()
        self._meanwhile: Callable[[], Awaitable[object]] | None = meanwhile

    async def sleep(self, seconds: float) -> None:
        """Let that time pass, and more."""
        await super().sleep(seconds)
        if meanwhile := self._meanwhile:
            self._meanwhile = None
            await meanwhile()


def test_paused_before_it_is_healthy(one: Ground) -> None:
    """F16: who wakes on its way to health does not take back what somebody else has deployed meanwhile."""
    found: list[str] = []

    async def meanwhile() -> None:
        one.host.end()
        found.append(await other(one))

    async def go() -> Outcome:
        await one.deployer().preflight(one.site)
        one.host.sick = True
        return await deployed(one.deployer(), one.site, one.wanted("two"), Paused(meanwhile))

    outcome = anyio.run(go)
    assert f"is left as it is: {SINCE}" in str(failure(outcome))
    assert found == [one.seen(one.wanted("two")[-1]).digest]
    assert State.RETURNED in {row.state for row in outcome.rows}  # what was brought is nobody's


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Late(HostsDeployer):
    """Somebody else deploys after its first look."""

    meanwhile: list[Callable[[], Awaitable[object]]]

    async def observe(self, site: Site, items: Sequence[Item]) -> Mapping[str, Running]:
        """As it was before."""
        found = await HostsDeployer.observe(self, site, items)
        while self.meanwhile:
            await self.meanwhile.pop()()
        return found


def late(ground: Ground, meanwhile: Callable[[], Awaitable[object]]) -> Late:
    """Its deployer, with what happens after the first look."""
    known = {each.name: getattr(ground.deployer(), each.name) for each in dataclasses.fields(HostsDeployer)}
    return Late(**known, meanwhile=[meanwhile])


def test_paused_before_it_begins(one: Ground) -> None:
    """F16: what was seen with a lock that was lost is looked at once more before anything runs."""
    found: list[str] = []

    async def meanwhile() -> None:
        found.append(await other(one))

    outcome = anyio.run(deployed, late(one, meanwhile), one.site, one.wanted("two"))
    start = next(row for row in outcome.rows if row.item.id == f"{A}/start")
    assert (State.FAILED, SINCE) == (start.state, start.problems[0].what)
    assert found == [one.seen(one.wanted("two")[-1]).digest]
    assert not any("beat@" in word for words in one.host.log[-20:] for word in words if "stop" in words)


def test_a_lock_that_is_taken_again(one: Ground) -> None:
    """F7: where nobody came between, the deployment goes on."""

    async def lost() -> None:
        one.host.end()

    async def go() -> Outcome:
        await one.deployer().preflight(one.site)
        return await deployed(late(one, lost), one.site, one.wanted("two"))

    assert failure(anyio.run(go)) is None
    assert {f"{ROOT}/lock"} == {*one.host.lines}


def test_a_killed_run_and_somebody_since() -> None:
    """F1: a failure does not return what was deployed after a run that was killed to what ran before that."""
    platform, moves = Platform(running=dict.fromkeys(OLD, Running(digest="theirs", previous="new"))), MemoryMoves()
    for item in ALL:
        moves.move(item.id, Move(want="new", before=OLD[item.id]))
    run = Run(platform)
    run.moves = moves
    platform.sick.add((AGENT.id, "newer"))
    assert isinstance(failure(run([replace(item, want="newer") for item in ALL])), DeployFailed)
    assert dict.fromkeys(OLD, "theirs") == digests(platform)


def test_undone_after_somebody() -> None:
    """F1: a rollback after a killed run leaves it, says so, and what that run moved is forgotten."""
    platform, moves = Platform(running=dict.fromkeys(OLD, Running(digest="theirs"))), MemoryMoves()
    for item in ALL:
        moves.move(item.id, Move(want="new", before=OLD[item.id]))
    run = Run(platform)
    run.moves = moves
    assert SINCE in str(failure(run.undo()))
    assert (dict.fromkeys(OLD, "theirs"), {}) == (digests(platform), moves.kept)


@pytest.mark.parametrize("sick", [True, False])
def test_a_ledger_that_cannot_be_written(*, sick: bool) -> None:
    """F8: all return, whether it is known at the first that was applied or at the first that has returned."""

    def record(row: Row) -> None:
        if not sick or row.state is State.RETURNED:
            raise BuildError(Problem(path="dist/ledger.jsonl", what="cannot be written"))

    platform = Platform(running=dict(OLD), sick={(ALL[-1].id, "new")} if sick else set())
    run = Run(platform)
    run.record = record
    assert isinstance(failure(run()), DeployFailed)
    assert dict.fromkeys(OLD, "old") == digests(platform)


def test_a_bug() -> None:
    """Whatever ends it: those that were moved return first."""

    def record(row: Row) -> None:
        if row.state is State.APPLIED:
            raise ValueError(row.item.id)

    platform = Platform(running=dict(OLD))
    run = Run(platform)
    run.record = record
    with pytest.raises(ValueError, match=ALL[0].id):
        run()
    assert dict.fromkeys(OLD, "old") == digests(platform)
