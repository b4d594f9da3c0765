"""Formulas in a tap: committed, again, over those before, and what must not happen to them."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from forging import READER, told
from shipways.errors import Unfinished
from shipways.model.outcome import State
from shipways.rehearse.faults import Fault
from shipways.rehearse.forgegitjson import Shield
from tapping import TAP, Tapped, states, tapped

pytestmark = pytest.mark.integration

ITEM = "v1.0.0/formulas"


@pytest.fixture
def hub() -> Iterator[Tapped]:
    """A tap with a README."""
    with tapped() as made:
        yield made


def test_release(hub: Tapped, tmp_path: Path) -> None:
    """The formula is on the tap's branch, in one commit, after the release is public."""
    made = hub.release(tmp_path)
    outcome = hub.converge(made)
    assert (None, {ITEM: State.APPLIED}) == (outcome.error(), states(outcome))
    assert {"README.md": b"A tap.\n", "Formula/demo.rb": made.formula()} == hub.tap.files()
    assert ["demo 1.0.0", "first"] == hub.tap.log()
    git = [path for method, path in hub.writes() if path.startswith(TAP)]
    assert [f"{TAP}/git/trees", f"{TAP}/git/commits", f"{TAP}/git/refs/heads/main"] == git
    published = hub.traffic.requests.index(("PATCH", "/api/v3/repos/example/demo/releases/101"))
    fetched = hub.traffic.requests.index(("GET", "/example/demo/releases/download/v1.0.0/demo.tar.gz"))
    assert published < fetched < hub.traffic.requests.index(("POST", f"/api/v3/repos/{TAP}/git/trees"))


def test_several_formulas(hub: Tapped, tmp_path: Path) -> None:
    """All of a release are one commit."""
    made = hub.release(tmp_path, names=("demo", "demo@1.0", "other"))
    assert hub.converge(made).error() is None
    assert ["demo, demo@1.0, other 1.0.0", "first"] == hub.tap.log()
    assert made.formula("demo@1.0") == hub.tap.files()["Formula/demo@1.0.rb"]


def test_again(hub: Tapped, tmp_path: Path) -> None:
    """The same once more changes nothing: three questions, and one for the formula."""
    made = hub.release(tmp_path)
    hub.converge(made)
    outcome = hub.converge(made)
    mine = [path for _, path in hub.traffic.requests if TAP in path]
    assert ({ITEM: State.DONE}, [], 4) == (states(outcome), hub.writes(), len(mine))


def test_dry_run(hub: Tapped, tmp_path: Path) -> None:
    """Says what would be done, and does nothing."""
    outcome = hub.converge(hub.release(tmp_path), apply=False)
    assert ({ITEM: State.PENDING}, []) == (states(outcome), hub.writes())


def test_second_release(hub: Tapped, tmp_path: Path) -> None:
    """The next one replaces it; the first, published again, does not replace the second."""
    first, second = hub.release(tmp_path), hub.release(tmp_path, "1.1.0")
    hub.converge(first)
    assert hub.converge(second).error() is None
    assert (second.formula(), 3) == (hub.tap.files()["Formula/demo.rb"], len(hub.tap.log()))
    outcome = hub.converge(first)
    assert ({ITEM: State.KEPT}, []) == (states(outcome), hub.writes())


def test_prerelease(hub: Tapped, tmp_path: Path) -> None:
    """It leaves the tap as it is."""
    outcome = hub.converge(hub.release(tmp_path, "1.0.0-rc.1"))
    assert (None, {}, ["first"]) == (outcome.error(), states(outcome), hub.tap.log())


@pytest.mark.parametrize(
    ("there", "place"),
    [
        ({"HomebrewFormula__other_dot_rb": "x"}, "HomebrewFormula/demo.rb"),
        ({"HomebrewFormula__other_dot_rb": "x", "Formula__other_dot_rb": "x"}, "Formula/demo.rb"),
        ({"other_dot_rb": "x"}, "demo.rb"),
        ({"cmd__other_dot_rb": "x"}, "Formula/demo.rb"),
        ({"Formula__demo_dot_rb": "old", "Formula__d__demo_dot_rb": "old"}, "Formula/d/demo.rb"),
    ],
)
def test_places(hub: Tapped, tmp_path: Path, there: dict[str, str], place: str) -> None:
    """The formula goes where Homebrew looks in this tap, over the one that it takes when there are two."""
    hub.tap.put("more", **there)
    made = hub.release(tmp_path)
    before = set(hub.tap.files())
    assert hub.converge(made).error() is None
    assert (made.formula(), before | {place}) == (hub.tap.files()[place], set(hub.tap.files()))
    assert states(hub.converge(made)) == {ITEM: State.DONE}


def test_by_hand(hub: Tapped, tmp_path: Path) -> None:
    """One that a person wrote, or edited, is replaced, unless it says a newer version."""
    made = hub.release(tmp_path)
    hub.tap.put("mine", Formula__demo_dot_rb='class Demo < Formula\n  version "1.0.1"\nend\n')
    assert {ITEM: State.KEPT} == states(hub.converge(made))
    hub.tap.put("mine", Formula__demo_dot_rb='class Demo < Formula\n  version "0.9.0"\nend\n')
    assert {ITEM: State.APPLIED} == states(hub.converge(made))
    hub.tap.put("mine", Formula__demo_dot_rb=f"# edited\n{made.formula().decode()}")
    assert {ITEM: State.APPLIED} == states(hub.converge(made))
    assert made.formula() == hub.tap.files()["Formula/demo.rb"]


