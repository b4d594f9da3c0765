"""Source trees of this machine: what is in one, and its files as they were then."""

from collections.abc import Sequence
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Protocol

from shipways.model.tree import Node, Tree


class Trees(Protocol):
    """Folders that services are brought from."""

    async def walk(self, path: str, within: Sequence[str]) -> Tree:
        """Everything below a folder, but what is called `.git`.

        Raises ConfigError with everything that is wrong with it: where it lies, symlinks that lead out of it, what is
        no file, and names that are no UTF-8.
        """
        ...

    def peek(self, path: str, within: Sequence[str]) -> frozenset[str]:
        """The names of what is at the top of a folder. Raises ConfigError for one that lies elsewhere, or is none."""
        ...

    async def read(self, path: str, node: Node) -> bytes:
        """A file of a tree. Raises Unfinished where it is not what it was."""
        ...

    def packed(self, path: str, nodes: Sequence[Node]) -> AbstractAsyncContextManager[Path]:
        """A tar of these nodes, the same bytes each time, which is gone when the block ends.

        Raises Unfinished where a file is not what it was.
        """
        ...
