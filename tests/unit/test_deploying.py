"""Deploy: all of a deployment runs and is healthy, or what ran before runs again."""

from dataclasses import replace

import anyio
import pytest
from hypothesis import given
from hypothesis import strategies as st

from platforming import AGENT, ALL, INDEX, OLD, PAGE, Run, digests, states
from shipways.errors import DeployFailed, Unfinished
from shipways.model.deployment import Running, Terms
from shipways.model.item import ItemKind
from shipways.model.outcome import State
from shipways.run.deploying import Crew, deploy, failure
from shipways.run.patience import TRIES
from shipways.run.returning import rollbacks
from shipways.testing.doors import CLOSED_SITE
from shipways.testing.place import Crash, Fault
from shipways.testing.platform import Platform


def test_everything_runs_in_order() -> None:
    """What others need is healthy before them, and each remembers what ran there."""
    platform = Platform(running=dict(OLD))
    run = Run(platform)
    outcome = run()
    assert dict.fromkeys((item.id for item in ALL), State.APPLIED) == states(outcome)
    assert failure(outcome) is None
    order = [name for name, _ in platform.log]
    assert order.index(INDEX.id) < order.index(AGENT.id)
    assert {"old"} == {running.previous for running in platform.running.values()}
    assert order == [row.item.id for row in run.recorded]


def test_nothing_to_do() -> None:
    """What runs and is healthy is left alone."""
    platform = Platform(running={item.id: Running(digest="new") for item in ALL})
    outcome = Run(platform)()
    assert ([], None) == (platform.log, failure(outcome))
    assert {State.DONE} == set(states(outcome).values())


def test_only_looking() -> None:
    """Without apply nothing is touched, and it is told what would be."""
    platform = Platform(running={**OLD, INDEX.id: Running(digest="new")})
    outcome = Run(platform)(apply=False)
    assert [] == platform.log
    assert {INDEX.id: State.DONE, AGENT.id: State.PENDING, PAGE.id: State.PENDING} == states(outcome)


@pytest.mark.parametrize("sick", [item.id for item in ALL])
def test_one_that_is_not_healthy_takes_all_back(sick: str) -> None:
    """The others return too, with what they remembered; the error has the reason and the end of the log."""
    platform = Platform(running=dict(OLD), sick={(sick, "new")})
    outcome = Run(platform)()
    assert dict.fromkeys(OLD, "old") == digests(platform)
    assert {"older"} == {running.previous for running in platform.running.values()}
    error = failure(outcome)
    assert isinstance(error, DeployFailed)
    assert [sick] == [problem.path for problem in error.problems]
    assert "is not healthy: 503" in str(error)
    assert f"{sick} broke" in str(error)


def test_nothing_begins_after_a_failure() -> None:
    """What needs the one that failed is never touched."""
    platform = Platform(running=dict(OLD), sick={(INDEX.id, "new")})
    outcome = Run(platform)()
    assert AGENT.id not in [name for name, _ in platform.log]
    assert State.PENDING is states(outcome)[AGENT.id]
    assert State.RETURNED is states(outcome)[INDEX.id]


def test_a_first_deployment_that_fails_is_withdrawn() -> None:
    """Where nothing ran, nothing runs again."""
    platform = Platform(sick={(AGENT.id, "new")})
    Run(platform)()
    assert {} == digests(platform)


def test_what_cannot_return_is_said() -> None:
    """The old version is not healthy any more either: the table says so, and nothing is called good."""
    platform = Platform(running=dict(OLD), sick={(PAGE.id, "new"), (PAGE.id, "old")})
    outcome = Run(platform)()
    assert State.FAILED is states(outcome)[PAGE.id]
    assert "could not return to old" in str(failure(outcome))


def test_one_that_ran_and_is_not_healthy() -> None:
    """What this run did not move is not taken back: it may have served for days."""
    platform = Platform(running={item.id: Running(digest="new", previous="old") for item in ALL})
    platform.sick.add((PAGE.id, "new"))
    outcome = Run(platform)()
    assert [] == platform.log
    assert "`shipways rollback test`" in str(failure(outcome))


def test_a_slow_start_is_waited_for() -> None:
    """Health is asked for again until the time is over."""
    platform = Platform(running=dict(OLD), sick={(PAGE.id, "new")})
    run = Run(platform, terms=Terms(wait=30, interval=1, watch=0))
    sleep = run.clock.sleep

    async def heals(seconds: float) -> None:
        await sleep(seconds)
        if run.clock.monotonic() >= 29:
            platform.sick.clear()

    run.clock.sleep = heals  # type: ignore[method-assign] # the platform heals as time goes by
    assert failure(run()) is None
    assert dict.fromkeys(OLD, "new") == digests(platform)


def test_a_failure_while_it_is_watched() -> None:
    """All were healthy once; one breaks later, and all return."""
    platform = Platform(running=dict(OLD))
    run = Run(platform, terms=Terms(wait=2, interval=1, watch=60))
    sleep = run.clock.sleep

    async def breaks(seconds: float) -> None:
        await sleep(seconds)
        if run.clock.monotonic() >= 30:
            platform.sick.add((AGENT.id, "new"))

    run.clock.sleep = breaks  # type: ignore[method-assign] # it breaks as time goes by
    outcome = run()
    assert dict.fromkeys(OLD, "old") == digests(platform)
    assert isinstance(failure(outcome), DeployFailed)
    assert run.clock.monotonic() < 40


