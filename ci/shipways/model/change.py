"""A commit in the words of Conventional Commits: what it changes for users, and for the version."""

import re
from dataclasses import dataclass
from enum import IntEnum
from typing import Final

from shipways.model.commit import Commit

# Conventional Commits 1.0.0: type, scope, `!`, description.
_HEAD: Final = re.compile(r"(?P<type>[A-Za-z]+)(\((?P<scope>[^()]+)\))?(?P<breaking>!)?: +(?P<text>.+)")
_BREAKING: Final = re.compile(r"^BREAKING[ -]CHANGE: +(.+)", re.MULTILINE)
_HIDDEN: Final = frozenset({"build", "chore", "ci", "docs", "refactor", "style", "test", "tests"})
"""Types that tell users nothing (those of commitlint's config-conventional, without perf and revert)."""


class Bump(IntEnum):
    """Which number of a version a change asks for."""

    NONE = 0
    PATCH = 1
    MINOR = 2
    MAJOR = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """`kind` is the type in small letters, empty for a free subject; `breaking` what breaks, empty where nothing does.

    `text` and `breaking` begin with the scope, where there is one.
    """

    kind: str
    text: str
    breaking: str = ""

    @property
    def concerns_users(self) -> bool:
        """Whether its text belongs in what is told to users."""
        return self.kind not in _HIDDEN

    @property
    def bump(self) -> Bump:
        """What it asks for, by the convention's own table for feat and fix."""
        if self.breaking:
            return Bump.MAJOR
        return {"feat": Bump.MINOR, "fix": Bump.PATCH, "perf": Bump.PATCH}.get(self.kind, Bump.NONE)


def change_of(commit: Commit) -> Change:
    """What a commit says; a subject that does not follow the convention is kept as it is."""
    head = _HEAD.fullmatch(commit.subject)
    if head is None:
        return Change(kind="", text=commit.subject)
    footer = _BREAKING.search(commit.body)
    scope = f"{head['scope']}: " if head["scope"] else ""
    broken = footer[1] if footer else head["text"]
    breaking = scope + broken if head["breaking"] or footer else ""
    return Change(kind=head["type"].lower(), text=scope + head["text"], breaking=breaking)
