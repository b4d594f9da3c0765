"""What a release says is new: from commits, or out of a changelog."""

import pytest

from shipways.model.commit import Commit
from shipways.render.notes import from_changelog, from_commits

CHANGELOG = """# Changelog

## [Unreleased]

## [1.10.0] - 2026-02-03
### Added
- Much.

## 1.1.0

- Old.

## [v1.0.0](https://example.org/v1.0.0)
First.

[1.10.0]: https://example.org
"""


def test_sections() -> None:
    """Breaking changes first; what does not concern users is left out; free subjects are kept."""
    commits = (
        Commit(subject="feat(api): new door"),
        Commit(subject="fix: old window"),
        Commit(subject="refactor!: no more roof"),
        Commit(subject="feat: stairs", body="Up.\n\nBREAKING CHANGE: no more lift"),
        Commit(subject="perf: faster"),
        Commit(subject="docs: a word"),
        Commit(subject="chore(deps): newer"),
        Commit(subject="Merge the rest"),
    )
    expected = (
        "## Breaking changes\n\n- no more roof\n- no more lift\n\n"
        "## Features\n\n- api: new door\n- stairs\n\n"
        "## Fixes\n\n- old window\n\n"
        "## Other\n\n- faster\n- Merge the rest\n"
    )
    assert expected == from_commits(commits)


def test_nothing_new() -> None:
    """Without a commit that concerns users there is no text."""
    assert "" == from_commits((Commit(subject="ci: other machines"),))


@pytest.mark.parametrize(
    ("version", "section"),
    [
        ("1.10.0", "### Added\n- Much.\n"),
        ("1.1.0", "- Old.\n"),
        ("1.0.0", "First.\n\n[1.10.0]: https://example.org\n"),
        ("1.0", None),
        ("2.0.0", None),
    ],
)
def test_changelog(version: str, section: str | None) -> None:
    """The section of exactly this version, with its own headings."""
    assert section == from_changelog(CHANGELOG, version)
