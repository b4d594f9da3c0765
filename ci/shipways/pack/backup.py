"""The format of a backup, as a stream: nothing of it is believed before the digest of the whole has been verified.

A tar in one frame of zstd: `backup.json` (the head), `data/…` (each folder before what is in it), `list.jsonl` (a line
with the digest for each entry). Then a skippable frame (RFC 8878, 3.1.2), which every reader of zstd passes over, with
the digest of all bytes before it. So each bit is covered, also those that tar and zstd do not look at.
"""

import contextlib
import hashlib
import io
import json
import struct
import tarfile
from collections.abc import Iterator
from dataclasses import asdict
from decimal import Decimal
from typing import BinaryIO, Final, Literal, Protocol

import zstandard
from anyio import from_thread

from shipways.errors import Conflict, Problem, Unfinished
from shipways.model.backup import FORMAT, Backup, Entry

_PIECE: Final = 1 << 20
_LEVEL: Final = 3
"""Of zstd: fast, since a service may stand still meanwhile."""
_HEAD, _LIST, _DATA = "backup.json", "list.jsonl", "data/"
_MAGIC: Final = 0x184D2A5E
_SEAL: Final = 8 + len("sha256:\n") + 64
_KINDS: Final[dict[bytes, Literal["file", "folder", "link"]]] = {
    tarfile.REGTYPE: "file",
    tarfile.DIRTYPE: "folder",
    tarfile.SYMTYPE: "link",
}
_TYPES: Final = {kind: letter for letter, kind in _KINDS.items()}
_BROKEN: Final = (tarfile.TarError, zstandard.ZstdError, EOFError, ArithmeticError, ValueError, KeyError, TypeError)


class Readable(Protocol):
    """What bytes come from."""

    def read(self, size: int = -1, /) -> bytes:
        """The next ones; none at the end."""
        ...


