"""What is new in a release: from its commits, or out of a changelog."""

import re
from collections.abc import Iterator, Sequence
from typing import Final

from shipways.model.change import change_of
from shipways.model.commit import Commit

_SECTIONS: Final = ("Breaking changes", "Features", "Fixes", "Other")
_HEADING: Final = re.compile(r"^(#{1,3}) +\[?v?(?P<version>[^\s\]]+)\]?.*$", re.MULTILINE)


def from_commits(commits: Sequence[Commit]) -> str:
    """Markdown with a line for each commit that concerns users, in sections."""
    lines: dict[str, list[str]] = {section: [] for section in _SECTIONS}
    for commit in commits:
        for section, line in _lines(commit):
            lines[section].append(f"- {line}")
    parts = (f"## {section}\n\n" + "\n".join(found) for section, found in lines.items() if found)
    return "\n\n".join(parts) + "\n" if any(lines.values()) else ""


def from_changelog(text: str, version: str) -> str | None:
    """The section of a version (keep a changelog 1.1.0: `## [1.2.0] - 2026-01-02`); None when it has none."""
    headings = list(_HEADING.finditer(text))
    for index, heading in enumerate(headings):
        if heading["version"] == version:
            level = len(heading[1])
            after = (other.start() for other in headings[index + 1 :] if len(other[1]) <= level)
            return text[heading.end() : next(after, len(text))].strip() + "\n"
    return None


def _lines(commit: Commit) -> Iterator[tuple[str, str]]:
    change = change_of(commit)
    if change.breaking:
        yield "Breaking changes", change.breaking
    if change.concerns_users:
        yield {"feat": "Features", "fix": "Fixes"}.get(change.kind, "Other"), change.text
