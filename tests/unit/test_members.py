"""Globs: which files of the repository go into archives."""

import pytest

from shipways.bundle.members import match, members
from shipways.config.load import parse
from shipways.config.packages import Package
from shipways.model.source import REGULAR, SourceFile, SourceTree

PATHS = (
    *("LICENSE", "LICENSES/MIT.txt", "README.md", "cli/README.md", "cli/doc/a.md", "cli/doc/deep/b.md"),
    *("cli/out/pulse.1", "cli/pulse.1", "clip/README.md", "doc/c.md", "we[i]rd"),
)
TREE = SourceTree(files=tuple(SourceFile(path=path, mode=REGULAR, oid=path) for path in PATHS))


def package(archive: str = "") -> Package:
    text = f'[project]\nname = "p"\n[package.p]\nbuild = "go"\npath = "cli"\n[package.p.archive]\n{archive}'
    return parse(text, "shipways.toml").package["p"]


@pytest.mark.parametrize(
    ("pattern", "expected"),
    [
        ("README.md", ["cli/README.md"]),
        ("LICENSE*", ["LICENSE", "LICENSES/MIT.txt"]),
        ("doc", ["cli/doc/a.md", "cli/doc/deep/b.md"]),
        ("doc/*.md", ["cli/doc/a.md"]),
        ("**/*.md", ["cli/README.md", "cli/doc/a.md", "cli/doc/deep/b.md"]),
        ("doc/**/b.md", ["cli/doc/deep/b.md"]),
        ("doc/?.md", ["cli/doc/a.md"]),
        ("readme.md", []),
        ("we[[]i]rd", ["we[i]rd"]),
        ("doc/c.md", ["doc/c.md"]),
    ],
)
def test_glob(pattern: str, expected: list[str]) -> None:
    """A glob looks below the package's path, and only when nothing is there below the top."""
    assert expected == [member.file.path for member in match(TREE, "cli", pattern)]


def test_names_in_the_archive() -> None:
    """Files keep their path from where they were found; completions and man pages go to folders of their own."""
    found, problems = members(
        "p", package('files = ["doc/**", "LICENSE"]\nman = ["**/*.1"]\n'), SourceTree(files=TREE.files[:6])
    )
    assert ["LICENSE", "doc/a.md", "doc/deep/b.md"] == [member.name for member in found]
    assert ["package.p.archive.man: no file matches **/*.1"] == [str(problem).splitlines()[0] for problem in problems]


def test_default_globs_may_match_nothing() -> None:
    """A project without a change log is fine."""
    found, problems = members("p", package(), TREE)
    assert ["LICENSE", "LICENSES/MIT.txt", "README.md"] == [member.name for member in found]
    assert () == problems


def test_every_glob_that_matches_nothing_is_told() -> None:
    """With its key, where it looked, and what to do."""
    _, problems = members("p", package('files = ["NEWS", "README.md"]\ncompletions = ["*.fish"]\n'), TREE)
    assert ["package.p.archive.files", "package.p.archive.completions"] == [problem.path for problem in problems]
    assert "below cli, then below the top" in problems[0].why
    assert ".gitignore" in problems[0].hint


def test_two_files_of_one_name() -> None:
    """Two man pages of one name cannot both be there; the same file twice can."""
    _, problems = members("p", package('man = ["pulse.1", "*.1", "out/*.1"]\n'), TREE)
    assert ["cli/pulse.1 and cli/out/pulse.1 would both be man/pulse.1 in the archive"] == [p.what for p in problems]
