"""A new section in a changelog."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shipways.model.commit import Commit
from shipways.versioning.changelog import Section, entries, with_section

COMMITS = (
    Commit(subject="feat(door): a bell"),
    Commit(subject="fix: a lock"),
    Commit(subject="feat!: no roof"),
    Commit(subject="fix: a lift", body="BREAKING CHANGE: no stairs"),
    Commit(subject="perf: oil"),
    Commit(subject="docs: a word"),
    Commit(subject="fix: a lock"),
)
NEW = Section(version="1.1.0", tag="v1.1.0", date="2026-02-03", commits=COMMITS)
TOLD = (
    "### Added\n\n- door: a bell\n\n"
    "### Changed\n\n- **Breaking:** no roof\n- **Breaking:** no stairs\n- oil\n\n"
    "### Fixed\n\n- a lock\n- a lift"
)
OLD = "## [1.0.0] - 2026-01-02\n\n### Added\n\n- All.\n"


def test_entries() -> None:
    """Each commit that concerns users, once, where Keep a Changelog has it; first what breaks."""
    assert TOLD == "\n\n".join(entries(COMMITS))


def test_from_commits() -> None:
    """With nothing under Unreleased the section says what commits say."""
    made = with_section(f"# Changelog\n\n## [Unreleased]\n\n{OLD}", NEW)
    assert f"# Changelog\n\n## [Unreleased]\n\n## [1.1.0] - 2026-02-03\n\n{TOLD}\n\n{OLD}" == made


def test_by_hand() -> None:
    """What people wrote under Unreleased becomes the section, as it is."""
    made = with_section(f"# Changelog\n\n## [Unreleased]\n\n### Fixed\n\n-  By *hand*\n\n{OLD}", NEW)
    assert f"# Changelog\n\n## [Unreleased]\n\n## [1.1.0] - 2026-02-03\n\n### Fixed\n\n-  By *hand*\n\n{OLD}" == made


@pytest.mark.parametrize("text", [f"# Changelog\n\nWords.\n\n{OLD}", "# Changelog\n\nWords.\n"])
def test_without_unreleased(text: str) -> None:
    """The section comes before the last one, or after the words at the top."""
    head = "# Changelog\n\nWords.\n\n"
    block = f"## [1.1.0] - 2026-02-03\n\n{TOLD}\n"
    assert f"{head}{block}{f'{chr(10)}{OLD}' if OLD in text else ''}" == with_section(text, NEW)


def test_links() -> None:
    """The link that compares with HEAD goes on, the version gets its own, and all others are kept."""
    kept = "[1.0.0]: https://example.org/p/releases/tag/v1.0.0\n[other]: https://example.org\n"
    text = f"## [Unreleased]\n\n{OLD}\n[unreleased]: https://example.org/p/compare/v1.0.0...HEAD\n{kept}"
    made = with_section(text, NEW)
    assert made.endswith(
        "\n[unreleased]: https://example.org/p/compare/v1.1.0...HEAD\n"
        f"[1.1.0]: https://example.org/p/compare/v1.0.0...v1.1.0\n{kept}"
    )


def test_only_links() -> None:
    """Before the first release the section stands above the links."""
    made = with_section("# Changelog\n\n## [Unreleased]\n\n[x]: https://example.org\n", NEW)
    assert f"# Changelog\n\n## [Unreleased]\n\n## [1.1.0] - 2026-02-03\n\n{TOLD}\n\n[x]: https://example.org\n" == made


@given(
    st.lists(
        st.sampled_from(["", "# Changelog", "## [Unreleased]", "- a", "### Fixed", "## 1.0.0", "## [0.9.0]", "é"])
    ),
    st.sampled_from(["\n", "\r\n"]),
)
def test_keeps_the_rest(lines: list[str], end: str) -> None:
    """Whatever there is, nothing is lost or changed, its line ends too; a second time changes nothing."""
    text = end.join(lines)
    made = with_section(text, NEW)
    at = next(i for i in range(len(made)) if made[i:].startswith("## [1.1.0]"))
    added = len(made) - len(text)
    assert any(text == made[:cut] + made[cut + added :] for cut in range(at + 1))
    assert (end == "\n") or "\n" not in made.replace("\r\n", "") or "\r\n" not in text
    assert made == with_section(made, NEW)
    assert made == with_section(made, Section(version="1.1.0", tag="v1.1.0", date="2027-01-01", commits=()))
