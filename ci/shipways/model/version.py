"""One version number in the three spellings a release needs."""

import re
from dataclasses import dataclass
from typing import Final

# Semantic Versioning 2.0.0, "Backus–Naur Form Grammar for Valid SemVer Versions".
_SEMVER: Final = re.compile(
    r"(0|[1-9]\d*)\.(0|[1-9]\d*)\.(0|[1-9]\d*)"
    r"(?:-((?:0|[1-9]\d*|\d*[a-zA-Z-][0-9a-zA-Z-]*)(?:\.(?:0|[1-9]\d*|\d*[a-zA-Z-][0-9a-zA-Z-]*))*))?"
    r"(?:\+([0-9a-zA-Z-]+(?:\.[0-9a-zA-Z-]+)*))?"
)
_PRE: Final = re.compile(r"(alpha|beta|a|b|rc)[.-]?(\d+)?")
_PEP440_PRE: Final = {"alpha": "a", "beta": "b"}

NONE: Final = "0.0.0"
"""Stands for the version of what has none yet: no manifest says it, and there is no tag."""


def is_semver(text: str) -> bool:
    """Whether the text is a version by Semantic Versioning 2.0.0."""
    return _SEMVER.fullmatch(text) is not None


def precedence(text: str) -> tuple[tuple[int, ...], tuple[tuple[bool, int, str], ...]]:
    """A key that sorts versions (Semantic Versioning 2.0.0, section 11); that of no version is less than any."""
    match = _SEMVER.fullmatch(text)
    if match is None:
        return (), ()
    # A release comes after all of its pre-releases; numbers come before words.
    parts = [(not part.isdigit(), int(part) if part.isdigit() else 0, part) for part in (match[4] or "").split(".")]
    return tuple(int(number) for number in match.group(1, 2, 3)), tuple(parts) if match[4] else ((True, 1, ""),)


def is_prerelease(text: str) -> bool:
    """Whether a version comes before a release: 1.0.0-rc.1."""
    match = _SEMVER.fullmatch(text)
    return match is not None and match[4] is not None


def numbers(text: str) -> tuple[int, ...]:
    """The numbers of a dotted version such as glibc's, to compare; of an empty text none, which is less than any."""
    return tuple(int(part) for part in text.split(".") if part)


def number_in(tag: str, pattern: str) -> str | None:
    """What stands in a tag for the `{version}` of a pattern; None when the tag does not fit it."""
    head, _, tail = pattern.partition("{version}")
    fits = tag.startswith(head) and tag.endswith(tail) and len(tag) > len(head) + len(tail)
    return tag[len(head) : len(tag) - len(tail)] if fits else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Version:
    """`number` is semver; `base` what the manifest says, to which a snapshot's number adds; `tag` the git tag of it."""

    number: str
    base: str
    tag: str

    @property
    def pep440(self) -> str:
        """The same number as Python indexes spell it (PEP 440)."""
        match = _SEMVER.fullmatch(self.number)
        if match is None:
            return self.number
        base = ".".join(match.group(1, 2, 3))
        pre = match.group(4)
        if pre is None:
            return base
        known = _PRE.fullmatch(pre)
        if known:
            return f"{base}{_PEP440_PRE.get(known.group(1), known.group(1))}{known.group(2) or 0}"
        return f"{base}.dev0+{pre.replace('-', '.').lower()}"
