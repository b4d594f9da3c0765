"""Which version comes next."""

import json

import pytest

from shipways.config.load import parse
from shipways.manifestfacts import Place
from shipways.model.change import Bump
from shipways.model.commit import Commit
from shipways.news import History
from shipways.versioning.following import bumped, following, following_json, following_text, grouped, next_number
from support import facts

FEAT, FIX, PERF = Commit(subject="feat: a door"), Commit(subject="fix(x): a lock"), Commit(subject="perf: oil")
DOCS, FREE = Commit(subject="docs: a word"), Commit(subject="Merge the rest")
BANG, FOOTER = Commit(subject="refactor!: no roof"), Commit(subject="fix: it", body="x\n\nBREAKING CHANGE: no lift")


def history(*commits: Commit, tags: tuple[str, ...] = ("1.2.0",), later: tuple[Commit, ...] | None = None) -> History:
    """Commits since the last full version of these, the newest first."""
    full = next((number for number in tags if "-" not in number), "")
    since = f"v{full}" if full else ""
    return History(numbers=tags, since=since, commits=commits, later=commits if later is None else later)


@pytest.mark.parametrize(
    ("last", "bump", "number"),
    [
        ("1.2.3", Bump.PATCH, "1.2.4"),
        ("1.2.3", Bump.MINOR, "1.3.0"),
        ("1.2.3", Bump.MAJOR, "2.0.0"),
        ("0.2.3", Bump.PATCH, "0.2.4"),
        ("0.2.3", Bump.MINOR, "0.3.0"),
        ("0.2.3", Bump.MAJOR, "0.3.0"),
        ("1.2.3", Bump.NONE, "1.2.3"),
        ("1.2.3+build", Bump.PATCH, "1.2.4"),
    ],
)
def test_bumped(last: str, bump: Bump, number: str) -> None:
    """As semantic versioning has it; before 1.0.0 what breaks raises the second number."""
    assert number == bumped(last, bump)


@pytest.mark.parametrize(
    ("commits", "number"),
    [
        ((FIX, DOCS), "1.2.1"),
        ((PERF,), "1.2.1"),
        ((FIX, FEAT, FREE), "1.3.0"),
        ((FEAT, BANG), "2.0.0"),
        ((FOOTER, FEAT), "2.0.0"),
        ((DOCS, FREE), ""),
        ((), ""),
    ],
)
def test_commits_decide(commits: tuple[Commit, ...], number: str) -> None:
    """The greatest thing that a commit asks for; what users do not notice asks for nothing."""
    assert number == next_number(["1.2.0"], history(*commits), "")


@pytest.mark.parametrize(
    ("said", "commits", "number"),
    [
        ("1.3.0", (FEAT,), "1.3.0"),
        ("1.3.0", (FEAT, BANG), "2.0.0"),
        ("2.0.0", (FIX,), "2.0.0"),
        ("2.0.0", (), "2.0.0"),
        ("1.3.0-rc.1", (FEAT,), "1.3.0"),
    ],
)
def test_manifest_ahead(said: str, commits: tuple[Commit, ...], number: str) -> None:
    """A version that is set and has no tag stays, until commits ask for more; so setting it twice changes nothing."""
    assert number == next_number([said], history(*commits), "")


@pytest.mark.parametrize(("said", "number"), [("0.4.0", "0.4.0"), ("0.0.0", "0.1.0"), ("1.0.0-rc.1", "1.0.0")])
def test_first(said: str, number: str) -> None:
    """The first release is what the manifest says."""
    assert number == next_number([said], history(FEAT, tags=()), "")


@pytest.mark.parametrize(
    ("tags", "later", "number"),
    [
        (("1.2.0",), (FEAT,), "1.3.0-rc.1"),
        (("1.3.0-rc.1", "1.2.0"), (FIX,), "1.3.0-rc.2"),
        (("1.3.0-rc.1", "1.2.0"), (DOCS,), ""),
        (("1.3.0-rc.10", "1.3.0-rc.9", "1.2.0"), (FIX,), "1.3.0-rc.11"),
        (("1.3.0-beta.4", "1.2.0"), (), "1.3.0-rc.1"),
        (("1.2.1-rc.1", "1.2.0"), (FEAT,), "1.3.0-rc.1"),
    ],
)
def test_prereleases(tags: tuple[str, ...], later: tuple[Commit, ...], number: str) -> None:
    """Counted for the version they lead to; without news since the last one there is none."""
    assert number == next_number(["1.2.0"], history(FEAT, tags=tags, later=later), "rc")


def test_after_prereleases() -> None:
    """The full version comes of all commits since the last full one, with none since the pre-release too."""
    assert "1.3.0" == next_number(["1.3.0-rc.1"], history(FEAT, tags=("1.3.0-rc.1", "1.2.0"), later=()), "")


CONFIG = parse(
    '[project]\nname = "p"\n'
    + "".join(
        f'[package.{n}]\nbuild = "go"\ntag = "{t}-v{{version}}"\n' for n, t in {"a": "x", "b": "y", "c": "x"}.items()
    )
    + '[package.d]\nbuild = "go"\ntag = "z-v{version}"\n',
    "shipways.toml",
)


def test_groups() -> None:
    """Packages with one tag pattern, or whose version one line says, have one version."""
    line = Place(path="Cargo.toml", keys=("workspace", "package", "version"), said="1.0.0")
    assert (("b",), ("a", "c"), ("d",)) == grouped(CONFIG, dict.fromkeys("abcd"))
    assert (("a", "c"), ("b", "d")) == grouped(CONFIG, {"a": None, "b": line, "c": None, "d": line})
    assert (("d",), ("a", "b", "c")) == tuple(
        sorted(grouped(CONFIG, {"a": line, "b": line, "c": None, "d": None}), key=len)
    )


def test_told() -> None:
    """People get a line and the reasons, programs the same as JSON."""
    known = facts(a="1.2.0", c="1.2.0", b="0.1.0")
    found = [
        *following(CONFIG, known, ("a", "c"), history(FEAT, DOCS, BANG), ""),
        *following(CONFIG, known, ("b",), history(tags=("0.1.0",)), ""),
    ]
    assert (
        "a 1.2.0 -> 2.0.0\n  minor  feat: a door\n  major  refactor!: no roof\n"
        "c 1.2.0 -> 2.0.0\n  minor  feat: a door\n  major  refactor!: no roof\n"
        "b 0.1.0: nothing since v0.1.0 that asks for a release"
    ) == following_text(found)
    first, _, last = json.loads(following_json(found))
    commits = [{"bump": "minor", "subject": "feat: a door"}, {"bump": "major", "subject": "refactor!: no roof"}]
    assert {
        "package": "a",
        "now": "1.2.0",
        "next": "2.0.0",
        "tag": "x-v2.0.0",
        "since": "v1.2.0",
        "commits": commits,
    } == first
    assert (None, None, []) == (last["next"], last["tag"], last["commits"])
