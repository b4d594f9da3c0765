"""A folder that holds files by key, for the `files` channel."""

import os
from collections.abc import Callable
from pathlib import Path

from anyio import to_thread

from shipways.adapters.files import DiskFiles
from shipways.errors import BuildError, Moved, Problem, Unfinished


class FolderBucket:
    """The `Bucket` port over a folder of this machine."""

    def __init__(self, folder: str) -> None:
        self._root = Path(folder).expanduser()
        self._files = DiskFiles()

    async def digest(self, key: str) -> str:
        """The digest of a file; empty when there is none."""
        return await to_thread.run_sync(self._files.digest, self._root / key)

    async def read(self, key: str) -> bytes:
        """A small file."""
        return await to_thread.run_sync((self._root / key).read_bytes)

    async def fetch(self, key: str, into: Path) -> None:
        """Copy a file from it."""
        try:
            await to_thread.run_sync(self._files.copy, self._root / key, into)
        except BuildError as error:
            raise Moved(Problem(path=str(self._root / key), what="cannot be read", why=error.problems[0].why)) from None

    async def put(self, key: str, source: Path, *, seen: str) -> None:
        """Copy a file."""

        def copy(part: Path) -> None:
            self._files.copy(source, part)

        await self._place(key, copy, seen)

    async def write(self, key: str, data: bytes, *, seen: str) -> None:
        """Write a small file."""
        await self._place(key, lambda part: part.write_bytes(data), seen)

    async def remove(self, key: str) -> None:
        """Delete a file."""
        try:
            await to_thread.run_sync(self._files.remove, self._root / key)
        except OSError as error:
            raise _unwritable(self._root / key, error.strerror or str(error)) from error

    async def writable(self) -> None:
        """By the rights of what is there: the folder itself, or the first one above it, in which it is made."""
        there = next(folder for folder in (self._root, *self._root.parents) if folder.exists())
        if not there.is_dir():
            raise Unfinished(Problem(path=str(self._root), what="cannot be a folder", why=f"{there} is a file"))
        if not os.access(there, os.W_OK | os.X_OK):
            raise Unfinished(Problem(path=str(there), what="cannot be written to", hint="check who owns the folder"))

    def url(self, key: str) -> str:
        """Where it is."""
        return (self._root / key).as_uri()

    async def _place(self, key: str, fill: Callable[[Path], object], seen: str) -> None:
        """Under a name of its own until it is whole; what nobody has seen takes the name only if it is free."""
        place = self._root / key
        part = place.with_name(f".{place.name}.{os.getpid()}.part")

        def work() -> None:
            place.parent.mkdir(parents=True, exist_ok=True)
            try:
                fill(part)
                part.chmod(0o644)
                if self._files.digest(place) != seen:
                    raise Moved(Problem(path=str(place), what="has changed since it was looked at"))
                if seen:
                    part.replace(place)
                else:
                    place.hardlink_to(part)
            finally:
                part.unlink(missing_ok=True)

        try:
            await to_thread.run_sync(work)
        except FileExistsError:
            raise Moved(Problem(path=str(place), what="somebody else has written it")) from None
        except (OSError, BuildError) as error:
            why = error.problems[0].why if isinstance(error, BuildError) else error.strerror or str(error)
            raise _unwritable(place, why) from error


def _unwritable(place: Path, why: str) -> Unfinished:
    hint = "check its folder and the space left"
    return Unfinished(Problem(path=str(place), what="cannot be written", why=why, hint=hint))
