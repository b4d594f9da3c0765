"""Reads layers: the digest and size of what they unpack to, and what in them matters to the layer above."""

import gzip
import hashlib
import heapq
import mmap
import tarfile
import zlib
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Final, cast

import cramjam

from shipways.errors import BuildError, Problem
from shipways.model.oci import LAYER, LAYER_GZIP, LAYER_ZSTD

_PIECE: Final = 1 << 20
_LARGEST: Final = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Contents:
    """What is in a layer. `diff_id` is the digest of its tar archive, `size` the sum of its files in bytes."""

    diff_id: str
    size: int
    largest: tuple[tuple[int, str], ...]
    """Its biggest files, size first."""
    folders: frozenset[str]
    links: tuple[tuple[str, str], ...]
    """Symlinks and their targets."""


class _Counted:
    """A stream that knows the digest of what was read from it."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream
        self.sha256 = hashlib.sha256()

    def read(self, size: int) -> bytes:
        data = self._stream.read(size)
        self.sha256.update(data)
        return data


def measure(layer: BinaryIO, media_type: str, scratch: Path) -> Contents:
    """Read a layer to its end. Raises BuildError for one that is not a tar archive packed as its media type says."""
    try:
        with _unpacked(layer, media_type, scratch) as stream:
            return _read(_Counted(stream))
    except (tarfile.TarError, zlib.error, EOFError, gzip.BadGzipFile, cramjam.DecompressionError) as error:
        raise BuildError(Problem(path=media_type, what="a layer cannot be read", why=str(error))) from None


def _unpacked(layer: BinaryIO, media_type: str, scratch: Path) -> BinaryIO:
    if media_type == LAYER_GZIP:
        return cast(BinaryIO, gzip.GzipFile(fileobj=layer))
    if media_type == LAYER_ZSTD:
        return _zstd(layer, scratch / "unpacked")
    if media_type == LAYER:
        return layer
    raise BuildError(Problem(path=media_type, what="is no kind of layer that can be built upon"))


def _zstd(layer: BinaryIO, place: Path) -> BinaryIO:
    """Through a file, because the decompressor gives its output to a file or all at once."""
    with mmap.mmap(layer.fileno(), 0, access=mmap.ACCESS_READ) as packed:
        cramjam.zstd.decompress_into(packed, cramjam.File(str(place), write=True))
    return place.open("rb")


def _read(stream: _Counted) -> Contents:
    sizes: list[tuple[int, str]] = []
    folders: set[str] = set()
    links: list[tuple[str, str]] = []
    total = 0
    with tarfile.open(fileobj=cast(BinaryIO, stream), mode="r|", bufsize=_PIECE) as archive:
        while (member := archive.next()) is not None:
            name = member.name.removeprefix("./").strip("/")
            # tarfile remembers every member, and a base image may have a hundred thousand
            archive.members.clear()  # type: ignore[attr-defined]
            if member.isdir():
                folders.add(name)
            elif member.issym():
                links.append((name, member.linkname))
            elif member.isreg():
                total += member.size
                sizes = heapq.nlargest(_LARGEST, [*sizes, (member.size, name)])
    while stream.read(_PIECE):
        pass
    return Contents(
        diff_id="sha256:" + stream.sha256.hexdigest(),
        size=total,
        largest=tuple(sizes),
        folders=frozenset(folders),
        links=tuple(links),
    )


def hidden(base: Iterable[Contents], own: Contents) -> tuple[tuple[str, str], ...]:
    """Symlinks of the base, with their targets, that a folder of the layer above would replace."""
    links: dict[str, str] = {}
    for layer in base:
        links = {name: target for name, target in links.items() if name not in layer.folders} | dict(layer.links)
    return tuple(sorted((name, target) for name, target in links.items() if name in own.folders))
