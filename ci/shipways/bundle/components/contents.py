"""The nouns of a bill of materials, before any format, and the door to those who tell it."""

import tomllib
from dataclasses import dataclass
from typing import Protocol, TypeVar

from pydantic import TypeAdapter, ValidationError

from shipways.errors import BuildError, Problem
from shipways.model.artifact import Artifact
from shipways.model.digest import Json
from shipways.ports import Inbox, World

T = TypeVar("T")
Properties = tuple[tuple[str, str], ...]
"""Names with values, for what CycloneDX has no field for. A name may come more than once."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Purl:
    """A package URL (purl-spec): who has named a component, and how. `version` is empty where nothing tells it."""

    type: str
    name: str
    version: str = ""
    namespace: str = ""
    qualifiers: Properties = ()

    @property
    def title(self) -> str:
        """The name as people of its ecosystem write it."""
        return f"{self.namespace}/{self.name}" if self.namespace else self.name


@dataclass(frozen=True, slots=True, kw_only=True)
class Download:
    """A file that a component comes as, with its digests (`sha256:…`)."""

    url: str
    digests: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """A component. `digests` are of the one file it comes as; `needs` are other parts; `optional` may be left out."""

    purl: Purl
    digests: tuple[str, ...] = ()
    downloads: tuple[Download, ...] = ()
    properties: Properties = ()
    needs: tuple[Purl, ...] = ()
    optional: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Contents:
    """What an artifact is made of. `version` is that of `main` as its users write it; `told` says who told the rest."""

    main: Part
    version: str
    parts: tuple[Part, ...]
    told: str


class Reader(Protocol):
    """Tells the contents of an artifact: a frozen dataclass, one for each kind of project."""

    def record(self) -> Json:
        """Everything the contents depend on besides the artifacts of the step."""
        ...

    async def read(self, world: World, inbox: Inbox, artifact: Artifact) -> Contents:
        """The contents. Raises BuildError for a file that is not what its name says."""
        ...


def told_by_nobody(purl: Purl, version: str, why: str) -> Contents:
    """The contents where only the name is known."""
    return Contents(main=Part(purl=purl), version=version, parts=(), told=why)


def decode_toml(text: str, path: str, shape: type[T]) -> T:
    """A TOML file in a given shape. Raises BuildError naming `path`."""
    try:
        return TypeAdapter(shape).validate_python(tomllib.loads(text))
    except (tomllib.TOMLDecodeError, ValidationError) as error:
        raise unreadable(path, str(error)) from None


def unreadable(path: str, why: str) -> BuildError:
    """The error for a lock file that cannot be understood."""
    return BuildError(Problem(path=path, what="cannot be read as the bill of materials needs it", why=why))
