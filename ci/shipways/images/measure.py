"""Reads layers: the digest and size of what they unpack to, and what in them matters to a layer above."""

import gzip
import hashlib
import heapq
import mmap
import tarfile
import zlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Final, cast

import cramjam

from shipways.errors import BuildError, Problem
from shipways.images.rootfs import Entry
from shipways.model.artifact import Artifact
from shipways.model.oci import LAYER, LAYER_GZIP, LAYER_ZSTD
from shipways.ports import Inbox, World

_PIECE: Final = 1 << 20
_LARGEST: Final = 3
_BROKEN: Final = (
    *(tarfile.TarError, zlib.error, EOFError, gzip.BadGzipFile),
    *(cramjam.DecompressionError, ValueError),
)
"""What readers raise for a layer that is not what its media type says."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Contents:
    """What is in a layer. `diff_id` is the digest of its tar archive, `size` the sum of its files in bytes."""

    diff_id: str
    size: int
    largest: tuple[tuple[int, str], ...]
    """Its biggest files, size first."""
    folders: Mapping[str, Entry]
    links: Mapping[str, str]
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
    """Read a layer to its end, with room for a file in `scratch`.

    Raises BuildError for one that is not a tar archive packed as its media type says.
    """
    try:
        with unpacked(layer, media_type, scratch) as stream:
            return _read(_Counted(stream))
    except _BROKEN as error:
        raise _unreadable(media_type, error) from None


def found(layer: BinaryIO, media_type: str, scratch: Path, path: str) -> bytes | None:
    """The bytes of a file of a layer, by its path without the slash in front; None where it has none. Raises as
    `measure`."""
    try:
        with (
            unpacked(layer, media_type, scratch) as stream,
            tarfile.open(fileobj=stream, mode="r|", bufsize=_PIECE) as archive,
        ):
            for member in archive:
                if member.isreg() and member.name.removeprefix("./") == path:
                    content = archive.extractfile(member)
                    return content.read() if content else None
            return None
    except _BROKEN as error:
        raise _unreadable(media_type, error) from None


def _unreadable(media_type: str, error: Exception) -> BuildError:
    return BuildError(Problem(what=f"a layer of type {media_type} cannot be read", why=str(error)))


def measure_artifact(world: World, inbox: Inbox, layer: Artifact) -> Contents:
    """The same, for a layer in a step's inbox."""
    with world.files.open(inbox.path(layer)) as stream:
        return measure(stream, layer.blob.media_type, inbox.scratch)


def unpacked(layer: BinaryIO, media_type: str, scratch: Path) -> BinaryIO:
    """The tar archive in a layer. Raises BuildError for another kind of packing."""
    if media_type == LAYER_GZIP:
        return cast(BinaryIO, gzip.GzipFile(fileobj=layer))
    if media_type == LAYER_ZSTD:
        return _zstd(layer, scratch / "unpacked")
    if media_type == LAYER:
        return layer
    raise BuildError(Problem(what=f"{media_type} is no kind of layer that can be built upon"))


def _zstd(layer: BinaryIO, place: Path) -> BinaryIO:
    """Through a file, because the decompressor gives its output to a file or all at once."""
    with mmap.mmap(layer.fileno(), 0, access=mmap.ACCESS_READ) as packed:
        cramjam.zstd.decompress_into(packed, cramjam.File(str(place), write=True, truncate=True))
    return place.open("rb")


def _read(stream: _Counted) -> Contents:
    sizes: list[tuple[int, str]] = []
    folders: dict[str, Entry] = {}
    links: dict[str, str] = {}
    total = 0
    with tarfile.open(fileobj=cast(BinaryIO, stream), mode="r|", bufsize=_PIECE) as archive:
        while (member := archive.next()) is not None:
            name = member.name.removeprefix("./").strip("/")
            # tarfile remembers every member, and a base image may have a hundred thousand
            archive.members.clear()  # type: ignore[attr-defined] # it is public, but the stubs lack it
            if member.isdir():
                folders[name] = Entry(mode=member.mode, uid=member.uid, gid=member.gid)
            elif member.issym():
                links[name] = member.linkname
            elif member.isreg():
                total += member.size
                sizes = heapq.nlargest(_LARGEST, [*sizes, (member.size, name)])
    while stream.read(_PIECE):
        pass
    return Contents(
        diff_id="sha256:" + stream.sha256.hexdigest(),
        size=total,
        largest=tuple(sizes),
        folders=folders,
        links=links,
    )


def stacked(layers: Iterable[Contents]) -> tuple[dict[str, Entry], dict[str, str]]:
    """The folders and the symlinks of layers, the lowest first, as the highest leave them."""
    folders: dict[str, Entry] = {}
    links: dict[str, str] = {}
    for layer in layers:
        links = {path: target for path, target in links.items() if path not in layer.folders} | dict(layer.links)
        folders = {path: entry for path, entry in folders.items() if path not in layer.links} | dict(layer.folders)
    return folders, links
