"""pylock.toml (PEP 751), as uv, pip and pdm write it."""

import re
import tomllib
from collections.abc import Iterator, Sequence
from typing import Final

from packaging.pylock import Package, Pylock, PylockUnsupportedVersionError, PylockValidationError

from shipways.bundle.components.contents import Download, Part, Purl, unreadable

_ALGORITHMS: Final = ("sha256", "sha384", "sha512")
# Only groups and nothing else: a package that one platform needs anyway must not vanish.
_GROUPS_ONLY: Final = re.compile(r"""(?:["']([\w.-]+)["'] in dependency_groups(?: or (?!$)|$))+""")


def pylock(text: str, path: str) -> tuple[Part, ...]:
    """A component for each package that is not of a dependency group alone. Raises BuildError for another file."""
    try:
        lock = Pylock.from_dict(tomllib.loads(text))
    except (tomllib.TOMLDecodeError, PylockValidationError, PylockUnsupportedVersionError) as error:
        raise unreadable(path, str(error)) from None
    return tuple(_part(package) for package in lock.packages if not _development(package, lock.default_groups or ()))


def _development(package: Package, default: Sequence[str]) -> bool:
    marker = str(package.marker or "")
    groups = re.findall(r"""["']([\w.-]+)["'] in dependency_groups""", marker)
    return _GROUPS_ONLY.fullmatch(marker) is not None and not set(groups) & set(default)


def _part(package: Package) -> Part:
    return Part(
        purl=Purl(
            type="pypi",
            name=package.name,
            version=str(package.version) if package.version else "",
            qualifiers=tuple(_origin(package)),
        ),
        downloads=tuple(_downloads(package)),
        properties=tuple(_properties(package)),
    )


def _origin(package: Package) -> Iterator[tuple[str, str]]:
    if package.vcs and package.vcs.url:
        yield "vcs_url", f"{package.vcs.type}+{package.vcs.url}@{package.vcs.commit_id}"


def _downloads(package: Package) -> Iterator[Download]:
    files = (package.sdist, package.archive, *(package.wheels or ()))
    for file in files:
        if file is not None and (place := file.url or file.path):
            digests = tuple(f"{name}:{file.hashes[name]}" for name in _ALGORITHMS if name in file.hashes)
            yield Download(url=place, digests=digests)


def _properties(package: Package) -> Iterator[tuple[str, str]]:
    if package.marker:
        yield "shipways:python:marker", str(package.marker)
    if package.directory:
        yield "shipways:python:source", f"directory {package.directory.path}"
