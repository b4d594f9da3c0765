"""When a run is a release, and of which packages."""

import pytest

from shipways.config.load import parse
from shipways.config.schema import Config
from shipways.errors import PreflightError
from shipways.model.facts import Ci, Facts
from shipways.model.plan import Mode
from shipways.run.mode import as_tagged, choose, to_be_tagged
from support import facts


def config(**tags: str) -> Config:
    tables = "".join(f'[package.{name}]\nbuild = "go"\ntag = "{tag}"\n' for name, tag in tags.items())
    return parse(f'[project]\nname = "p"\n{tables}', "shipways.toml")


ONE = config(a="v{version}")
COMMIT = facts().git.commit


@pytest.mark.parametrize(
    ("given", "publish", "mode", "reason"),
    [
        (facts(a="1.0.0"), False, Mode.SNAPSHOT, "no tag at commit"),
        (facts(a="1.0.0", tags=("v1.0.0",)), False, Mode.SNAPSHOT, "neither --publish nor a CI tag event"),
        (
            facts(a="1.0.0", tags=("v1.0.0",), dirty=True, ci=Ci(provider="github", tag="v1.0.0")),
            False,
            Mode.SNAPSHOT,
            "differs",
        ),
        (facts(a="1.0.0", tags=("v1.0.0",)), True, Mode.RELEASE, "clean tree at v1.0.0"),
        (facts(a="1.0.0", tags=("v1.0.0",), ci=Ci(provider="github", tag="v1.0.0")), False, Mode.RELEASE, "v1.0.0"),
        (facts(a="1.0.0", tags=("v1.0.0",), ci=Ci(provider="github")), False, Mode.SNAPSHOT, "neither"),
    ],
)
def test_mode(given: Facts, publish: bool, mode: Mode, reason: str) -> None:
    """A release needs a clean tree at a package's tag, and a CI tag event or --publish; the reason says what lacks."""
    choice = choose(ONE, given, publish=publish, snapshot=False)
    assert mode == choice.mode
    assert reason in choice.reason


def test_snapshot_flag_wins() -> None:
    """--snapshot makes a snapshot even at a tag in CI."""
    given = facts(a="1.0.0", tags=("v1.0.0",), ci=Ci(provider="github", tag="v1.0.0"))
    assert Mode.SNAPSHOT == choose(ONE, given, publish=False, snapshot=True).mode


@pytest.mark.parametrize("given", [facts(a="1.0.0"), facts(a="1.0.0", tags=("v1.0.0",), dirty=True)])
def test_publish_refused(given: Facts) -> None:
    """--publish without a clean tree at a tag is an error, not a quiet snapshot."""
    with pytest.raises(PreflightError, match="this is not a release"):
        choose(ONE, given, publish=True, snapshot=False)


def test_to_be_tagged() -> None:
    """A version without a tag becomes a release of this commit, and so does one whose tag has come to the remote."""
    for there in ({}, {"v1.0.0": "9" * 40}, {"v1.1.0": COMMIT}):
        known = to_be_tagged(ONE, facts(a="1.1.0"), there)
        assert (("v1.1.0",), "1.1.0") == (known.git.new, known.version("a").number)
        choice = choose(ONE, known, publish=True, snapshot=False)
        assert (Mode.RELEASE, "clean tree to be tagged v1.1.0") == (choice.mode, choice.reason)


def test_to_be_tagged_chooses_packages() -> None:
    """Only packages whose version has no tag elsewhere; a tag that is only here counts as new."""
    two = config(a="v{version}", b="v{version}", c="v{version}")
    known = to_be_tagged(
        two, facts(a="1.0.0", b="1.1.0", c="1.1.0", tags=("v1.1.0",)), {"v1.0.0": "9" * 40, "other": COMMIT}
    )
    assert (("v1.1.0",), "1.0.0") == (known.git.new, known.version("a").base)
    with pytest.raises(PreflightError, match="the manifest of a says"):  # one tag would release all three
        choose(two, known, publish=True, snapshot=False)


def test_nothing_to_be_tagged() -> None:
    """When every version has its tag already, each is told, with the commit."""
    two = config(a="a-v{version}", b="b-v{version}")
    with pytest.raises(PreflightError) as caught:
        to_be_tagged(two, facts(a="1.0.0", b="0.0.0"), {"v1.0.0": "9" * 40})
    assert ["v1.0.0 is a tag already, of commit 999999999999", "has no version"] == [
        problem.what for problem in caught.value.problems
    ]


def test_dirty_tree_is_not_tagged() -> None:
    """A tag is made of what is committed."""
    known = to_be_tagged(ONE, facts(a="1.0.0", dirty=True), {})
    with pytest.raises(PreflightError, match="the tree differs"):
        choose(ONE, known, publish=True, snapshot=False)


def test_tag_must_be_the_manifests_version() -> None:
    """Every package whose manifest differs from the tag is listed."""
    both = config(a="v{version}", b="v{version}")
    with pytest.raises(PreflightError) as caught:
        choose(both, facts(a="1.0.0", b="1.2.0", tags=("v1.1.0",)), publish=True, snapshot=False)
    assert ["the manifest of a says 1.0.0", "the manifest of b says 1.2.0"] == [p.what for p in caught.value.problems]


def test_tag_must_be_a_version() -> None:
    """A tag that fits the pattern but is no version stops a release."""
    with pytest.raises(PreflightError, match="'next' is not a version"):
        choose(ONE, facts(a="1.0.0", tags=("vnext",)), publish=True, snapshot=False)


def test_tag_chooses_packages() -> None:
    """A tag releases the packages whose pattern it fits, and no others."""
    two = config(index="index-v{version}", cli="cli-v{version}")
    choice = choose(two, facts(index="1.0.0", cli="2.0.0", tags=("index-v1.0.0",)), publish=True, snapshot=False)
    assert ("index",) == choice.packages


def test_other_tags_do_not_count() -> None:
    """A tag that only looks like the pattern does not stop the release that another tag asks for."""
    choice = choose(ONE, facts(a="1.0.0", tags=("v1.0.0", "vendor-1")), publish=True, snapshot=False)
    assert ("a",) == choice.packages


def test_as_tagged() -> None:
    """A work tree as if it were committed, and at the tags of its versions: one that is here does not count."""
    made = as_tagged(facts(tags=("v0.9.0",), dirty=True, a="1.0.0-rc.1", b="1.0.0-rc.1"))
    assert (("v1.0.0-rc.1",), False) == (made.git.tags, made.git.dirty)
    choice = choose(config(a="v{version}", b="v{version}"), made, publish=True, snapshot=False)
    assert (Mode.RELEASE, ("a", "b")) == (choice.mode, choice.packages)
