"""Where two files differ first, said in the words of what they are: a member of an archive, and a byte of it."""

import io
import mmap
import shutil
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import partial
from itertools import zip_longest
from lzma import LZMAError
from tempfile import NamedTemporaryFile
from typing import BinaryIO, Final, cast

import cramjam

_PIECE: Final = 1 << 20
_ZSTD: Final = b"\x28\xb5\x2f\xfd"
_BROKEN: Final = (
    cramjam.DecompressionError,
    tarfile.TarError,
    zipfile.BadZipFile,
    zlib.error,
    EOFError,
    LZMAError,
    OSError,
    NotImplementedError,  # zipfile, of a kind of compression that it does not know
)
"""What an archive may raise that is none, or is cut short."""

Section = Callable[[BinaryIO, int], str]
"""Names the section of a program that has the byte at this offset; empty where nobody knows."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """The first difference: what it is, at which byte, and the members of archives that lead there, outermost first."""

    what: str
    offset: int | None = None
    section: str = ""
    members: tuple[str, ...] = ()

    def __str__(self) -> str:
        where = ", in ".join(reversed(self.members))
        byte = "" if self.offset is None else f" at byte {self.offset}"
        section = f" ({self.section})" if self.section else ""
        return f"{self.what}{byte}{section}{f', in {where}' if where else ''}"


def first_difference(old: BinaryIO, new: BinaryIO, section: Section) -> Difference | None:
    """Where two seekable files differ; None when they are equal. Archives in archives are opened too."""
    offset = _offset(old, new)
    if offset is None:
        return None
    for read in (_tar, _zip):
        try:
            before, after = _rewound(read, old), _rewound(read, new)
            if before or after:  # nothing but zeros is an archive to tar
                return _in_archive(before, after, section) or Difference(what="only the packing differs", offset=offset)
        except _BROKEN:
            continue
    return Difference(what="differs", offset=offset, section=section(new, offset))


@dataclass(frozen=True, slots=True, kw_only=True)
class _Member:
    """A member of an archive: what its header says besides its size, and its bytes."""

    name: str
    header: Mapping[str, object]
    open: Callable[[], BinaryIO | None]


def _rewound(read: Callable[[BinaryIO], Iterable[_Member]], stream: BinaryIO) -> list[_Member]:
    stream.seek(0)
    return list(read(stream))


def _in_archive(old: Iterable[_Member], new: Iterable[_Member], section: Section) -> Difference | None:
    for before, after in zip_longest(old, new):
        if found := _of_member(before, after, section):
            return found
    return None


def _of_member(before: _Member | None, after: _Member | None, section: Section) -> Difference | None:
    if before is None or after is None:
        there = before or after
        return Difference(what=f"{there.name if there else ''} is {'gone' if before else 'new'}")
    if before.name != after.name:
        return Difference(what=f"{after.name} is where {before.name} was")
    if found := _content(before, after, section):
        return replace(found, members=(after.name, *found.members))
    for key, value in before.header.items():
        if value != after.header.get(key):
            return Difference(what=f"{key} is {after.header.get(key)}, was {value}", members=(after.name,))
    return None


def _content(before: _Member, after: _Member, section: Section) -> Difference | None:
    old, new = before.open() or io.BytesIO(), after.open() or io.BytesIO()
    with old, new:
        return first_difference(old, new, section)


def _tar(stream: BinaryIO) -> Iterator[_Member]:
    archive = tarfile.open(fileobj=_unpacked(stream), mode="r:*")  # noqa: SIM115 - its members are read after this
    for info in archive:
        header = {
            "type": info.type.decode(),
            "mode": oct(info.mode),
            "owner": f"{info.uid}:{info.gid} {info.uname}:{info.gname}",
            "time": info.mtime,
            "link": info.linkname,
            "pax": info.pax_headers,
        }
        yield _Member(name=info.name, header=header, open=partial(_extracted, archive, info))


def _extracted(archive: tarfile.TarFile, info: tarfile.TarInfo) -> BinaryIO | None:
    return cast("BinaryIO | None", archive.extractfile(info)) if info.isreg() else None


def _unpacked(stream: BinaryIO) -> BinaryIO:
    """What tarfile can read: it knows gzip and xz itself."""
    magic = stream.read(len(_ZSTD))
    stream.seek(0)
    return _unzstd(stream) if magic == _ZSTD else stream


def _unzstd(stream: BinaryIO) -> BinaryIO:
    """Through files, because the decompressor gives its output to a file or all at once."""
    with NamedTemporaryFile() as packed:
        shutil.copyfileobj(stream, packed, _PIECE)
        packed.flush()
        plain = NamedTemporaryFile()  # noqa: SIM115 - it goes with the last who reads it
        with mmap.mmap(packed.fileno(), 0, access=mmap.ACCESS_READ) as data:
            cramjam.zstd.decompress_into(data, cramjam.File(plain.name, write=True, truncate=True))
    return cast("BinaryIO", plain)


def _zip(stream: BinaryIO) -> Iterator[_Member]:
    archive = zipfile.ZipFile(stream)
    for info in archive.infolist():
        header = {
            "time": info.date_time,
            "mode": oct(info.external_attr >> 16),
            "compression": info.compress_type,
            "system": info.create_system,
        }
        yield _Member(name=info.filename, header=header, open=partial(_inflated, archive, info))


def _inflated(archive: zipfile.ZipFile, info: zipfile.ZipInfo) -> BinaryIO:
    found = cast("zipfile.ZipExtFile", archive.open(info))
    found.MAX_SEEK_READ = _PIECE  # to go on it reads so much at once, which is 16 MiB by default
    return cast("BinaryIO", found)


def _offset(old: BinaryIO, new: BinaryIO) -> int | None:
    """The first byte that differs, or that only one of them has."""
    position = 0
    old.seek(0)
    new.seek(0)
    while True:
        before, after = old.read(_PIECE), new.read(_PIECE)
        if before != after:
            pairs = enumerate(zip(before, after, strict=False))
            return position + next((at for at, (one, two) in pairs if one != two), min(len(before), len(after)))
        if not before:
            return None
        position += len(before)
