"""Archives as what is in them, whichever way they are packed."""

import mmap
import shutil
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from lzma import LZMAError
from tempfile import NamedTemporaryFile
from typing import BinaryIO, Final, cast

import cramjam

_PIECE: Final = 1 << 20
_ZSTD: Final = b"\x28\xb5\x2f\xfd"
BROKEN: Final = (
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


@dataclass(frozen=True, slots=True, kw_only=True)
class Member:
    """A member of an archive: what its header says besides its size, and its bytes."""

    name: str
    header: Mapping[str, object]
    open: Callable[[], BinaryIO | None]


def tar_members(stream: BinaryIO) -> Iterator[Member]:
    """Those of a tar, compressed or not. Raises one of BROKEN for something else."""
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
        yield Member(name=info.name, header=header, open=partial(_extracted, archive, info))


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


def zip_members(stream: BinaryIO) -> Iterator[Member]:
    """Those of a zip. Raises one of BROKEN for something else."""
    archive = zipfile.ZipFile(stream)
    for info in archive.infolist():
        header = {
            "time": info.date_time,
            "mode": oct(info.external_attr >> 16),
            "compression": info.compress_type,
            "system": info.create_system,
        }
        yield Member(name=info.filename, header=header, open=partial(_inflated, archive, info))


def _inflated(archive: zipfile.ZipFile, info: zipfile.ZipInfo) -> BinaryIO:
    found = cast("zipfile.ZipExtFile", archive.open(info))
    found.MAX_SEEK_READ = _PIECE  # to go on it reads so much at once, which is 16 MiB by default
    return cast("BinaryIO", found)
