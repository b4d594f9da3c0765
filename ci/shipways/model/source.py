"""A source tree: the files of a git tree object, so it cannot change while it is built."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Final

from shipways.model.digest import digest_of

REGULAR: Final = "100644"
EXECUTABLE: Final = "100755"
SYMLINK: Final = "120000"
SUBMODULE: Final = "160000"


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class SourceFile:
    """One entry as `git ls-tree` tells it: path with slashes, mode, object name."""

    path: str
    mode: str
    oid: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceTree:
    """Files sorted by path. The digest covers path, mode and object name of each."""

    files: tuple[SourceFile, ...]

    def below(self, folders: Iterable[str]) -> "SourceTree":
        """Only the files in these folders (or the files themselves); `.` is everything."""
        roots = tuple(str(PurePosixPath(folder)) for folder in folders)
        if "." in roots:
            return self
        prefixes = tuple(f"{root}/" for root in roots)
        return SourceTree(files=tuple(f for f in self.files if f.path in roots or f.path.startswith(prefixes)))

    def has(self, path: str) -> bool:
        """Whether a file of exactly this path is in the tree."""
        return any(file.path == path for file in self.files)

    @property
    def digest(self) -> str:
        """Names the content of the tree."""
        return digest_of([[f.path, f.mode, f.oid] for f in self.files])


EMPTY: Final = SourceTree(files=())
