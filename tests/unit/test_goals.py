"""What `version set` is asked for."""

from collections.abc import Sequence

import pytest

from shipways.config.load import parse
from shipways.errors import ConfigError
from shipways.model.commit import Commit
from shipways.model.source import REGULAR, SourceFile, SourceTree
from shipways.news import History
from shipways.versioning.goals import numbers, sections, selected
from support import facts

CONFIG = parse(
    '[project]\nname = "p"\n'
    '[package.a]\nbuild = "go"\n[package.b]\nbuild = "go"\npath = "b"\n'
    '[package.c]\nbuild = "go"\npath = "c"\ntag = "c-v{version}"\n',
    "shipways.toml",
)
FEAT, FIX = Commit(subject="feat: a door"), Commit(subject="fix: a lock")
HISTORIES = {
    ("a", "b"): History(numbers=("1.0.0",), since="v1.0.0", commits=(FIX, FEAT), later=(FIX,)),
    ("c",): History(numbers=("2.0.0",), since="c-v2.0.0", commits=(), later=()),
}
FACTS = facts(a="1.0.0", b="1.0.0", c="2.0.0")


def source(*paths: str) -> SourceTree:
    """Files of these names."""
    return SourceTree(files=tuple(SourceFile(path=path, mode=REGULAR, oid="0") for path in paths))


def test_selected() -> None:
    """All without a name, in the order of the config; each name that there is not is told, with the nearest."""
    assert ("a", "b", "c") == selected(CONFIG, ())
    assert ("a", "c") == selected(CONFIG, ("c", "a"))
    with pytest.raises(ConfigError) as caught:
        selected(CONFIG, ("d", "a", "e"))
    assert ["there is no d", "there is no e"] == [problem.what for problem in caught.value.problems]


def test_numbers() -> None:
    """The next version of each package that needs one, or one version for all."""
    assert {"a": "1.1.0", "b": "1.1.0"} == numbers(FACTS, ("a", "b", "c"), HISTORIES, "next", "")
    assert {"a": "1.1.0-rc.1", "b": "1.1.0-rc.1"} == numbers(FACTS, ("a", "b", "c"), HISTORIES, "next", "rc")
    assert dict.fromkeys("abc", "3.0.0") == numbers(FACTS, ("a", "b", "c"), HISTORIES, "3.0.0", "")


@pytest.mark.parametrize(
    ("names", "wanted", "told"),
    [
        (("a", "b", "c"), "1.0", ["1.0: is not a version"]),
        (("a", "b", "c"), "v1.1.0", ["v1.1.0: is not a version"]),
        (("a", "b", "c"), "2.0.0", ["2.0.0: has a tag already"]),
        (("a",), "1.1.0", ["--package: b goes with a"]),
        (("b", "c"), "x", ["x: is not a version", "--package: a goes with b"]),
    ],
)
def test_refused(names: Sequence[str], wanted: str, told: list[str]) -> None:
    """Every reason against it."""
    histories = {group: history for group, history in HISTORIES.items() if set(group) & set(names)}
    with pytest.raises(ConfigError) as caught:
        numbers(FACTS, names, histories, wanted, "")
    assert told == [f"{problem.path}: {problem.what}" for problem in caught.value.problems]


def test_sections() -> None:
    """Packages with one version share a section of a changelog; one in a package's own folder is its own."""
    tree = source("CHANGELOG.md", "c/CHANGELOG.md")
    made = sections(CONFIG, tree, {"a": "1.1.0", "b": "1.1.0", "c": "2.1.0-rc.1"}, HISTORIES, "2026-02-03")
    assert ["CHANGELOG.md", "c/CHANGELOG.md"] == [path for path, _ in made]
    (_, top), (_, own) = made
    assert "\n## [1.1.0] - 2026-02-03\n\n### Added\n\n- a door\n\n### Fixed\n\n- a lock\n" == top("")
    assert "\n## [2.1.0-rc.1] - 2026-02-03\n" == own("")
    assert () == sections(CONFIG, source("README.md"), {"a": "1.1.0"}, HISTORIES, "2026-02-03")


def test_one_changelog_two_versions() -> None:
    """What is written under Unreleased cannot be that of two; one that has its section already does not count."""
    ((path, change),) = sections(
        CONFIG, source("CHANGELOG.md"), {"a": "1.1.0", "b": "1.1.0", "c": "2.1.0"}, HISTORIES, "2026-02-03"
    )
    with pytest.raises(ConfigError, match=r"CHANGELOG.md: is the changelog of packages that get 1\.1\.0 and 2\.1\.0"):
        change("## [Unreleased]\n")
    assert "## [1.1.0]\n" in change("## [Unreleased]\n\n## [1.1.0]\n")
    assert "CHANGELOG.md" == path
