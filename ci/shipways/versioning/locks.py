"""A project's own entries in lock files, which programs write in one form: a line of it is changed in place."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from packaging.version import InvalidVersion, Version

from shipways.versioning.below import below

_HEAD: Final = r'(?m)^(?P<head>\[\[package\]\]\r?\nname = "(?P<name>[^"\r\n]+)"\r?\nversion = )"(?P<said>[^"\r\n]+)"'
_CARGO: Final = re.compile(_HEAD + r"(?!\r?\nsource = )")
"""What comes from elsewhere has a source (cargo, src/cargo/core/resolver/encode.rs)."""
_NEED: Final = re.compile(r'(?m)^(?P<head> ")(?P<name>[^" \r\n]+) (?P<said>[^" \r\n]+)(?=",?\r?$)')
"""A dependency of a crate that has several versions in the file."""
_UV: Final = re.compile(_HEAD + r'(?=\r?\nsource = \{ (?:editable|virtual|directory) = "(?P<path>[^"\r\n]*)" \})')


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """The version that a project had, and the one that it gets."""

    old: str
    new: str


def cargo_lock(text: str, crates: Mapping[str, Step]) -> str:
    """A Cargo.lock in which these crates of the repository have their new versions."""

    def entry(match: re.Match[str]) -> str:
        step = crates.get(match["name"])
        return f'{match["head"]}"{step.new}"' if step and step.old == match["said"] else match[0]

    def need(match: re.Match[str]) -> str:
        step = crates.get(match["name"])
        return f"{match['head']}{match['name']} {step.new}" if step and step.old == match["said"] else match[0]

    return _NEED.sub(need, _CARGO.sub(entry, text))


def uv_lock(text: str, path: str, projects: Mapping[str, Step]) -> str:
    """A uv.lock at this path, likewise for the projects in these folders; it has versions in the form of PEP 440."""

    def entry(match: re.Match[str]) -> str:
        step = projects.get(below(path, match["path"]))
        same = step and normal(step.old) == match["said"]
        return f'{match["head"]}"{normal(step.new) or step.new}"' if step and same else match[0]

    return _UV.sub(entry, text)


def normal(number: str) -> str:
    """A version in the normal form of PEP 440; empty when it is none there."""
    try:
        return str(Version(number))
    except InvalidVersion:
        return ""
