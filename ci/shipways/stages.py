"""What a channel can do besides, so that a release is finished and verified from anywhere, as Protocols."""

from pathlib import Path
from typing import Protocol, runtime_checkable

from shipways.model.item import Item, Seen
from shipways.model.manifest import ArtifactEntry
from shipways.outside import Outside


@runtime_checkable
class Stocked(Protocol):
    """A channel from which the bytes that it was given can be had again."""

    async def fetch(self, outside: Outside, item: Item, seen: Seen, artifact: ArtifactEntry, into: Path) -> None:
        """Download an artifact of an item from where it was seen: its `path`, or one of its `parts`.

        Raises Transient, Unfinished; Moved when it is not there any more.
        """
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