def test_begun_anew_while_it_is_watched() -> None:
    """F13: it is healthy whenever it is asked, but it has ended and begun again: all return."""
    platform = Platform(running=dict(OLD))
    run = Run(platform, terms=Terms(wait=2, interval=1, watch=60))
    sleep = run.clock.sleep

    async def ends(seconds: float) -> None:
        await sleep(seconds)
        platform.begun = str(run.clock.monotonic() >= 8)

    run.clock.sleep = ends  # type: ignore[method-assign] # it ends as time goes by
    outcome = run()
    assert dict.fromkeys(OLD, "old") == digests(platform)
    assert "it ended, and was started again" in str(failure(outcome))
    assert run.clock.monotonic() < 20


def test_interrupted() -> None:
    """A run that is cancelled in the middle takes back what it moved."""
    platform = Platform(running=dict(OLD), sick={(AGENT.id, "new")})
    run = Run(platform, terms=Terms(wait=1e9, interval=1, watch=0))

    async def cut() -> None:
        crew = Crew(site=CLOSED_SITE, console=run.console, clock=run.clock)
        with anyio.CancelScope() as scope:
            sleep = run.clock.sleep

            async def cancels(seconds: float) -> None:
                if run.clock.monotonic() > 5:
                    scope.cancel()
                await sleep(seconds)

            run.clock.sleep = cancels  # type: ignore[method-assign] # somebody presses Ctrl-C
            await deploy(run.deployer, ALL, crew)

    anyio.run(cut)
    assert dict.fromkeys(OLD, "old") == digests(platform)


def test_rollback() -> None:
    """The items want what ran before, a proof what it is about; what has no past is an error before anything begins."""
    running = {**OLD, PAGE.id: Running(digest="new", previous="old")}
    assert ["older", "older", "old"] == [item.want for item in rollbacks(ALL, running)]
    proof = replace(PAGE, id=f"{PAGE.id}/seen", kind=ItemKind.PROOF, needs=(PAGE.id,))
    assert "old" == rollbacks((*ALL, proof), running)[-1].want
    with pytest.raises(DeployFailed, match=r"agent: has nothing to return to"):
        rollbacks(ALL, {**OLD, AGENT.id: Running(digest="old")})


@pytest.mark.parametrize(
    ("fault", "tries"), [(Fault.BUSY, 2), (Fault.LOST, 1), (Fault.RIVAL, 1)], ids=["busy", "lost", "rival"]
)
def test_doubts_are_looked_into(fault: Fault, tries: int) -> None:
    """After a lost answer the platform is asked, and nothing is done twice."""
    platform = Platform(running=dict(OLD))
    outcome = Run(platform, [fault])((INDEX,))
    assert [(INDEX.id, "new")] == platform.log
    assert [tries] == [row.tries for row in outcome.rows]


def test_refused() -> None:
    """What was refused was not moved, and the others return."""
    platform = Platform(running=dict(OLD))
    outcome = Run(platform, [Fault.NONE, Fault.REFUSED])((INDEX, AGENT))
    assert dict.fromkeys(OLD, "old") == digests(platform)
    assert "refused" in str(failure(outcome))


FAULTS = st.lists(st.sampled_from([*Fault]), max_size=8)
SICK = st.sets(st.sampled_from([item.id for item in ALL]), max_size=2)


@given(FAULTS, SICK)
def test_all_or_nothing(faults: list[Fault], sick: set[str]) -> None:
    """Whatever happens but the end of this program, all is new and healthy, or all is old."""
    faults = [fault for fault in faults if fault not in {Fault.CRASH, Fault.CRASH_AFTER, Fault.REFUSED}]
    if sum(fault in {Fault.BUSY, Fault.RIVAL, Fault.LOST} for fault in faults) >= TRIES:
        return  # one item may have met all of them, and was given up
    platform = Platform(running=dict(OLD), sick={(name, "new") for name in sick})
    error = failure(Run(platform, faults)())
    assert dict.fromkeys(OLD, "old" if error else "new") == digests(platform)
    assert bool(sick) == bool(error)
    assert not platform.mixed()


@given(st.lists(FAULTS, max_size=4))
def test_run_again_after_any_crash(runs: list[list[Fault]]) -> None:
    """Runs end anywhere; one that is left alone brings all of it, and applies nothing that is there."""
    platform = Platform(running=dict(OLD))
    for faults in runs:
        try:
            Run(platform, faults)()
        except (Crash, Unfinished):
            continue
    before, length = digests(platform), len(platform.log)
    assert failure(Run(platform)()) is None
    assert dict.fromkeys(OLD, "new") == digests(platform)
    applied = [name for name, _ in platform.log[length:]]
    assert sorted(name for name, digest in before.items() if digest != "new") == sorted(applied)


@pytest.mark.parametrize(("retries", "seconds"), [(0.0, 0), (3.0, 3), (200.0, 100)])
def test_how_often_one_is_asked_again(retries: float, seconds: float) -> None:
    """S2-14, S2-16: one that answers, and not well, is asked so many times more, as long as there is time."""
    platform = Platform(running=dict(OLD), sick={(INDEX.id, "new")})
    run = Run(platform, terms=Terms(wait=100, interval=0.25, watch=0, retries=retries))
    assert isinstance(failure(run()), DeployFailed)
    assert seconds == run.clock.monotonic()
