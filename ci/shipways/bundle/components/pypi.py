"""The components of a Python project: requirements from its metadata, versions from its lock."""

from collections.abc import Iterator, Sequence
from email.message import Message
from pathlib import PurePosixPath
from typing import Final

from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import canonicalize_name

from shipways.bundle.components.contents import Contents, Part, Properties, Purl, unreadable
from shipways.bundle.components.pinned import pinned
from shipways.bundle.components.pylock import pylock
from shipways.bundle.components.uvlock import uv_lock

_DECLARED: Final = "the metadata, which declares names and no versions; the project has no lock file"
_LOCKED: Final = "{}, without development dependencies where it tells them apart"


def contents(metadata: Message, locks: Sequence[tuple[str, str]]) -> Contents:
    """The contents by core metadata and the lock files (path and text) of a project."""
    version = str(metadata["Version"])
    main = Purl(type="pypi", name=canonicalize_name(str(metadata["Name"])), version=version)
    requirements = tuple(_requirements(metadata))
    parts, told = tuple(_unlocked(requirements)), _DECLARED
    needs = tuple(part.purl for part in parts)
    properties = tuple(_dynamic(metadata))
    for path, text in locks:
        if found := _locked(path, text, main.name):
            (needs, parts), told = found, _LOCKED.format(PurePosixPath(path).name)
            properties += tuple(("shipways:python:requirement", str(requirement)) for requirement in requirements)
            break
    return Contents(main=Part(purl=main, needs=needs, properties=properties), version=version, parts=parts, told=told)


def _requirements(metadata: Message) -> Iterator[Requirement]:
    for text in metadata.get_all("Requires-Dist", []):
        try:
            yield Requirement(text)
        except InvalidRequirement as error:
            raise unreadable(f"metadata of {metadata['Name']}", str(error)) from None


def _dynamic(metadata: Message) -> Iterator[tuple[str, str]]:
    """An sdist may leave requirements to the build (core metadata, "Dynamic"): then the list says too little."""
    dynamic = [str(value).lower() for value in metadata.get_all("Dynamic", [])]
    if "requires-dist" in dynamic:
        yield "shipways:python:dynamic", "Requires-Dist"


def _unlocked(requirements: Sequence[Requirement]) -> Iterator[Part]:
    """A component for each name; optional where each of its requirements belongs to an extra."""
    named: dict[str, list[Requirement]] = {}
    for requirement in requirements:
        named.setdefault(canonicalize_name(requirement.name), []).append(requirement)
    for name, lines in named.items():
        properties: Properties = tuple(("shipways:python:requirement", str(line)) for line in lines)
        optional = all("extra ==" in str(line.marker) for line in lines)
        yield Part(purl=Purl(type="pypi", name=name), properties=properties, optional=optional)


def _locked(path: str, text: str, name: str) -> tuple[tuple[Purl, ...], tuple[Part, ...]] | None:
    """Direct and all components of a lock file; None for requirements that pin nothing."""
    if path.endswith("uv.lock"):
        return uv_lock(text, path, name)
    # These two do not tell who needs what, so all are given to the project.
    parts = pylock(text, path) if path.endswith("pylock.toml") else pinned(text)
    return (tuple(part.purl for part in parts), parts) if parts else None
