"""A repository's objects in memory."""

import hashlib
import posixpath
from collections.abc import Mapping
from pathlib import Path

from shipways.errors import PreflightError, Problem
from shipways.model.source import EXECUTABLE, SYMLINK, SourceFile, SourceTree


class MemorySources:
    """The `Sources` port over files by path; a value is the mode and the bytes, for a symlink its target."""

    def __init__(self, files: Mapping[str, tuple[str, bytes]]) -> None:
        self._objects = {_oid(data): data for _, data in files.values()}
        self.tree = SourceTree(
            files=tuple(
                SourceFile(path=path, mode=mode, oid=_oid(data)) for path, (mode, data) in sorted(files.items())
            )
        )

    def read(self, file: SourceFile) -> bytes:
        """The bytes of a source file."""
        return self._objects[file.oid]

    async def export(self, tree: SourceTree, folder: Path) -> None:
        """Write a tree below an empty folder. Raises PreflightError for a symlink that leaves it."""
        for file in tree.files:
            place = folder / file.path
            place.parent.mkdir(parents=True, exist_ok=True)
            if file.mode == SYMLINK:
                place.symlink_to(_inside(file, self.read(file).decode()))
            else:
                place.write_bytes(self.read(file))
                place.chmod(0o755 if file.mode == EXECUTABLE else 0o644)


def _oid(data: bytes) -> str:
    return hashlib.sha1(b"blob %d\0" % len(data) + data, usedforsecurity=False).hexdigest()


def _inside(file: SourceFile, target: str) -> str:
    if posixpath.normpath(posixpath.join(posixpath.dirname(file.path), target)).startswith(("/", "..")):
        raise PreflightError(Problem(path=file.path, what="is a symlink that leaves the source"))
    return target
