"""The door to the git tags that a release makes itself, as a Protocol of a few methods."""

from collections.abc import Mapping, Sequence
from typing import Protocol

from shipways.errors import Problem


class Tags(Protocol):
    """The tags of this repository where everybody gets it: at its remote.

    All raise Transient, or Unfinished when it is refused.
    """

    async def commits(self) -> Mapping[str, str]:
        """Each tag with the commit that it names."""
        ...

    async def check(self, tag: str, commit: str) -> Sequence[Problem]:
        """What would keep `create` from making this tag; changes nothing."""
        ...

    async def create(self, tag: str, commit: str) -> None:
        """Make an annotated tag of this commit. Raises Moved when the remote has a tag of that name by now."""
        ...
