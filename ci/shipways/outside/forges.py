"""The door to the releases of a forge, and what it keeps about them, as a Protocol of a few methods."""

from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

from shipways.model.forge import ForgeAsset, ForgeRelease, ForgeRights


class Forge(Protocol):
    """The releases of one repository at a forge, and its attestations.

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

    async def attestations(self, subject: str) -> Sequence[bytes]:
        """The bundles of sigstore with a provenance of what has this digest; one that cannot be read is empty."""
        ...

    async def attest(self, bundle: bytes) -> str:
        """Store such a bundle for all that it is about; its URL. None is ever replaced."""
        ...
