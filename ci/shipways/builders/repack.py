"""Packs sdists and wheels so that equal contents are equal bytes, whatever packed them before."""

import csv
import hashlib
import io
import tarfile
import zipfile
from base64 import urlsafe_b64encode
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Final, cast

from shipways.errors import BuildError, Problem
from shipways.pack.compress import PackedWriter, recipe
from shipways.pack.zipwriter import ZipWriter
from shipways.ports import Files

RECIPE: Final = f"repack 1, {recipe('gzip')}, {recipe('deflate')}"
"""Part of the key of everything packed here."""
_PIECE: Final = 1 << 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """A file of a wheel: its bytes, or where they are."""

    name: str
    content: bytes | Path
    executable: bool = False


def repack_sdist(files: Files, source: Path, place: Path, epoch: int) -> None:
    """The same members sorted, owned by root, of time `epoch`, with rights 644 or 755. Hard links become files.

    Raises BuildError for a member that is neither file, folder nor symlink (PEP 721 allows no others).
    """
    with (
        tarfile.open(source) as old,
        files.create(place) as stream,
        PackedWriter("gzip", stream) as packed,
        tarfile.open(fileobj=cast(BinaryIO, packed), mode="w|", format=tarfile.PAX_FORMAT) as new,
    ):
        members = {member.name.rstrip("/"): member for member in old.getmembers()}
        for name in sorted(members):
            info, content = _member(old, name, members[name])
            info.mtime = epoch
            new.addfile(info, content)


def _member(old: tarfile.TarFile, name: str, member: tarfile.TarInfo) -> tuple[tarfile.TarInfo, BinaryIO | None]:
    info = tarfile.TarInfo(name)
    info.mode = 0o755 if member.isdir() or member.mode & 0o100 else 0o644
    if member.isdir():
        info.type = tarfile.DIRTYPE
        return info, None
    if member.issym():
        info.type, info.linkname, info.mode = tarfile.SYMTYPE, member.linkname, 0o777
        return info, None
    content = old.extractfile(member) if member.isfile() or member.islnk() else None
    if content is None:
        raise BuildError(Problem(path=name, what="is not a file, folder or symlink", why="an sdist has nothing else"))
    info.size = content.seek(0, io.SEEK_END)
    content.seek(0)
    return info, cast(BinaryIO, content)


def repack_wheel(files: Files, source: Path, place: Path, epoch: int) -> None:
    """The same files sorted, dist-info last (PEP 427, "Recommended archiver features"), RECORD at its end."""
    with zipfile.ZipFile(source) as old, files.create(place) as stream, ZipWriter(stream, epoch) as new:
        members = {member.filename: member for member in old.infolist() if not member.is_dir()}
        for name in sorted(members, key=_place):
            with old.open(members[name]) as content:
                new.add(name, cast(BinaryIO, content), executable=bool(members[name].external_attr >> 16 & 0o100))


def _place(name: str) -> tuple[bool, bool, str]:
    folder, _, rest = name.partition("/")
    return folder.endswith(".dist-info"), rest == "RECORD", name


def write_wheel(files: Files, place: Path, entries: Iterable[Entry], epoch: int) -> None:
    """Write entries in this order."""
    with files.create(place) as stream, ZipWriter(stream, epoch) as archive:
        for entry in entries:
            with _open(files, entry) as content:
                archive.add(entry.name, content, executable=entry.executable)


def record(files: Files, entries: Iterable[Entry], own: str) -> bytes:
    """RECORD (PEP 376): path, hash in urlsafe base64 without padding, size; its own line has only the path."""
    text = io.StringIO()
    table = csv.writer(text, lineterminator="\n")
    for entry in entries:
        digest, size = hashlib.sha256(), 0
        with _open(files, entry) as content:
            while piece := content.read(_PIECE):
                digest.update(piece)
                size += len(piece)
        table.writerow((entry.name, f"sha256={urlsafe_b64encode(digest.digest()).decode().rstrip('=')}", size))
    table.writerow((own, "", ""))
    return text.getvalue().encode()


def _open(files: Files, entry: Entry) -> BinaryIO:
    return io.BytesIO(entry.content) if isinstance(entry.content, bytes) else files.open(entry.content)
