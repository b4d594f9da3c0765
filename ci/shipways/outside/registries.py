"""The door to image registries, to push to and to look at."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol


@dataclass(frozen=True, slots=True, kw_only=True)
class Attachment:
    """A file to be attached to something in a registry.

    `digest` is that of the manifest that attaches it, where that is known before.
    """

    title: str
    source: Path | bytes
    media_type: str
    digest: str = ""


class Registries(Protocol):
    """Image registries, to push to (OCI distribution-spec 1.1). A name is HOST/REPOSITORY:TAG, or with @DIGEST.

    All raise Transient, Unfinished when it is refused, or PreflightError for a login that cannot be read.
    """

    async def digests(self, names: Collection[str]) -> Mapping[str, str]:
        """What names stand for, of those that are there."""
        ...

    async def versions(self, names: Collection[str]) -> Mapping[str, str]:
        """The version that the annotations of each index or manifest tell; empty when they do not."""
        ...

    async def attached(self, names: Collection[str]) -> Mapping[str, Collection[str]]:
        """The digests of the manifests that are attached to each."""
        ...

    async def files(self, name: str, media_type: str) -> Sequence[tuple[str, bytes]]:
        """The small files of a media type that are attached to it, each with its title."""
        ...

    async def pushable(self, name: str) -> None:
        """Find out whether images can be pushed to a repository, and leave nothing there."""
        ...

    async def push(self, name: str, blob: Callable[[str], Path], *, near: str = "") -> None:
        """Send an index and all below it, under no tag. `blob` is where each digest lies.

        `near` is a name in the same registry of what has the same blobs.
        """
        ...

    async def tag(self, name: str, source: Path, *, seen: str) -> None:
        """Let a tag stand for an index that is there. Raises Moved when it does not stand for `seen` any more."""
        ...

    async def attach(self, name: str, attachment: Attachment) -> None:
        """Attach a file to a manifest that is there, so that `attached` tells it."""
        ...

    async def fetch(self, name: str, into: Path, *, blob: str = "") -> None:
        """Download what a name stands for, or the blob of this digest beside it. Raises Moved when it is not there."""
        ...
