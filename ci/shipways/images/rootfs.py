"""A layer's file tree as values, and the one tar archive of it."""

import io
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath
from typing import BinaryIO, Final

from anyio import from_thread

from shipways.errors import BuildError, Problem
from shipways.pack.tarwriter import Sink, TarWriter


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """What lies at a path: a folder (no content), a file (its bytes, or where they are), or a symlink (`target`)."""

    mode: int
    content: bytes | Path | None = None
    target: str = ""
    uid: int = 0
    gid: int = 0


FOLDER: Final = Entry(mode=0o755)


def with_parents(tree: Mapping[str, Entry], below: Mapping[str, Entry]) -> dict[str, Entry]:
    """The tree with the folders above each entry, as they are in the layers `below`, so that their rights stay.

    Paths have no slash in front. Raises BuildError for a file in the place of a folder.
    """
    whole = dict(tree)
    for path in tree:
        for parent in PurePosixPath(path).parents:
            above = whole.setdefault(str(parent), below.get(str(parent), FOLDER))
            if above.content is not None or above.target:
                raise BuildError(Problem(path=f"/{path}", what=f"cannot lie below /{parent}, which is a file"))
    whole.pop(".", None)
    return whole


def write_tar(sink: Sink, tree: Mapping[str, Entry], epoch: int, read: Callable[[Path], BinaryIO]) -> None:
    """Write a tree as a tar archive (image-spec, layer.md), sorted, every time stamp `epoch` (seconds since 1970).

    Runs in a worker thread, and ends there when the task that waits for it is cancelled.
    """
    with TarWriter(Cancellable(sink), epoch) as archive:
        for path, entry in sorted(tree.items()):
            if entry.target:
                archive.link(path, entry.target)
            elif entry.content is None:
                archive.folder(path, mode=entry.mode, uid=entry.uid, gid=entry.gid)
            else:
                with _opened(entry.content, read) as source:
                    archive.add(path, source, executable=entry.mode & 0o100 != 0)


def _opened(content: bytes | Path, read: Callable[[Path], BinaryIO]) -> BinaryIO:
    return io.BytesIO(content) if isinstance(content, bytes) else read(content)


def owned(entry: Entry, user: str) -> Entry:
    """The same entry, owned by `uid:gid`."""
    uid, gid = (int(number) for number in user.split(":"))
    return replace(entry, uid=uid, gid=gid)


class Cancellable:
    """A sink that raises when nobody waits for the result any more."""

    def __init__(self, sink: Sink) -> None:
        self._sink = sink

    def write(self, data: bytes) -> int:
        from_thread.check_cancelled()
        return self._sink.write(data)
