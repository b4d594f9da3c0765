"""Deploy: a run that is killed anywhere leaves enough behind for the next one to finish or undo it."""

import contextlib
from collections.abc import Sequence
from dataclasses import replace

import anyio
from hypothesis import given
from hypothesis import strategies as st

from platforming import AGENT, ALL, OLD, Run, digests
from shipways.errors import DeployFailed, Problem, Unfinished
from shipways.model.deployment import Move, Running, Terms
from shipways.run.deploying import deploy, failure
from shipways.testing.moves import MemoryMoves
from shipways.testing.place import Crash, Fault
from shipways.testing.platform import Platform


def crashed(runs: Sequence[Sequence[Fault]]) -> tuple[Platform, MemoryMoves]:
    """A platform after runs that ended anywhere, and what they have written down."""
    platform, moves = Platform(running=dict(OLD)), MemoryMoves()
    for faults in runs:
        run = Run(platform, faults)
        run.moves = moves
        with contextlib.suppress(Crash, Unfinished):
            run()
    return platform, moves


CRASHES = st.lists(st.lists(st.sampled_from([Fault.NONE, Fault.CRASH, Fault.CRASH_AFTER]), max_size=5), max_size=3)


@given(CRASHES, st.sampled_from([item.id for item in ALL]))
def test_a_failure_after_a_crash_takes_all_back(runs: list[list[Fault]], sick: str) -> None:
    """F1: what a killed run has moved returns with the rest, unless it had come to its end."""
    platform, moves = crashed(runs)
    whole = dict.fromkeys(OLD, "new") == digests(platform) and not moves.kept
    platform.sick.add((sick, "new"))
    again = Run(platform)
    again.moves = moves
    assert isinstance(failure(again()), DeployFailed)
    assert dict.fromkeys(OLD, "new" if whole else "old") == digests(platform)
    assert {"old" if whole else "older"} == {running.previous for running in platform.running.values()}
    assert {} == moves.kept


@given(CRASHES)
def test_undone_after_a_crash(runs: list[list[Fault]]) -> None:
    """F1: whatever a killed run has moved can be taken back, what it did not move is not touched."""
    platform, moves = crashed(runs)
    begun, length = set(moves.kept), len(platform.log)
    again = Run(platform)
    again.moves = moves
    assert failure(again.undo()) is None
    assert begun >= {name for name, _ in platform.log[length:]}
    assert len(set(digests(platform).values())) == 1
    assert {} == moves.kept


@given(CRASHES)
def test_finished_after_a_crash(runs: list[list[Fault]]) -> None:
    """F1: the next run finishes; each remembers what ran before the killed one, and nothing is left to return."""
    platform, moves = crashed(runs)
    again = Run(platform)
    again.moves = moves
    assert failure(again()) is None
    assert dict.fromkeys(OLD, Running(digest="new", previous="old")) == {
        name: replace(running, url="") for name, running in platform.running.items()
    }
    assert {} == moves.kept


def test_back_to_what_ran_before_the_crash() -> None:
    """F1: the next run wants the old version: what ran before that stays known."""
    platform, moves = crashed([[Fault.CRASH_AFTER]])
    again = Run(platform)
    again.moves = moves
    assert failure(again([replace(item, want="old") for item in ALL])) is None
    assert {("old", "older")} == {(running.digest, running.previous) for running in platform.running.values()}


def test_nothing_moves_that_cannot_be_written_down() -> None:
    """F8: the disk is full here: nothing is applied."""

    class Full(MemoryMoves):
        def move(self, item: str, move: Move) -> None:
            raise Unfinished(Problem(path=item, what=f"{move.want} cannot be written down"))

    platform = Platform(running=dict(OLD))
    run = Run(platform)
    run.moves = Full()
    assert "cannot be written down" in str(failure(run()))
    assert [] == platform.log


def test_left_for_the_next() -> None:
    """F31: a run that is ended because another goes on leaves everything as it is."""
    platform, moves = Platform(running=dict(OLD), sick={(AGENT.id, "new")}), MemoryMoves()
    run = Run(platform, terms=Terms(wait=1e9, interval=1, watch=0))
    run.moves = moves

    async def cut() -> None:
        with anyio.CancelScope() as scope:
            sleep = run.clock.sleep

            async def cancels(seconds: float) -> None:
                if run.clock.monotonic() > 5:
                    scope.cancel()
                await sleep(seconds)

            run.clock.sleep = cancels  # type: ignore[method-assign] # the service is told to end
            await deploy(run.deployer, ALL, replace(run.crew(), leaves=lambda: True))

    anyio.run(cut)
    assert dict.fromkeys(OLD, "new") == digests(platform)
    assert set(OLD) == set(moves.kept)
