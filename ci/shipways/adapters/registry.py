"""Image registries over HTTP (OCI distribution-spec 1.1, "Pull")."""

import hashlib
from pathlib import Path
from typing import BinaryIO, Final

from anyio import to_thread

from shipways.adapters.registryhttp import Busy, Missing, RegistryHttp
from shipways.errors import BuildError, ConfigError, Problem, Unavailable
from shipways.model.digest import digest_bytes
from shipways.model.lock import LockedImage, LockedPlatform
from shipways.model.oci import Descriptor, Reference, parse_reference
from shipways.pack.manifests import ACCEPTED, read_index, read_manifest, read_platform

_DOCUMENT: Final = 4 << 20
"""The largest manifest in bytes (distribution-spec, "Pushing manifests")."""


class Registry:
    """The `Images` port."""

    def __init__(self, http: RegistryHttp) -> None:
        self._http = http

    async def resolve(self, name: str) -> LockedImage:
        """What a name stands for now, with its platforms."""
        reference = parse_reference(name)
        try:
            data = await self._document(reference, f"manifests/{reference.version}")
            digest = _same(name, reference.digest or digest_bytes(data), data)
            index = read_index(name, data)
            if index is None:
                return LockedImage(name=name, digest=digest, platforms=(await self._single(reference, name, data),))
            platforms = [
                _platform(name, platform, await self._manifest(reference, name, child))
                for platform, child in index.items()
            ]
            return LockedImage(name=name, digest=digest, platforms=tuple(platforms))
        except Missing:
            raise ConfigError(
                Problem(path=name, what="there is no such image", hint="check its name and tag")
            ) from None

    async def blob(self, name: str, descriptor: Descriptor, into: Path) -> None:
        """Stream a blob into a file, going on where a broken connection ended, and verify it."""
        reference = parse_reference(name)
        with into.open("wb") as sink:
            download = _Download(sink, descriptor)
            try:
                await self._http.retry(reference, lambda: self._pour(reference, download))
            except Missing:
                problem = Problem(path=name, what=f"has no blob {descriptor.digest} any more", hint="`shipways lock`")
                raise Unavailable("image", problem) from None
        if download.digest != descriptor.digest:
            raise _differs(name, descriptor.digest, download.digest)

    async def _pour(self, reference: Reference, download: "_Download") -> None:
        headers = {"Range": f"bytes={download.count}-"} if download.count else {}
        async with self._http.get(reference, f"blobs/{download.wanted.digest}", headers) as response:
            if response.status_code != 206:
                download.restart()
            async for piece in response.aiter_raw():
                await to_thread.run_sync(download.write, piece)
        if download.count < download.wanted.size:
            raise Busy(f"it sent {download.count} of {download.wanted.size} bytes")

    async def _document(self, reference: Reference, path: str) -> bytes:
        async def read() -> bytes:
            async with self._http.get(reference, path, {"Accept": ACCEPTED}) as response:
                data = b""
                async for piece in response.aiter_raw():
                    data += piece
                    if len(data) > _DOCUMENT:
                        raise BuildError(Problem(path=reference.repository, what="its manifest is larger than 4 MB"))
                return data

        return await self._http.retry(reference, read)

    async def _manifest(self, reference: Reference, name: str, child: Descriptor) -> bytes:
        data = await self._document(reference, f"manifests/{child.digest}")
        _same(name, child.digest, data)
        return data

    async def _single(self, reference: Reference, name: str, data: bytes) -> LockedPlatform:
        """An image without an index says its platform in its config."""
        config, _ = read_manifest(name, data)
        told = await self._document(reference, f"blobs/{config.digest}")
        _same(name, config.digest, told)
        return _platform(name, read_platform(name, told), data)


class _Download:
    """A blob on its way into a file."""

    def __init__(self, sink: BinaryIO, wanted: Descriptor) -> None:
        self.wanted = wanted
        self._sink = sink
        self.restart()

    def restart(self) -> None:
        """Forget what has come."""
        self._sink.seek(0)
        self._sink.truncate()
        self._sha256 = hashlib.sha256()
        self.count = 0

    def write(self, piece: bytes) -> None:
        """Take the next bytes. Raises BuildError when they are more than there should be."""
        self._sink.write(piece)
        self._sha256.update(piece)
        self.count += len(piece)
        if self.count > self.wanted.size:
            raise BuildError(
                Problem(path=self.wanted.digest, what=f"is longer than {self.wanted.size} bytes", why="wrong bytes")
            )

    @property
    def digest(self) -> str:
        """Of all that has come."""
        return "sha256:" + self._sha256.hexdigest()


def _platform(name: str, platform: str, data: bytes) -> LockedPlatform:
    config, layers = read_manifest(name, data)
    return LockedPlatform(platform=platform, config=config, layers=layers)


def _same(name: str, wanted: str, data: bytes) -> str:
    found = digest_bytes(data)
    if found != wanted:
        raise _differs(name, wanted, found)
    return found


def _differs(name: str, wanted: str, found: str) -> BuildError:
    why = "the registry, or something before it, sent other bytes than the digest names"
    return BuildError(Problem(path=name, what=f"expected {wanted}, got {found}", why=why))
