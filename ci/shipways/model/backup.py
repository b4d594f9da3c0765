"""A backup of a service's data: what it says of itself, and of each thing in it."""

import json
import posixpath
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final, Literal

FORMAT: Final = "shipways-backup/1"


@dataclass(frozen=True, slots=True, kw_only=True)
class Backup:
    """The head of a backup: whose it is, when it was begun (seconds since 1970), and bytes on disk for each folder."""

    project: str
    service: str
    made: int
    folders: Mapping[str, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Verified:
    """A backup whose bytes are as they were written, and the digest of all of them (hex)."""

    head: Backup
    digest: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """A file, folder or symlink; `path` begins with the name of its data directory, which itself is the first entry.

    `modified` is in nanoseconds since 1970, `size` in bytes; `target` is that of a symlink. A name that is no UTF-8
    has surrogates in it.
    """

    path: str
    kind: Literal["file", "folder", "link"]
    mode: int
    uid: int
    gid: int
    user: str
    group: str
    modified: int
    size: int = 0
    target: str = ""

    @property
    def folder(self) -> str:
        """The name of its data directory."""
        return self.path.partition("/")[0]

    @property
    def leads_out(self) -> bool:
        """Whether it is a symlink to what is not in its data directory."""
        to = posixpath.normpath(posixpath.join("/", posixpath.dirname(self.path), self.target))
        inside = to == f"/{self.folder}" or to.startswith(f"/{self.folder}/")
        return self.kind == "link" and (self.target.startswith("/") or not inside)

    def line(self, digest: str) -> bytes:
        """What the list of a backup says of it; `digest` is that of a file."""
        return json.dumps({**asdict(self), "digest": digest}, sort_keys=True).encode() + b"\n"


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """A data directory to back up: its name, what is read, and whose owner all of it gets (none: as it is)."""

    name: str
    path: Path
    like: Path | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """What a data directory takes: bytes on disk, and paths of what no archive holds, such as sockets."""

    size: int
    passed: tuple[str, ...]
    leading_out: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Swap:
    """A data directory that is replaced: `fresh` takes the place of it, and what was there is `old` from then on."""

    place: Path
    fresh: Path
    old: Path


@dataclass(frozen=True, slots=True, kw_only=True)
class Pause:
    """What has been begun with a service and is not done yet: to be started again, and folders to be swapped."""

    begin: bool
    swaps: tuple[Swap, ...] = ()
