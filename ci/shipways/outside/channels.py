"""Channels: what they are, what else they can do, and all that they may touch, as Protocols of a few methods."""

from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, runtime_checkable

from shipways.config.publish import AttestTable, FilesTable, PypiTable
from shipways.config.schema import Config
from shipways.errors import Problem
from shipways.model.facts import Facts
from shipways.model.item import Item, Publication, Seen
from shipways.model.manifest import ArtifactEntry, Manifest
from shipways.model.tap import Served, TapPlace
from shipways.outside.buckets import Bucket
from shipways.outside.crates import CrateRegistry
from shipways.outside.forges import Forge
from shipways.outside.indexes import PythonIndex
from shipways.outside.proofs import Notary
from shipways.outside.registries import Registries
from shipways.outside.tags import Tags
from shipways.outside.taps import Tap


@dataclass(frozen=True, slots=True, kw_only=True)
class Outside:
    """Everything a channel may touch."""

    artifact: Callable[[str], Path]
    """Where the verified bytes of an artifact lie, by its path below `dist/`. Read only."""
    bucket: Callable[[FilesTable], Bucket]
    """The folder or bucket that a table of the config means."""
    crates: Callable[[str], CrateRegistry]
    """The registry of crates with a name or index of the config, the same one every time."""
    forge: Callable[[str, str], Forge]
    """The forge whose API has this base URL (empty: the public one), for the repository OWNER/NAME."""
    notary: Callable[[AttestTable, tuple[str, ...]], Notary]
    """Who signs a release of these tags, and verifies it, as a table of the config says; the same one every time."""
    pypi: Callable[[PypiTable], PythonIndex]
    """The index that a table of the config means: always the same object, which keeps its token."""
    read: Callable[[str], Awaitable[bytes]]
    """The bytes of a small artifact, or of the manifest, by its path below `dist/`. Raises Unfinished without it."""
    registries: Callable[[], Registries]
    """Image registries, with the logins of this user; the same ones whenever they are asked for."""
    tags: Callable[[str, str], Tags]
    """The git tags at the remote that is the repository OWNER/NAME of the forge with this API, else at `origin`."""
    tap: Callable[[TapPlace], Tap]
    """A Homebrew tap, the same one every time."""


class Channel(Protocol):
    """A place outside: a frozen dataclass in a module of `publish/`. It holds no policy: no loop, no retry, no "if"."""

    @property
    def name(self) -> str:
        """How its items begin."""
        ...

    def desired(self, manifest: Manifest) -> tuple[Item, ...]:
        """What should be there; must not touch the world."""
        ...

    async def observe(self, outside: Outside, items: Sequence[Item]) -> Mapping[str, Seen]:
        """What is there, for each of these items by its id. Raises Transient, or Unfinished when it is refused."""
        ...

    async def apply(self, outside: Outside, item: Item, seen: Seen) -> Publication:
        """Put it there, where `seen` was.

        Raises Moved when something else is there by now, Transient when it is not known or worth another try,
        Unfinished when it is refused.
        """
        ...


@runtime_checkable
class Checked(Protocol):
    """A channel that can tell before a release is built what would stop it."""

    async def preflight(self, outside: Outside) -> tuple[Problem, ...]:
        """Everything that would. Raises Transient, or Unfinished when asking is refused."""
        ...


@runtime_checkable
class Foreseen(Protocol):
    """A channel that can tell before a release is built what is worth knowing, and stops nothing."""

    async def foresee(self, outside: Outside) -> tuple[str, ...]:
        """A line for each. Raises Transient, or Unfinished when asking is refused."""
        ...


@runtime_checkable
class Paced(Protocol):
    """A channel whose place takes only so much at a time."""

    def pace(self, seen: Sequence[Seen]) -> float:
        """How many seconds it takes at least to apply items that were seen so; must not touch the world."""
        ...


@runtime_checkable
class Stocked(Protocol):
    """A channel from which the bytes that it was given can be had again."""

    async def fetch(self, outside: Outside, item: Item, seen: Seen, artifact: ArtifactEntry, into: Path) -> None:
        """Download an artifact of an item from where it was seen: its `path`, or one of its `parts`.

        Raises Transient, Unfinished; Moved when it is not there any more.
        """
        ...


@runtime_checkable
class Leading(Protocol):
    """A channel whose files lead people to bytes that lie elsewhere."""

    async def leads(self, outside: Outside, downloaded: Path) -> Sequence[Served]:
        """What lies there, downloaded as anybody does, for a file that `fetch` has brought. Raises as `fetch` does."""
        ...


@runtime_checkable
class Stage(Protocol):
    """A channel that keeps all of a release under its tag, the sealed manifest too."""

    async def sealed(self, outside: Outside, tag: str, into: Path) -> bool:
        """Download the manifest of a tag, published or staged; whether there is one. Raises Transient, Unfinished."""
        ...

    async def retract(self, outside: Outside, item: Item, seen: Seen) -> None:
        """Take a staged file away again. Raises Transient, Unfinished; Moved when it is gone or public."""
        ...


@runtime_checkable
class Listed(Stage, Protocol):
    """A stage that tells all that lies there, also what is no item of today's config."""

    async def staged(self, outside: Outside, tag: str) -> Mapping[str, Seen]:
        """Every file by its name; none when it is public. Raises Transient, Unfinished."""
        ...


class Publisher(Protocol):
    """A module of `publish/`. Its plan is as pure as a maker's."""

    def plan(self, config: Config, facts: Facts | None) -> Iterator[Channel]:
        """The channels for this config; there are facts for a release, and none to verify one from anywhere."""
        ...
