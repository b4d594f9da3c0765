"""Formulas on their way to a tap, disturbed by faults, by ends of the program, and by other runners."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from forging import READER, TOKEN, never, told
from shipways.errors import Unfinished
from shipways.model.outcome import State
from shipways.rehearse.faults import Chooser, Fault
from tapping import TAP, Release, Tapped, states, tapped

pytestmark = pytest.mark.integration

FAULTS = [pytest.param(fault, marks=pytest.mark.long) for fault in (Fault.ERROR, Fault.ERROR_AFTER, Fault.LIMIT)]
WAYS = ["direct", *(pytest.param(way, marks=pytest.mark.long) for way in ("pull request", "fork"))]
BRANCH = "shipways/demo/v1.0.0"


@pytest.fixture(params=WAYS)
def hub(request: pytest.FixtureRequest) -> Iterator[Tapped]:
    """A tap, in each of the ways to it."""
    with tapped(pull_request=request.param != "direct", fork=request.param == "fork") as made:
        made.fork.desk.tokens = dict.fromkeys(made.fork.desk.tokens, "write")
        yield made


def of_the_tap(path: str) -> bool:
    """Whether a request is one of this channel; those of the release have tests of their own."""
    return "homebrew-tap" in path or "/releases/download/" in path or path.startswith("/storage")


def at(number: int, fault: Fault, *, ends: bool) -> Chooser:
    """A fault at this request of the channel; `ends`: then nobody answers any more."""
    count = iter(range(1_000_000))

    def choose(method: str, path: str) -> Fault:
        if not of_the_tap(path):
            return Fault.NONE
        now = next(count)
        return fault if now == number else Fault.ERROR if ends and now > number else Fault.NONE

    return choose


def requests(hub: Tapped, made: Release) -> int:
    """How many this channel needs when nothing disturbs it."""
    assert hub.converge(made).error() is None
    return sum(of_the_tap(path) for _, path in hub.traffic.requests)


def check(hub: Tapped, made: Release) -> None:
    """One commit with the formula, where it should be, and one request at most to pull it."""
    side = hub.fork if hub.owner else hub.tap
    branch = BRANCH if hub.pull_request else "main"
    assert (["demo 1.0.0", "first"], made.formula()) == (side.log(branch), side.files(branch)["Formula/demo.rb"])
    assert len(hub.tap.pulls) == int(hub.pull_request)
    assert hub.pull_request is (["first"] == hub.tap.log())


@pytest.mark.parametrize("fault", [Fault.LOST, *FAULTS])
def test_faults(hub: Tapped, fault: Fault, tmp_path: Path) -> None:
    """Each fault at each request: the run ends well, and nothing is there twice; another one changes nothing."""
    made = hub.release(tmp_path)
    for number in range(requests(hub, made)):
        hub.empty()
        hub.fault = at(number, fault, ends=False)
        assert hub.converge(made).error() is None, number
        check(hub, made)
        hub.fault = never
        assert ({State.DONE}, []) == (set(states(hub.converge(made)).values()), hub.writes()), number


@pytest.mark.parametrize("fault", [Fault.LOST, FAULTS[0]])
def test_ends_anywhere(hub: Tapped, fault: Fault, tmp_path: Path) -> None:
    """A run that ends before or after any request is finished by the next one."""
    made = hub.release(tmp_path)
    for number in range(requests(hub, made)):
        hub.empty()
        hub.fault = at(number, fault, ends=True)
        hub.converge(made)
        hub.fault = never
        assert hub.converge(made).error() is None, number
        check(hub, made)


def test_race(hub: Tapped, tmp_path: Path) -> None:
    """Several runners at the same time come to one commit."""
    made = hub.release(tmp_path)
    for _ in range(3):
        hub.empty()
        assert [None, None, None] == [outcome.error() for outcome in hub.race(made, 3)]
        check(hub, made)


def test_another_project(tmp_path: Path) -> None:
    """A commit that somebody else adds to the tap between our look and our change stays; ours comes upon it."""
    with tapped() as hub:
        made, once = hub.release(tmp_path), iter([True])

        def rival(method: str, path: str) -> Fault:
            if path == f"/api/v3/repos/{TAP}/git/refs/heads/main" and next(once, False):
                hub.tap.put("of another project", Formula__other_dot_rb="x")
            return Fault.NONE

        hub.fault = rival
        assert hub.converge(made).error() is None
        assert ["demo 1.0.0", "of another project", "first"] == hub.tap.log()
        assert "has been changed by somebody else; again in 1 s" in hub.notes()


def test_newer_rival(tmp_path: Path) -> None:
    """A newer formula that comes between our look and our change is not replaced."""
    with tapped() as hub:
        made, once = hub.release(tmp_path), iter([True])
        newer = hub.release(tmp_path, "1.1.0").formula().decode()

        def rival(method: str, path: str) -> Fault:
            if path.startswith("/storage") and next(once, False):
                hub.tap.put("newer", Formula__demo_dot_rb=newer)
            return Fault.NONE

        hub.fault = rival
        assert ({"v1.0.0/formulas": State.KEPT}, ["newer", "first"]) == (states(hub.converge(made)), hub.tap.log())


def test_canary(hub: Tapped, tmp_path: Path) -> None:
    """No token in what a run says, whatever goes wrong, nor in a request that is not for the API."""
    made = hub.release(tmp_path)
    said = []
    for number in range(6):
        hub.empty()
        hub.fault = at(number, Fault.ERROR, ends=True)
        for token in (TOKEN, READER, "canary-of-nobody"):
            outcome = hub.converge(made, token=token)
            assert isinstance(outcome.error(), Unfinished)
            said.append(f"{outcome} {told(outcome)} {hub.console.events} {hub.console.printed}")
    assert ("canary" not in "".join(said), []) == (True, hub.forge.leaked)
