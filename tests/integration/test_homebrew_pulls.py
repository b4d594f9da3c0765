"""Formulas that come to a tap by a pull request, from a branch in the tap or in a fork."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from forging import READER, told
from shipways.model.outcome import State
from shipways.rehearse.faults import Fault
from tapping import FORK, HELPER, TAP, TOKEN, Tapped, states, tapped

pytestmark = pytest.mark.integration

BRANCH = "shipways/demo/v1.0.0"
ITEMS = ["v1.0.0/branch", "v1.0.0/pull-request"]


@pytest.fixture
def hub() -> Iterator[Tapped]:
    """A tap that takes pull requests."""
    with tapped(pull_request=True) as made:
        yield made


@pytest.fixture
def forked() -> Iterator[Tapped]:
    """One that takes them from a fork."""
    with tapped(pull_request=True, fork=True) as made:
        yield made


def test_release(hub: Tapped, tmp_path: Path) -> None:
    """The branch is there before the release is public, the pull request after, and the tap itself stays."""
    made = hub.release(tmp_path)
    outcome = hub.converge(made)
    assert (None, dict.fromkeys(ITEMS, State.APPLIED)) == (outcome.error(), states(outcome))
    assert made.formula() == hub.tap.files(BRANCH)["Formula/demo.rb"]
    assert (["demo 1.0.0", "first"], ["first"]) == (hub.tap.log(BRANCH), hub.tap.log())
    (pull,) = hub.tap.pulls
    assert ("demo 1.0.0", "main", f"example:{BRANCH}") == (pull.title, pull.base, pull.head)
    writes = [path for method, path in hub.writes() if method in ("POST", "PATCH")]
    assert writes.index(f"{TAP}/git/refs") < writes.index("example/demo/releases/101") < writes.index(f"{TAP}/pulls")
    assert f"{hub.url}/{TAP}/pull/1" == outcome.rows[-1].url


def test_again(hub: Tapped, tmp_path: Path) -> None:
    """While it is open, when it is merged, and after the next one, nothing is left to do."""
    made, later = hub.release(tmp_path), hub.release(tmp_path, "1.1.0")
    hub.converge(made)
    assert (dict.fromkeys(ITEMS, State.DONE), []) == (states(hub.converge(made)), hub.writes())
    hub.merge()
    assert (dict.fromkeys(ITEMS, State.DONE), []) == (states(hub.converge(made)), hub.writes())
    assert hub.converge(later).error() is None
    hub.merge()
    assert later.formula() == hub.tap.files()["Formula/demo.rb"]
    kept = {ITEMS[0]: State.DONE, ITEMS[1]: State.KEPT}
    assert (kept, []) == (states(hub.converge(made)), hub.writes())


def test_audit(hub: Tapped, tmp_path: Path) -> None:
    """A formula is downloaded from the branch of its open pull request, else from the tap, and so is what it names."""
    made = hub.release(tmp_path)
    hub.converge(made)
    led = "1 files that its formulas lead to are what these say"
    (downloads := tmp_path / "downloads").mkdir()
    for count in (2, 1):
        found = hub.audit(made, downloads)
        told = [text for channel, text in found.right if channel == "homebrew"]
        assert ([f"{count} downloads are what was made", led], (), ()) == (told, found.wrong, found.unasked)
        if count == 2:
            hub.merge()
    assert [] == list(downloads.iterdir())
    hub.tap.put("edited", Formula__demo_dot_rb="# edited\n")
    (problem,) = hub.audit(made, downloads).wrong
    assert "homebrew/v1.0.0/pull-request" == problem.path


def test_refused_by_a_person(hub: Tapped, tmp_path: Path) -> None:
    """One that was closed is opened anew by the next run, for the release wants it."""
    made = hub.release(tmp_path)
    hub.converge(made)
    hub.tap.pulls[0].state = "closed"
    assert {ITEMS[0]: State.DONE, ITEMS[1]: State.APPLIED} == states(hub.converge(made))
    assert 2 == len(hub.tap.pulls)


def test_branch_of_an_earlier_try(hub: Tapped, tmp_path: Path) -> None:
    """What is staged may be replaced as long as nothing is public, upon what the tap is by then."""
    made = hub.release(tmp_path)
    hub.tap.refs[f"heads/{BRANCH}"] = hub.tap.refs["heads/main"]
    hub.tap.put("an earlier try", BRANCH, Formula__demo_dot_rb="old")
    hub.tap.put("of another project", Formula__other_dot_rb="x")
    assert hub.converge(made).error() is None
    assert ["demo 1.0.0", "of another project", "first"] == hub.tap.log(BRANCH)
    assert "v1.0.0/branch: replaces demo sha256:" in hub.notes()


def test_nothing_is_offered_before_it_is_public(hub: Tapped, tmp_path: Path) -> None:
    """When the release is not published, there is a branch at most."""
    hub.fault = lambda method, _: Fault.ERROR if method == "PATCH" else Fault.NONE
    outcome = hub.converge(hub.release(tmp_path))
    assert (State.BLOCKED, []) == (states(outcome)[ITEMS[1]], hub.tap.pulls)


def test_fork(forked: Tapped, tmp_path: Path) -> None:
    """The fork is synced, so that the branch is upon what the tap is now; the tap gets nothing but the request."""
    made = forked.release(tmp_path)
    forked.tap.put("of another project", Formula__other_dot_rb="x")
    outcome = forked.converge(made, token=HELPER)
    assert (None, dict.fromkeys(ITEMS, State.APPLIED)) == (outcome.error(), states(outcome))
    assert ["demo 1.0.0", "of another project", "first"] == forked.fork.log(BRANCH)
    assert {"heads/main"} == set(forked.tap.refs)
    assert [f"{FORK}:{BRANCH}"] == [pull.head for pull in forked.tap.pulls]
    tap = [path for _, path in forked.writes() if path.startswith(TAP)]
    assert [f"{TAP}/pulls"] == tap
    assert (dict.fromkeys(ITEMS, State.DONE), []) == (states(forked.converge(made, token=HELPER)), forked.writes())
    forked.merge()
    assert (dict.fromkeys(ITEMS, State.DONE), []) == (states(forked.converge(made, token=HELPER)), forked.writes())


def test_fork_with_commits_of_its_own(forked: Tapped, tmp_path: Path) -> None:
    """One that cannot be synced is told, and nothing is public."""
    forked.fork.put("mine", Formula__other_dot_rb="x")
    forked.tap.put("of another project", Formula__other_dot_rb="y")
    outcome = forked.converge(forked.release(tmp_path), token=HELPER)
    assert ("sync its branch by hand" in told(outcome), False) == (True, outcome.begun)


def test_preflight(hub: Tapped, forked: Tapped) -> None:
    """Rules of the branch are no problem; who forks needs no right in the tap, but a fork, and the right there."""
    hub.tap.rules = ("pull_request",)
    assert ("", "") == (hub.preflight(), forked.preflight(token=HELPER))
    assert f"{TAP}: cannot be written to" in hub.preflight(token=READER)
    assert f"{FORK}/homebrew-tap: cannot be written to" in forked.preflight(token=TOKEN)
    forked.fork.upstream = None
    assert f"{FORK}/homebrew-tap is not a fork of {TAP}" in forked.preflight(token=HELPER)
