"""What the Cargo.toml files of a repository say of each other's versions."""

import re
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from packaging.specifiers import InvalidSpecifier, SpecifierSet

from shipways.cratefacts import TABLES
from shipways.errors import ConfigError, Problem
from shipways.manifestfacts import Place, Read, crate_place, string_in
from shipways.model.version import is_prerelease
from shipways.versioning.below import below
from shipways.versioning.tomledit import Keys, with_values

_SINGLE: Final = re.compile(r"(?P<sign>[=^~]?\s*)(?P<number>\d+(?:\.\d+){0,2})(?:[-+][0-9A-Za-z.+-]+)?")
"""A requirement with one number (Cargo Book, "Specifying Dependencies")."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Crate:
    """A crate of the repository: its Cargo.toml, its name, and where its version is written."""

    path: str
    name: str
    place: Place | None


def crates_of(paths: Sequence[str], read: Read) -> tuple[Crate, ...]:
    """The crates with these Cargo.toml files, but for those that are no TOML, such as templates."""

    def parsed(path: str) -> str | None:
        text = read(path)
        return text if text is not None and _toml(text) else None

    found = ((path, string_in(_toml(parsed(path) or ""), "package", "name")) for path in paths)
    return tuple(Crate(path=path, name=name, place=crate_place(path, parsed)) for path, name in found if name)


def with_requirements(path: str, new: Mapping[str, str], text: str) -> str:
    """A Cargo.toml whose dependencies in these folders get these versions, and still has them.

    Raises ConfigError for a requirement that does not tell how it goes on.
    """
    values: list[tuple[Keys, str]] = []
    problems: list[Problem] = []
    for keys, folder, said in _requirements(_toml(text)):
        number = new.get(below(path, folder))
        wanted = requirement(said, number) if number else said
        if wanted is None:
            what = f"{'.'.join(keys)}: {said} does not take in {number}"
            problems.append(Problem(path=path, what=what, hint="write there what is wanted now"))
        elif wanted != said:
            values.append((keys, wanted))
    if problems:
        raise ConfigError(*problems)
    return with_values(path, text, values) if values else text


def requirement(said: str, number: str) -> str | None:
    """The requirement that a version meets, as exact as it was; None when it does not tell how it goes on."""
    single = _SINGLE.fullmatch(said.strip())
    if single and is_prerelease(number):  # which only a requirement meets that has it whole
        return single["sign"] + number
    if single:
        exact = single["number"].count(".") + 1
        return single["sign"] + ".".join(number.partition("+")[0].split(".")[:exact])
    if said.strip() == "*" and not is_prerelease(number):
        return said
    try:
        return said if SpecifierSet(said).contains(number, prereleases=False) else None
    except InvalidSpecifier:
        return None


def _requirements(data: Mapping[str, object]) -> Iterator[tuple[Keys, str, str]]:
    """Every dependency that names a path and a version: the keys of the version, path and version."""
    scopes: list[tuple[Keys, object]] = [((), data), (("workspace",), data.get("workspace"))]
    scopes += [(("target", name), scope) for name, scope in _table(data.get("target")).items()]
    for keys, scope in scopes:
        for table in TABLES:
            for key, entry in _table(_table(scope).get(table)).items():
                path, said = string_in(entry, "path"), string_in(entry, "version")
                if path is not None and said is not None:
                    yield (*keys, table, key, "version"), path, said


def _toml(text: str) -> Mapping[str, object]:
    try:
        return tomllib.loads(text)
    except (ValueError, RecursionError):
        return {}


def _table(data: object) -> Mapping[str, object]:
    return data if isinstance(data, dict) else {}
