"""A release on GitHub that is disturbed, by faults, by other runners, and without rights."""

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from forging import ALL, READER, TOKEN, Github, at, check, draft, github, gone_after, manifest, never, states, told
from shipways.config.manifestfile import FILE_NAME
from shipways.errors import Unfinished
from shipways.model.outcome import State
from shipways.rehearse.faults import Fault

pytestmark = pytest.mark.integration


@pytest.fixture
def hub() -> Iterator[Github]:
    """An empty repository."""
    with github() as made:
        yield made


def test_rival(hub: Github, tmp_path: Path) -> None:
    """A draft that another runner makes between our look and ours wins; ours goes."""
    made = manifest("1.0.0", tmp_path)

    def rival(method: str, path: str) -> Fault:
        if method == "POST" and not hub.forge.releases:
            draft(hub, body="What is new in 1.0.0.", commit=made.commit)
        return Fault.NONE

    hub.fault = rival
    assert hub.converge(made, tmp_path).error() is None
    assert [1] == list(hub.forge.releases)
    check(hub, tmp_path)


def test_race(hub: Github, tmp_path: Path) -> None:
    """Several runners at the same time make one release, whole."""
    made = manifest("1.0.0", tmp_path)
    for _ in range(5):
        hub.forge.clear()
        assert [None, None, None] == [outcome.error() for outcome in hub.race(made, tmp_path, 3)]
        assert 1 == len(hub.forge.releases)
        check(hub, tmp_path)


@pytest.mark.parametrize(
    ("token", "said"), [("", "Requires authentication"), ("wrong", "Bad credentials"), (READER, "contents: write")]
)
def test_rights(hub: Github, tmp_path: Path, token: str, said: str) -> None:
    """Without a token, with a wrong one, or one that may not write: nothing is there, and the hint says what to do."""
    outcome = hub.converge(manifest("1.0.0", tmp_path), tmp_path, token=token)
    assert isinstance(outcome.error(), Unfinished)
    assert (True, {}) == (said in told(outcome), hub.forge.releases), told(outcome)


def test_no_repository(hub: Github, tmp_path: Path) -> None:
    """A repository that is not there, or not for us to see."""
    hub.forge.desk.name = "example/other"
    assert "check project.repository" in told(hub.converge(manifest("1.0.0", tmp_path), tmp_path))


def test_budget(hub: Github, tmp_path: Path) -> None:
    """When the budget is used up, the run waits until it is full again, and goes on."""
    hub.forge.desk.remaining = 9
    begin = time.time()

    def refill(method: str, path: str) -> Fault:
        if hub.clock.now() > begin + 3000:
            hub.forge.desk.remaining = 5000
        return Fault.NONE

    hub.fault = refill
    assert hub.converge(manifest("1.0.0", tmp_path), tmp_path).error() is None
    assert "says that its limit is reached; again in 3" in hub.notes()
    check(hub, tmp_path)


def test_upload_breaks(hub: Github, tmp_path: Path) -> None:
    """What a broken upload leaves behind is deleted, and sent anew in the same run."""
    broken = iter((Fault.HALF, Fault.HALF))
    hub.fault = lambda _, path: next(broken, Fault.NONE) if "uploads" in path else Fault.NONE
    assert hub.converge(manifest("1.0.0", tmp_path), tmp_path).error() is None
    assert (5, 2) == tuple(
        len([m for m, path in hub.writes() if m == method and "assets" in path]) for method in ("POST", "DELETE")
    )
    check(hub, tmp_path)


FAULTS = [Fault.ERROR, Fault.ERROR_AFTER, Fault.LOST, Fault.LIMIT]


@pytest.mark.parametrize("fault", FAULTS)
def test_faults(hub: Github, fault: Fault, tmp_path: Path) -> None:
    """Each fault at each request: the run brings everything there, and nothing twice; another one changes nothing."""
    made = manifest("1.0.0", tmp_path)
    hub.converge(made, tmp_path)
    for number in range(len(hub.traffic.requests)):
        hub.forge.clear()
        before, hub.fault = hub.forge.last, at(number, fault)
        outcome = hub.converge(made, tmp_path)
        assert (None, 4) == (outcome.error(), hub.forge.last - before), (number, told(outcome))
        check(hub, tmp_path)
        hub.fault = never
        assert (dict.fromkeys(ALL, State.DONE), []) == (states(hub.converge(made, tmp_path)), hub.writes())


@pytest.mark.parametrize("fault", [Fault.ERROR, Fault.LOST])
def test_ends_anywhere(hub: Github, fault: Fault, tmp_path: Path) -> None:
    """A run that ends before or after any request is finished by the next one; nothing is made twice."""
    made = manifest("1.0.0", tmp_path)
    hub.converge(made, tmp_path)
    for number in range(len(hub.traffic.requests)):
        hub.forge.clear()
        before, hub.fault = hub.forge.last, gone_after(number, fault)
        assert isinstance(hub.converge(made, tmp_path).error(), Unfinished), number
        hub.fault = never
        outcome = hub.converge(made, tmp_path)
        assert (None, 4) == (outcome.error(), hub.forge.last - before), (number, told(outcome))
        check(hub, tmp_path)


def test_canary(hub: Github, tmp_path: Path) -> None:
    """No token in what a run says, whatever goes wrong."""
    made = manifest("1.0.0", tmp_path)
    seen = []
    for number in range(8):
        hub.fault = at(number, Fault.ERROR)
        for token in (TOKEN, READER, "canary-of-nobody"):
            outcome = hub.converge(made, tmp_path, token=token)
            seen.append(f"{outcome} {told(outcome)} {hub.console.events} {hub.console.printed}")
    assert "canary" not in "".join(seen)
    assert FILE_NAME in "".join(seen)
