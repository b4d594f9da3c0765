"""Takes an image out of a layout that another program wrote: by digests, within limits, and by none of its paths."""

import contextlib
import hashlib
import tarfile
from collections.abc import Iterator
from typing import BinaryIO, Final

from shipways.errors import BuildError, Problem
from shipways.model.oci import Descriptor, blob_path
from shipways.pack.manifests import read_index, read_manifest
from shipways.pack.tarwriter import Sink

_DOCUMENT: Final = 4 << 20
"""The largest JSON document that is read (distribution-spec, "Pushing Manifests")."""
_PIECE: Final = 1 << 20


class Layout:
    """An OCI image layout in a tar archive (image-spec, image-layout.md); `name` is told in errors."""

    def __init__(self, archive: tarfile.TarFile, name: str) -> None:
        self._archive = archive
        self._name = name

    def image(self, platform: str) -> tuple[bytes, tuple[Descriptor, ...]]:
        """The config of one platform, and its layers, lowest first. Raises BuildError where there is none."""
        with self._open("index.json") as stream:
            index = read_index(self._name, stream.read(_DOCUMENT)) or {}
        if platform not in index:
            raise self._wrong(f"has no image for {platform}", f"it has {', '.join(index) or 'none'}")
        config, layers = read_manifest(self._name, self._document(index[platform]))
        return self._document(config), layers

    def copy(self, blob: Descriptor, sink: Sink) -> None:
        """Write a blob into a sink. Raises BuildError when it is not there, or another one."""
        sha256, left = hashlib.sha256(), blob.size
        with self._open(blob_path(blob.digest)) as stream:
            while data := stream.read(min(left + 1, _PIECE)):
                left -= len(data)
                if left < 0:
                    raise self._wrong(f"blob {blob.digest} is longer than its {blob.size} bytes")
                sha256.update(data)
                sink.write(data)
        if (found := f"sha256:{sha256.hexdigest()}") != blob.digest:
            raise self._wrong(f"expected {blob.digest}, found {found}")

    def _document(self, blob: Descriptor) -> bytes:
        if blob.size > _DOCUMENT:
            raise self._wrong(f"document {blob.digest} has {blob.size} bytes")
        data = _Kept()
        self.copy(blob, data)
        return bytes(data.bytes)

    @contextlib.contextmanager
    def _open(self, path: str) -> Iterator[BinaryIO]:
        try:
            member = self._archive.getmember(path)
            stream = self._archive.extractfile(member) if member.isreg() else None
        except KeyError:
            stream = None
        if stream is None:
            raise self._wrong(f"has no file {path}")
        with stream:
            yield stream  # type: ignore[misc] # typeshed has no BinaryIO for what is one

    def _wrong(self, what: str, why: str = "") -> BuildError:
        return BuildError(Problem(path=self._name, what=f"the image of the engine: {what}", why=why))


class _Kept:
    """A sink in memory."""

    def __init__(self) -> None:
        self.bytes = bytearray()

    def write(self, data: bytes) -> int:
        self.bytes += data
        return len(data)


@contextlib.contextmanager
def opened(stream: BinaryIO, name: str) -> Iterator[Layout]:
    """A layout in a file. Raises BuildError for what is no tar archive."""
    try:
        with tarfile.open(fileobj=stream, mode="r:") as archive:
            yield Layout(archive, name)
    except tarfile.TarError as error:
        raise BuildError(Problem(path=name, what="the engine gave no tar archive", why=str(error))) from None
