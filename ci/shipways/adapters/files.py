"""The file system, written so that a file is whole or not there."""

import contextlib
import errno
import hashlib
import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

import anyio

from shipways.errors import BuildError, Problem, Unfinished


class DiskFiles:
    """The `Files` port on this machine's disk."""

    def read(self, path: Path) -> bytes:
        """The bytes of a small file."""
        return path.read_bytes()

    def open(self, path: Path) -> BinaryIO:
        """A file to read in pieces."""
        return path.open("rb")

    @contextlib.contextmanager
    def create(self, path: Path, *, executable: bool = False, private: bool = False) -> Iterator[BinaryIO]:
        """A file to write in pieces, in a temporary name of the same folder until it is whole.

        Raises BuildError when the disk does not take it.
        """
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            descriptor, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
        except OSError as error:
            raise disk_error(error, path) from error
        temporary = Path(name)
        try:
            with os.fdopen(descriptor, "wb") as stream:
                yield stream
            if not private:  # which it is from its first byte on
                temporary.chmod(0o755 if executable else 0o644)
            temporary.replace(path)
        except OSError as error:
            temporary.unlink(missing_ok=True)
            raise disk_error(error, path) from error
        except BaseException:
            temporary.unlink(missing_ok=True)
            raise

    def real(self, path: Path) -> Path:
        """The whole path, with every link followed as far as there is something."""
        return Path(os.path.realpath(path))

    def exists(self, path: Path, *, executable: bool = False) -> bool:
        """Whether there is a file or folder; with `executable`, one that may be run, as all may on Windows."""
        return os.access(path, os.X_OK) if executable else path.exists()

    def digest(self, path: Path) -> str:
        """The digest of a file; empty when there is none."""
        try:
            with path.open("rb") as stream:
                return "sha256:" + hashlib.file_digest(stream, "sha256").hexdigest()
        except (FileNotFoundError, NotADirectoryError, IsADirectoryError):
            return ""

    def copy(self, source: Path, place: Path) -> None:
        """Copy a file's bytes, by the kernel where it can. Raises BuildError when the disk does not take them."""
        try:
            shutil.copyfile(source, place)
        except OSError as error:
            raise disk_error(error, place) from error

    def list(self, folder: Path) -> tuple[Path, ...]:
        """Every regular file below a folder, sorted; empty when there is no such folder."""
        return tuple(sorted(path for path in folder.rglob("*") if path.is_file() and not path.is_symlink()))

    def remove(self, path: Path) -> None:
        """Remove a file or a whole folder, write-protected ones included."""
        if path.is_dir() and not path.is_symlink():
            make_writable(path)
            shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)


async def small(path: Path) -> bytes:
    """The bytes of a small file that a release needs. Raises Unfinished when it cannot be read."""
    try:
        return await anyio.Path(path).read_bytes()
    except OSError as error:
        why = error.strerror or str(error)
        raise Unfinished(
            Problem(path=str(path), what="cannot be read", why=why, hint="make the release anew")
        ) from None


def make_writable(folder: Path) -> None:
    """Give the owner the right to remove what is in a folder: Go's module cache, for one, takes it away."""
    for root, folders, _ in os.walk(folder):
        for name in (root, *(os.path.join(root, f) for f in folders)):  # noqa: PTH118 - os.walk speaks str
            if not os.path.islink(name):  # noqa: PTH114 - likewise
                Path(name).chmod(0o755)


def disk_error(error: OSError, place: Path) -> BuildError:
    """A failed write, told so that the reader knows which disk and what to do."""
    hints = {
        errno.ENOSPC: "free some space; `shipways cache prune` empties the store",
        errno.EDQUOT: "your disk quota is used up; `shipways cache prune` empties the store",
        errno.EROFS: "choose a folder on a writable disk",
        errno.EACCES: "check who owns the folder",
    }
    return BuildError(
        Problem(
            path=str(error.filename or place),
            what="cannot be written",
            why=error.strerror or str(error),
            hint=hints.get(error.errno or 0, ""),
        )
    )
