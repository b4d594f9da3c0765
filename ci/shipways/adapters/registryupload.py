"""Sends a blob to a registry: not at all where it is there, by a mount where it is near, large ones in chunks."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import anyio
import httpx

from shipways.adapters import web
from shipways.adapters.registryhttp import RegistrySession
from shipways.errors import Problem, Transient
from shipways.model.oci import Descriptor

_WHOLE: Final = 64 << 20
"""A blob up to this size in bytes is sent in one request."""
_CHUNK: Final = 32 << 20
_UNTAKEN: Final = frozenset({400, 404, 405, 413, 416, 501})
"""How registries say that they do not take a chunk, or not of this size: ghcr.io has a limit of 4 MiB."""

_Key = tuple[str, str]
"""Repository and digest."""


@dataclass(slots=True, kw_only=True)
class _Upload:
    """An upload session: the URL for its next request, how many bytes are there, and the smallest chunk it takes."""

    place: httpx.URL
    offset: int = 0
    least: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class _Slice:
    """Bytes of a blob, as often as they are asked for: after a challenge or a redirect they are sent again."""

    source: Path | bytes
    begin: int
    end: int

    @property
    def headers(self) -> dict[str, str]:
        """What says which bytes of the blob they are."""
        span = {"Content-Range": f"{self.begin}-{self.end - 1}"}
        return {"Content-Type": "application/octet-stream", "Content-Length": str(self.end - self.begin), **span}

    async def __aiter__(self) -> AsyncIterator[bytes]:
        if isinstance(self.source, bytes):
            yield self.source[self.begin : self.end]
            return
        async for piece in web.pieces(self.source, self.begin, self.end):
            yield piece


class Uploads:
    """The uploads of a run. One that broke off stays open here, and goes on where it was when it is tried again.

    A blob of more than `whole` bytes is sent in chunks of `chunk` bytes.
    """

    def __init__(self, *, whole: int = _WHOLE, chunk: int = _CHUNK) -> None:
        self._whole = whole
        self._chunk = chunk
        self._open: dict[_Key, _Upload] = {}
        self._turns: dict[_Key, anyio.Lock] = {}
        self._unchunked: set[str] = set()

    async def send(self, http: RegistrySession, blob: Descriptor, source: Path | bytes, near: str = "") -> None:
        """Make a blob be there. `near`: the name of a repository beside that has it."""
        key = (http.name, blob.digest)
        async with self._turns.setdefault(key, anyio.Lock()):  # what two images share is sent once
            if (await http.ask("HEAD", f"blobs/{blob.digest}", allowed={404})).is_success:
                return
            upload = await self._resume(http, key) or await _begin(http, blob, near)
            if upload is None:
                return
            self._open[key] = upload
            if blob.size > self._whole and http.host not in self._unchunked:
                await self._chunks(http, blob, source, key)
            await self._finish(http, blob, source, key)

    async def _resume(self, http: RegistrySession, key: _Key) -> _Upload | None:
        """What has come of an upload that broke off (distribution-spec, "Pushing a blob in chunks"); None: begin."""
        upload = self._open.pop(key, None)
        if upload is None:
            return None
        told = await http.ask("GET", str(upload.place), allowed=range(400, 500))
        if told.status_code != 204:
            return None
        last = told.headers.get("Range", "").rpartition("-")[2]
        if not last.isdigit() or not int(last):  # 0-0 is one byte, and what docker-registry says of none
            return None
        upload.offset = int(last) + 1
        upload.place = _next(told, upload.place)
        return upload

    async def _chunks(self, http: RegistrySession, blob: Descriptor, source: Path | bytes, key: _Key) -> None:
        """All but the last chunk, which ends the upload. Where no chunk is taken, the upload is begun anew."""
        upload = self._open[key]
        step = max(self._chunk, upload.least)
        while blob.size - upload.offset > step:
            data = _Slice(source=source, begin=upload.offset, end=upload.offset + step)
            answer = await http.ask("PATCH", str(upload.place), data.headers, data, _UNTAKEN)
            if answer.is_error and upload.offset:
                raise self._lost(key)
            if answer.is_error:
                self._unchunked.add(http.host)
                self._open[key] = await _begin(http, blob, "") or upload
                return
            upload.offset, upload.place = data.end, _next(answer, upload.place)

    async def _finish(self, http: RegistrySession, blob: Descriptor, source: Path | bytes, key: _Key) -> None:
        """The rest of the blob, and its digest, which the registry verifies.

        404 says that the upload is over: something on the way has sent this twice, perhaps, so look again.
        """
        upload = self._open[key]
        place = f"{upload.place}{'&' if upload.place.query else '?'}digest={blob.digest}"
        data = _Slice(source=source, begin=upload.offset, end=blob.size)
        headers = data.headers
        if not upload.offset:
            del headers["Content-Range"]
        answer = await http.ask("PUT", place, headers, data, _UNTAKEN if upload.offset else {httpx.codes.NOT_FOUND})
        if answer.is_error:
            raise self._lost(key)
        del self._open[key]

    def _lost(self, key: _Key) -> Transient:
        del self._open[key]
        return Transient(Problem(path=key[0], what=f"has lost the upload of {key[1]}"))


async def _begin(http: RegistrySession, blob: Descriptor, near: str) -> _Upload | None:
    """A new upload; None when the registry has taken the blob from the repository beside."""
    if near:
        mounted = await http.ask("POST", f"blobs/uploads/?mount={blob.digest}&from={near}", allowed=range(400, 500))
        if mounted.status_code == 201:
            return None
        if mounted.is_success:
            return _opened(mounted)
    return _opened(await http.ask("POST", "blobs/uploads/"))


def _opened(answer: httpx.Response) -> _Upload:
    least = answer.headers.get("OCI-Chunk-Min-Length", "")
    return _Upload(place=_next(answer, answer.url), least=int(least) if least.isdigit() else 0)


def _next(answer: httpx.Response, before: httpx.URL) -> httpx.URL:
    return before.join(answer.headers.get("Location", ""))
