"""Channels, and the doors to registries, indexes and other places, as Protocols of a few methods."""

from collections.abc import Awaitable, Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Protocol, runtime_checkable

from shipways.buckets import Bucket
from shipways.config.publish import AttestTable, FilesTable, PypiTable
from shipways.config.schema import Config
from shipways.errors import Problem
from shipways.model.facts import Facts
from shipways.model.forge import ForgeAsset, ForgeRelease, ForgeRights
from shipways.model.item import Item, Publication, Seen
from shipways.model.manifest import Manifest
from shipways.model.pace import Limit
from shipways.model.tap import TapPlace
from shipways.proofs import Notary
from shipways.registries import Registries
from shipways.tags import Tags
from shipways.taps import Tap

CRATES_IO: Final = frozenset({"", "crates-io"})
"""What the registry of everybody's crates is called in a config; cargo knows where it is."""


class CrateRegistry(Protocol):
    """A registry of crates: a sparse index, and the web API for uploads (Cargo Book, "Registries")."""

    async def look(self, crates: Sequence[tuple[str, str]]) -> Mapping[tuple[str, str], Seen]:
        """What the index has of each name and version.

        `value` is the digest of the .crate, empty where there is none; `stamp` is empty for a crate that it has no
        version of. Raises Transient, Unfinished.
        """
        ...

    async def authorize(self) -> None:
        """Get a token to upload with. Raises Unfinished when there is none to be had, or nothing takes it, Transient.

        No registry tells whose a token is: whether a crate is ours is known when it is uploaded.
        """
        ...

    async def upload(self, crate: Path, limit: Limit | None) -> None:
        """Send a .crate, as fast as the limit allows over all uploads of this run.

        Raises Transient; Moved when this version is there by now; Unfinished when it is refused.
        """
        ...

    async def shown(self, name: str, version: str) -> str:
        """Wait until the index shows a version that was uploaded; its URL. Raises Transient when it takes too long."""
        ...

    async def fetch(self, url: str, into: Path) -> None:
        """Download a .crate from where `look` has seen it. Raises Transient, Unfinished; Moved when it is gone."""
        ...


class PythonIndex(Protocol):
    """An index of Python packages, where a file name is used once and for ever."""

    async def files(self, project: str, names: Collection[str]) -> Mapping[str, Seen]:
        """Those of these files that a project has, yanked ones too, with their digests.

        Raises Transient, or Unfinished when reading is refused.
        """
        ...

    async def check(self, file: Path) -> Sequence[Problem]:
        """What an index, or people who read its page, would not like about an sdist or wheel. Asks nobody."""
        ...

    async def ready(self) -> bool:
        """Whether there is a token. Asks nobody."""
        ...

    async def authorize(self) -> None:
        """Get a token where `ready` has none. Raises Unfinished when there is none to be had, Transient."""
        ...

    async def upload(self, file: Path) -> str:
        """Send an sdist or wheel; its URL. Raises Moved when other bytes have the name, Transient, or Unfinished."""
        ...

    async def fetch(self, url: str, into: Path) -> None:
        """Download a file from where `files` has seen it. Raises Transient, Unfinished; Moved when it is gone."""
        ...


class Forge(Protocol):
    """The releases of one repository at a forge.

    Every method raises Transient, or Unfinished when the forge refuses.
    """

    async def releases(self, tags: Sequence[str]) -> Sequence[ForgeRelease]:
        """For each of these tags the release that is published, else its drafts; the lowest id first."""
        ...

    async def current(self, tag: str) -> ForgeRelease:
        """The first of these, as it was last seen. Raises Moved when there was none."""
        ...

    async def rights(self) -> ForgeRights:
        """What the token may do, and how often."""
        ...

    async def commit(self, tag: str) -> str:
        """The commit that a git tag names at the forge; empty when there is no such tag."""
        ...

    async def latest(self) -> str:
        """The tag of the release that is marked as the latest; empty when none is."""
        ...

    async def create(self, release: ForgeRelease) -> ForgeRelease:
        """Make a draft."""
        ...

    async def edit(self, release: ForgeRelease, *, latest: bool = False) -> ForgeRelease:
        """Let a release be what this says; `latest` marks it. Raises Moved when it is gone."""
        ...

    async def delete(self, release: ForgeRelease) -> None:
        """Delete a draft; nothing happens when it is gone."""
        ...

    async def assets(self, release: ForgeRelease) -> Sequence[ForgeAsset]:
        """Its files, those that are not whole too; none when it is gone."""
        ...

    async def digest(self, asset: ForgeAsset) -> str:
        """The digest of a file's bytes, by downloading them; empty when it is gone."""
        ...

    async def read(self, asset: ForgeAsset) -> bytes:
        """A small file; empty when it is gone."""
        ...

    async def fetch(self, asset: int, into: Path) -> None:
        """Download a file by its id. Raises Moved when it is gone."""
        ...

    async def upload(self, release: ForgeRelease, name: str, source: Path | bytes) -> ForgeAsset:
        """Send a file. Raises Moved when the release is gone, or has a file of that name."""
        ...

    async def remove(self, asset: int) -> None:
        """Delete a file by its id. Raises Moved when it is gone."""
        ...


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
    tags: Callable[[str], Tags]
    """The git tags at the remote that is the repository OWNER/NAME, else at the one called origin."""
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
class Paced(Protocol):
    """A channel whose place takes only so much at a time."""

    def pace(self, seen: Sequence[Seen]) -> float:
        """How many seconds it takes at least to apply items that were seen so; must not touch the world."""
        ...


class Publisher(Protocol):
    """A module of `publish/`. Its plan is as pure as a maker's."""

    def plan(self, config: Config, facts: Facts | None) -> Iterator[Channel]:
        """The channels for this config; there are facts for a release, and none to verify one from anywhere."""
        ...
