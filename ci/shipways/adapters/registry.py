"""Image registries over HTTP (OCI distribution-spec 1.1, "Pull")."""

import hashlib
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import BinaryIO, Final, TypeVar

import anyio
from anyio import to_thread

from shipways.adapters.registryhttp import RegistryHttp
from shipways.errors import BuildError, ConfigError, PreflightError, Problem, Transient, Unavailable, Unfinished
from shipways.model.digest import digest_bytes
from shipways.model.lock import LockedImage, LockedPlatform
from shipways.model.oci import Descriptor, Reference, parse_reference
from shipways.pack.manifests import ACCEPTED, read_index, read_manifest, read_platform

_T = TypeVar("_T")
_LONGEST_WAIT: Final = 60.0


class _Missing(Exception):  # noqa: N818 - an answer, not a mistake
    """The registry has no such thing."""


class Registry:
    """The `Images` port. `pauses` are the seconds between tries."""

    def __init__(self, http: RegistryHttp, *, pauses: Sequence[float] = (0.5, 1.0, 2.0)) -> None:
        self._http = http
        self._pauses = pauses

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
        except _Missing:
            raise ConfigError(
                Problem(path=name, what="there is no such image", hint="check its name and tag")
            ) from None

    async def blob(self, name: str, descriptor: Descriptor, into: Path) -> None:
        """Stream a blob into a file, going on where a broken connection ended, and verify it."""
        reference = parse_reference(name)
        with into.open("wb") as sink:
            download = _Download(sink, descriptor)
            try:
                await self._retry(reference, lambda: self._pour(reference, download))
            except _Missing:
                problem = Problem(path=name, what=f"has no blob {descriptor.digest} any more", hint="`shipways lock`")
                raise Unavailable("image", problem) from None
        if download.digest != descriptor.digest:
            raise _differs(name, descriptor.digest, download.digest)

    async def _retry(self, reference: Reference, action: Callable[[], Awaitable[_T]]) -> _T:
        """The action's result. Raises Unavailable("image") when it fails too often, or is refused."""
        for pause in (*self._pauses, None):
            try:
                return await action()
            except Transient as error:
                if pause is None:
                    raise _unreachable(reference, error) from None
                await anyio.sleep(max(pause, min(error.after or 0.0, _LONGEST_WAIT)))
            except (Unfinished, PreflightError) as error:
                raise Unavailable("image", error.problems[0]) from None
        raise AssertionError("the last try returns or raises")

    async def _pour(self, reference: Reference, download: "_Download") -> None:
        headers = {"Range": f"bytes={download.count}-"} if download.count else {}
        path = f"blobs/{download.wanted.digest}"
        async with self._http.session(reference) as http, http.stream("GET", path, headers, allowed={404}) as response:
            if response.status_code == 404:
                raise _Missing
            if response.status_code != 206:
                download.restart()
            async for piece in response.aiter_raw():
                await to_thread.run_sync(download.write, piece)
        if download.count < download.wanted.size:
            what = f"sent {download.count} of {download.wanted.size} bytes"
            raise Transient(Problem(path=reference.host, what=what))

    async def _document(self, reference: Reference, path: str) -> bytes:
        async def read() -> bytes:
            async with self._http.session(reference) as http:
                data = await http.document(path, ACCEPTED)
            if data is None:
                raise _Missing
            return data

        return await self._retry(reference, read)

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


def _unreachable(reference: Reference, error: Transient) -> Unavailable:
    problem = error.problems[0]
    return Unavailable(
        "image",
        Problem(
            what=f"{reference.host}/{reference.repository} cannot be fetched: {problem.what}",
            why=problem.why,
            hint=f"check the network, and whether {reference.host} can be reached",
        ),
    )
