"""What a project builds upon: doors to image registries and package indexes, read only, as Protocols."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Protocol

from shipways.model.lock import LockedImage
from shipways.model.oci import Descriptor


class Images(Protocol):
    """Image registries, read only (OCI distribution-spec, "Pull")."""

    async def resolve(self, name: str) -> LockedImage:
        """What a name stands for now, with those of linux/amd64 and linux/arm64 that it has.

        Raises ConfigError when there is no such image, Unavailable("image") when its registry cannot be asked.
        """
        ...

    async def blob(self, name: str, descriptor: Descriptor, into: Path) -> None:
        """Stream a blob of the image into a file and verify it.

        Raises Unavailable("image") when it cannot be had, BuildError when it has another digest.
        """
        ...


class Index(Protocol):
    """The user's package index, for the lock."""

    async def wheels(self, distribution: str, version: str, hosts: Sequence[str]) -> Mapping[str, str]:
        """The digest of the wheel for each kind of host that has one. Raises PreflightError without an index."""
        ...

    async def requirements(self, requires: Sequence[str]) -> tuple[str, ...]:
        """Requirement lines with hashes for these and all they depend on, wheels only.

        Raises ConfigError when they cannot be met, PreflightError without an index.
        """
        ...
