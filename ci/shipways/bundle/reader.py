"""Reading what goes into an archive: stops with the run, and notices what changes meanwhile."""

import hashlib
import io
from pathlib import Path
from types import TracebackType
from typing import Self

from anyio import from_thread

from shipways.errors import BuildError, Problem
from shipways.ports import Files


class CheckedReader:
    """A file, read from begin to end in a worker thread, whose bytes must have a digest. An empty digest is any.

    Raises BuildError when it cannot be read or is another file by now.
    """

    def __init__(self, files: Files, path: Path, digest: str = "") -> None:
        self._path = path
        self._digest = digest
        self._sha256 = hashlib.sha256()
        try:
            self._stream = files.open(path)
        except OSError as error:
            raise self._unreadable(error) from error

    def read(self, size: int) -> bytes:
        """The next bytes; none at the end. Raises the cancellation of the task that waits for the thread."""
        from_thread.check_cancelled()
        try:
            piece = self._stream.read(size)
        except OSError as error:
            raise self._unreadable(error) from error
        self._sha256.update(piece)
        if not piece and self._digest and "sha256:" + self._sha256.hexdigest() != self._digest:
            raise BuildError(Problem(path=str(self._path), what="changed while it was read", hint="run again"))
        return piece

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """Move, before anything is read: that is how an archive learns the size."""
        return self._stream.seek(offset, whence)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close it."""
        self._stream.close()

    def _unreadable(self, error: OSError) -> BuildError:
        return BuildError(Problem(path=str(self._path), what="cannot be read", why=error.strerror or str(error)))
