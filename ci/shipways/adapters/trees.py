"""Folders of this machine, walked and laid entry by entry, without following a link that somebody lays meanwhile."""

import contextlib
import functools
import grp
import os
import posixpath
import pwd
import stat
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Final, Literal

from shipways.errors import Problem, Unfinished
from shipways.model.backup import Entry, Source
from shipways.pack.backup import Readable

_FOLDER: Final = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW
_READ: Final = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK
_NEW: Final = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW
_PIECE: Final = 1 << 16
"""Zeros of this length become a hole again."""
_BLOCK: Final = 512
"""What st_blocks counts."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Thing:
    """Something in a folder. `entry` is None for what no archive holds; `taken` are its bytes on the disk."""

    path: str
    name: str
    parent: int
    info: os.stat_result
    entry: Entry | None

    @property
    def taken(self) -> int:
        """Bytes on the disk."""
        return self.info.st_blocks * _BLOCK

    def open(self) -> BinaryIO:
        """A file, to read. Raises Unfinished where there is another one by now."""
        descriptor = os.open(self.name, _READ, dir_fd=self.parent)
        if not os.path.samestat(os.fstat(descriptor), self.info):
            os.close(descriptor)
            raise Unfinished(Problem(path=self.path, what="changed while it was read", hint="try again"))
        return os.fdopen(descriptor, "rb")


def walk(source: Source) -> Iterator[Thing]:
    """A data directory, and everything in it: each folder before what is in it, by name. Only its top may be a link."""
    descriptor = os.open(source.path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        info = os.fstat(descriptor)
        like = source.like.stat() if source.like else None
        yield _thing(source.name, (descriptor, "."), like or info, like)
        yield from _inside(descriptor, source.name, like)
    finally:
        os.close(descriptor)


def _inside(parent: int, path: str, like: os.stat_result | None) -> Iterator[Thing]:
    for name in sorted(os.listdir(parent)):
        try:
            info = os.stat(name, dir_fd=parent, follow_symlinks=False)
        except FileNotFoundError:  # a service that runs is measured too
            continue
        thing = _thing(f"{path}/{name}", (parent, name), info, like)
        yield thing
        if thing.entry and thing.entry.kind == "folder":
            descriptor = os.open(name, _FOLDER, dir_fd=parent)
            try:
                yield from _inside(descriptor, thing.path, like)
            finally:
                os.close(descriptor)


def _thing(path: str, at: tuple[int, str], info: os.stat_result, like: os.stat_result | None) -> Thing:
    parent, name = at
    kind = _kind(info.st_mode)
    owner = like or info
    entry = kind and Entry(
        path=path,
        kind=kind,
        mode=stat.S_IMODE(info.st_mode),
        uid=owner.st_uid,
        gid=owner.st_gid,
        user=_user(owner.st_uid),
        group=_group(owner.st_gid),
        modified=info.st_mtime_ns,
        size=info.st_size if kind == "file" else 0,
        target=os.readlink(name, dir_fd=parent) if kind == "link" else "",
    )
    return Thing(path=path, name=name, parent=parent, info=info, entry=entry)


def _kind(mode: int) -> Literal["file", "folder", "link"] | None:
    if stat.S_ISREG(mode):
        return "file"
    if stat.S_ISDIR(mode):
        return "folder"
    return "link" if stat.S_ISLNK(mode) else None


@dataclass(frozen=True, slots=True, kw_only=True)
class _Open:
    """A folder that is being filled."""

    descriptor: int
    entry: Entry


class Laying:
    """Lays the entries of data directories, each at a place that is not there yet.

    A folder gets its owner, mode and time when all of it is there. Only root can give files to others.
    """

    def __init__(self, places: Mapping[str, Path]) -> None:
        self._places = places
        self._open: list[_Open] = []

    def put(self, entry: Entry, body: Readable) -> None:
        """Lay one. Raises ValueError for one whose folder is not there, or that is there already, and OSError."""
        above = posixpath.dirname(entry.path)
        while self._open and self._open[-1].entry.path != above:
            self._done()
        try:
            self._put(entry, body)
        except FileExistsError:
            raise ValueError(f"{entry.path!r} is there twice") from None

    def close(self) -> None:
        """The folders that are still open are done."""
        while self._open:
            self._done()

    def _put(self, entry: Entry, body: Readable) -> None:
        name = posixpath.basename(entry.path)
        if not self._open:
            if entry.kind != "folder" or name != entry.path:
                raise ValueError(f"{entry.path!r} comes before its folder")
            place = self._places[name]
            place.mkdir(mode=0o700)
            self._open.append(_Open(descriptor=os.open(place, _FOLDER), entry=entry))
            return
        parent = self._open[-1].descriptor
        if entry.kind == "folder":
            os.mkdir(name, 0o700, dir_fd=parent)
            self._open.append(_Open(descriptor=os.open(name, _FOLDER, dir_fd=parent), entry=entry))
        elif entry.kind == "link":
            os.symlink(entry.target, name, dir_fd=parent)
            if os.geteuid() == 0:
                os.chown(name, *_owner(entry), dir_fd=parent, follow_symlinks=False)
            os.utime(name, ns=(entry.modified, entry.modified), dir_fd=parent, follow_symlinks=False)
        else:
            _file(os.open(name, _NEW, 0o600, dir_fd=parent), entry, body)

    def _done(self) -> None:
        folder = self._open.pop()
        try:
            _finish(folder.descriptor, folder.entry)
        finally:
            os.close(folder.descriptor)


def _file(descriptor: int, entry: Entry, body: Readable) -> None:
    with os.fdopen(descriptor, "wb", buffering=0) as stream:
        while piece := body.read(_PIECE):
            if piece != bytes(len(piece)):
                _all(stream.fileno(), piece)
            else:
                os.lseek(stream.fileno(), len(piece), os.SEEK_CUR)
        stream.truncate()
        _finish(stream.fileno(), entry)


def _all(descriptor: int, piece: bytes) -> None:
    rest = memoryview(piece)
    while rest:
        rest = rest[os.write(descriptor, rest) :]


def _finish(descriptor: int, entry: Entry) -> None:
    """The owner first: another one takes bits of the mode away."""
    if os.geteuid() == 0:
        os.fchown(descriptor, *_owner(entry))
    os.fchmod(descriptor, entry.mode)
    os.utime(descriptor, ns=(entry.modified, entry.modified))


def _owner(entry: Entry) -> tuple[int, int]:
    """By name, where this machine knows it: a service's account has another number on each."""
    return _numbers(entry.user, entry.group, entry.uid, entry.gid)


@functools.cache
def _numbers(user: str, group: str, uid: int, gid: int) -> tuple[int, int]:
    with contextlib.suppress(KeyError):
        uid = pwd.getpwnam(user).pw_uid
    with contextlib.suppress(KeyError):
        gid = grp.getgrnam(group).gr_gid
    return uid, gid


@functools.cache
def _user(uid: int) -> str:
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return ""


@functools.cache
def _group(gid: int) -> str:
    try:
        return grp.getgrgid(gid).gr_name
    except KeyError:
        return ""