def test_other_bytes(hub: Tapped, tmp_path: Path) -> None:
    """Bytes at a URL of the formula that are not those it names stop it, with both digests."""
    made = hub.release(tmp_path)

    def swap(method: str, path: str) -> Fault:
        if path.startswith("/storage"):
            next(a for r in hub.forge.releases.values() for a in r.assets.values() if ".tar" in a.name).data = b"other"
        return Fault.NONE

    hub.fault = swap
    outcome = hub.converge(made)
    assert (True, ["first"]) == (
        "demo.tar.gz is sha256:d9298a10d1b0735837dc4bd85dac641b" in told(outcome),
        hub.tap.log(),
    )


def test_not_there_yet(hub: Tapped, tmp_path: Path) -> None:
    """What is public and not there for everybody yet is asked for again."""
    made, count = hub.release(tmp_path), iter(range(100))

    def late(method: str, path: str) -> Fault:
        if "/releases/download/" in path:
            asset = next(a for r in hub.forge.releases.values() for a in r.assets.values() if ".tar" in a.name)
            asset.state = "uploaded" if next(count) > 1 else "starter"
        return Fault.NONE

    hub.fault = late
    assert (None, True) == (hub.converge(made).error(), "is not there for everybody; again in 2 s" in hub.notes())
    assert ["demo 1.0.0", "first"] == hub.tap.log()


@pytest.mark.parametrize(
    ("token", "said"), [("", "Requires authentication"), ("wrong", "Bad credentials"), (READER, "contents: write")]
)
def test_rights(hub: Tapped, tmp_path: Path, token: str, said: str) -> None:
    """Without a token, with a wrong one, or one that may not write: the tap stays, and a hint says what to do."""
    outcome = hub.converge(hub.release(tmp_path), token=token)
    assert isinstance(outcome.error(), Unfinished)
    assert (True, ["first"]) == (said in told(outcome), hub.tap.log()), told(outcome)


def test_preflight(hub: Tapped) -> None:
    """What would stop a release is known before it is built."""
    assert "" == hub.preflight()
    assert "HOMEBREW_TAP_TOKEN: is not set" in hub.preflight(token="")
    assert "example/homebrew-tap: cannot be written to with this token" in hub.preflight(token=READER)
    hub.tap.rules = ("deletion", "pull_request")
    assert "takes no commit of this token\n  why: pull_request, of the ruleset closed" in hub.preflight()
    hub.tap.bypass = "always"
    assert "" == hub.preflight()
    hub.tap.refs.clear()
    assert "example/homebrew-tap: has no branch main" in hub.preflight()
    hub.tap.refs["heads/other"] = "0" * 40
    assert "example/homebrew-tap: has no branch main" in hub.preflight()


@pytest.mark.parametrize(
    ("shield", "admin", "closed"),
    [
        (Shield(checks=("ci", "lint")), False, True),
        (Shield(checks=("ci", "lint"), enforcement="non_admins"), False, True),
        (Shield(checks=("ci", "lint"), enforcement="non_admins"), True, False),
        (Shield(checks=("ci", "lint"), enforcement="off"), False, False),
        (Shield(), False, False),
    ],
)
def test_protected_branch(hub: Tapped, tmp_path: Path, shield: Shield, admin: bool, closed: bool) -> None:
    """Status checks that a commit lacks stop a release before it is built; other protection is told, and stops none."""
    assert ("", ()) == (hub.preflight(), hub.foresee())
    hub.tap.shield, hub.tap.admin = shield, admin
    why = "takes no commit of this token\n  why: it needs the status checks ci, lint"
    assert closed == (why in hub.preflight())
    warned = ["is protected, and only admins are told how" in line for line in hub.foresee()]
    assert ([] if closed else [True]) == warned
    if closed:
        outcome = hub.converge(hub.release(tmp_path))
        assert (True, ["first"]) == ("Required status check" in told(outcome), hub.tap.log()), told(outcome)
    hub.pull_request = True
    assert ("", ()) == (hub.preflight(), hub.foresee())


def test_token_of_a_job(hub: Tapped) -> None:
    """That of GitHub Actions is for its own repository alone, which GitHub tells; what is not told is no problem."""
    job = "ghs_canary"
    hub.tap.desk.tokens = {job: "read"}
    hub.forge.desk.tokens = {job: "write"}
    assert "example/homebrew-tap: cannot be written to with this token" in hub.preflight(token=job)
    hub.forge.desk.tokens = {job: ""}
    assert "" == hub.preflight(token=job)


def test_closed_branch(hub: Tapped, tmp_path: Path) -> None:
    """A branch that takes no commits is told in GitHub's words."""
    hub.tap.rules = ("pull_request",)
    outcome = hub.converge(hub.release(tmp_path))
    assert (True, ["first"]) == ("Changes must be made through a pull request" in told(outcome), hub.tap.log())


def test_no_tap(hub: Tapped, tmp_path: Path) -> None:
    """A tap that is not there, or not for us to see, and one that is empty."""
    hub.tap.refs.clear()
    assert "make it, with a README" in told(hub.converge(hub.release(tmp_path)))
    hub.tap.desk.name = "example/other"
    outcome = hub.converge(hub.release(tmp_path, "1.1.0"))
    assert "check publish.homebrew.tap" in told(outcome)
