"""A new section of a changelog (Keep a Changelog 1.1.0): what people wrote under Unreleased, else what commits say."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from shipways.model.change import Change, change_of
from shipways.model.commit import Commit
from shipways.render.notes import from_changelog

_UNRELEASED: Final = re.compile(r"^##[ \t]+\[?unreleased\]?[^\r\n]*", re.MULTILINE | re.IGNORECASE)
_HEADING: Final = re.compile(r"^##[ \t]", re.MULTILINE)
_LINKS: Final = re.compile(r"^\[[^\]\r\n]+\]:[ \t]", re.MULTILINE)
_COMPARED: Final = re.compile(
    r"^(?P<name>\[unreleased\]:[ \t]+)(?P<url>\S+/compare/)(?P<old>\S+)(?P<head>\.\.\.HEAD)",
    re.MULTILINE | re.IGNORECASE,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Section:
    """A release: its version, tag and date (YYYY-MM-DD), and the commits that are new in it."""

    version: str
    tag: str
    date: str
    commits: tuple[Commit, ...]


def with_section(text: str, section: Section) -> str:
    """The changelog with a section for this version; unchanged when it has one. Nothing else is touched."""
    if from_changelog(text, section.version) is not None:
        return text
    written = _UNRELEASED.search(text)
    at = written.end() if written else next(_ends(text), len(text))
    after = text[at:]
    own = after[: next(_ends(after), len(after))].strip() if written else ""
    told = [f"## [{section.version}] - {section.date}", *([] if own else entries(section.commits))]
    block = "\n\n".join(told)
    made = f"\n\n{block}" if written else f"{block}\n\n" if after else f"\n{block}\n"
    return _linked(text[:at] + made.replace("\n", _end(text)) + after, section)


def entries(commits: Sequence[Commit]) -> tuple[str, ...]:
    """Added, Changed and Fixed, with a line for each commit that concerns users; paragraphs of Markdown."""
    lines: dict[str, list[str]] = {"Added": [], "Changed": [], "Fixed": []}
    for commit in commits:
        for kind, line in _told(change_of(commit)):
            if line not in lines[kind]:
                lines[kind].append(line)
    return tuple(text for kind, found in lines.items() if found for text in (f"### {kind}", "\n".join(found)))


def _told(change: Change) -> Iterator[tuple[str, str]]:
    if change.breaking:
        yield "Changed", f"- **Breaking:** {change.breaking}"
    if change.concerns_users and change.text != change.breaking:
        yield {"feat": "Added", "fix": "Fixed"}.get(change.kind, "Changed"), f"- {change.text}"


def _ends(text: str) -> Iterator[int]:
    """Where the next section begins, or the links at the end do."""
    yield from sorted(match.start() for pattern in (_HEADING, _LINKS) if (match := pattern.search(text)))


def _linked(text: str, section: Section) -> str:
    """The links that compare tags go on, where there are such."""

    def both(match: re.Match[str]) -> str:
        name, url, old, head = match.group("name", "url", "old", "head")
        return f"{name}{url}{section.tag}{head}{_end(text)}[{section.version}]: {url}{old}...{section.tag}"

    return _COMPARED.sub(both, text, count=1)


def _end(text: str) -> str:
    """How its lines end."""
    return "\r\n" if "\r\n" in text else "\n"