class _Hashing:
    """Passes bytes on, and knows their digest. A run that is cancelled ends here."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream
        self.sha256 = hashlib.sha256()

    def write(self, data: bytes) -> int:
        from_thread.check_cancelled()
        self.sha256.update(data)
        return self._stream.write(data)


class Sealer:
    """Writes a backup into a stream, in a worker thread. `scratch` is an empty file for the list."""

    def __init__(self, stream: BinaryIO, head: Backup, scratch: BinaryIO) -> None:
        self._stream = stream
        self._raw = _Hashing(stream)
        self._packed = zstandard.ZstdCompressor(level=_LEVEL).stream_writer(self._raw, closefd=False)  # type: ignore[arg-type]
        self._list = scratch
        text = json.dumps({"format": FORMAT, **asdict(head)}, indent=1).encode()
        self._member(_HEAD, io.BytesIO(text), len(text))

    def add(self, entry: Entry, source: Readable | None = None) -> None:
        """Add one; a file has a source. Raises Unfinished when that is not as long as the entry says."""
        self._packed.write(_told(entry))
        digest = self._body(entry.path, source, entry.size) if source is not None else ""
        self._list.write(entry.line(digest))

    def seal(self) -> None:
        """Write the list, the end and the digest of all."""
        size = self._list.tell()
        self._list.seek(0)
        self._member(_LIST, self._list, size)
        self._packed.write(bytes(2 * tarfile.BLOCKSIZE))
        self._packed.flush(zstandard.FLUSH_FRAME)
        self._stream.write(_seal(self._raw.sha256.hexdigest()))

    def _member(self, name: str, source: Readable, size: int) -> None:
        info = tarfile.TarInfo(name)
        info.mode, info.size = 0o600, size
        self._packed.write(info.tobuf(tarfile.PAX_FORMAT))
        self._body(name, source, size)

    def _body(self, name: str, source: Readable, size: int) -> str:
        sha256, rest = hashlib.sha256(), size
        while piece := source.read(_PIECE):
            rest -= len(piece)
            if rest < 0:
                break
            sha256.update(piece)
            self._packed.write(piece)
        if rest:
            why = "something besides the service writes there"
            raise Unfinished(Problem(path=name, what="changed while it was read", why=why, hint="try again"))
        self._packed.write(bytes(-size % tarfile.BLOCKSIZE))
        return sha256.hexdigest()


class Sealed:
    """Reads a backup from a stream at its begin, in a worker thread. `name` is for messages.

    All methods raise Conflict where the bytes are not those that were written.
    """

    def __init__(self, stream: BinaryIO, name: str) -> None:
        self._stream = stream
        self._name = name
        self._size = max(stream.seek(0, io.SEEK_END) - _SEAL, 0)
        self._start()

    def verify(self) -> str:
        """Compare the digest of all bytes with the one at the end; the digest (hex) of both together."""
        sha256, rest = hashlib.sha256(), self._size
        self._start()
        while piece := self._stream.read(min(_PIECE, rest)):
            from_thread.check_cancelled()
            sha256.update(piece)
            rest -= len(piece)
        seal = _seal(sha256.hexdigest())
        if rest or self._stream.read() != seal:
            raise self._refused("its bytes are not those that its end tells the digest of: it is torn or altered")
        sha256.update(seal)
        return sha256.hexdigest()

    def head(self) -> Backup:
        """What it says of itself."""
        with self.reading(), self._tar() as tar:
            return self._head(tar)

    def entries(self, scratch: BinaryIO) -> Iterator[tuple[Entry, Readable]]:
        """Each entry, with the bytes of a file, which are to be read before the next one; use it in `reading`.

        `scratch` is an empty file; the list of the backup is compared with it at the end.
        """
        with self._tar() as tar:
            self._head(tar)
            while member := self._next(tar):
                if member.name == _LIST:
                    self._compare(tar, member, scratch)
                    return
                entry = _entry(member)
                body = _Body(tar.extractfile(member) if entry.kind == "file" else None)
                yield entry, body
                while body.read(_PIECE):
                    pass
                scratch.write(entry.line(body.sha256.hexdigest() if entry.kind == "file" else ""))
        raise self._refused("it has no list of its files")

    @contextlib.contextmanager
    def reading(self) -> Iterator[None]:
        """What the libraries say of bytes that they cannot read becomes a Conflict."""
        try:
            yield
        except _BROKEN as error:
            raise self._refused(f"it cannot be read: {error}") from error

    def _start(self) -> None:
        self._stream.seek(0)

    def _tar(self) -> tarfile.TarFile:
        self._start()
        limited = _Limited(self._stream, self._size)
        unpacked = zstandard.ZstdDecompressor().stream_reader(limited)  # type: ignore[arg-type]
        return tarfile.open(fileobj=unpacked, mode="r|", bufsize=_PIECE, encoding="utf-8", errors="surrogateescape")

    def _next(self, tar: tarfile.TarFile) -> tarfile.TarInfo | None:
        member = tar.next()
        tar.members.clear()  # type: ignore[attr-defined]  # or it would remember all of them
        return member

    def _head(self, tar: tarfile.TarFile) -> Backup:
        member = self._next(tar)
        stream = tar.extractfile(member) if member and member.name == _HEAD else None
        said = json.loads(stream.read()) if stream else {}
        if said.pop("format", None) != FORMAT:
            raise self._refused("it is no backup of a service, or one of a later version")
        return Backup(**said)

    def _compare(self, tar: tarfile.TarFile, member: tarfile.TarInfo, scratch: BinaryIO) -> None:
        told, found = tar.extractfile(member), scratch.tell()
        scratch.seek(0)
        while piece := scratch.read(_PIECE):
            if told is None or told.read(len(piece)) != piece:
                raise self._refused("what is in it is not what its list says")
        if found != member.size or self._next(tar):
            raise self._refused("it ends elsewhere than its list")

    def _refused(self, what: str) -> Conflict:
        hint = "nothing was changed; take another backup"
        return Conflict(Problem(path=self._name, what=f"is no backup to restore: {what}", hint=hint))


class _Limited:
    """The first bytes of a stream."""

    def __init__(self, stream: BinaryIO, size: int) -> None:
        self._stream = stream
        self._rest = size

    def read(self, size: int = -1) -> bytes:
        from_thread.check_cancelled()
        piece = self._stream.read(self._rest if size < 0 else min(size, self._rest))
        self._rest -= len(piece)
        return piece


class _Body:
    """The bytes of an entry, whose digest is known when they have been read."""

    def __init__(self, stream: Readable | None) -> None:
        self._stream = stream
        self.sha256 = hashlib.sha256()

    def read(self, size: int = -1, /) -> bytes:
        piece = self._stream.read(size) if self._stream else b""
        self.sha256.update(piece)
        return piece


def _seal(digest: str) -> bytes:
    text = f"sha256:{digest}\n".encode()
    return struct.pack("<II", _MAGIC, len(text)) + text


def _told(entry: Entry) -> bytes:
    """The header of an entry. Its time is text: tar has whole seconds, and Python would make a float of more."""
    info = tarfile.TarInfo(_DATA + entry.path + ("/" if entry.kind == "folder" else ""))
    info.type, info.mode, info.size, info.linkname = _TYPES[entry.kind], entry.mode, entry.size, entry.target
    info.uid, info.gid, info.uname, info.gname = entry.uid, entry.gid, entry.user, entry.group
    info.pax_headers = {"mtime": f"{Decimal(entry.modified) / 10**9:f}"}
    return info.tobuf(tarfile.PAX_FORMAT, "utf-8", "surrogateescape")


def _entry(member: tarfile.TarInfo) -> Entry:
    """What a header says. Raises ValueError for one that no backup has."""
    path = member.name.removeprefix(_DATA)
    if path == member.name or {"", ".", ".."} & set(path.split("/")) or member.type not in _KINDS or "\0" in path:
        raise ValueError(f"{member.name!r} has no place in it")
    entry = Entry(
        path=path,
        kind=_KINDS[member.type],
        mode=member.mode,
        uid=member.uid,
        gid=member.gid,
        user=member.uname,
        group=member.gname,
        modified=int(Decimal(member.pax_headers["mtime"]) * 10**9),
        size=member.size,
        target=member.linkname,
    )
    if entry.leads_out:
        raise ValueError(f"{path!r} leads out of its folder")
    return entry
