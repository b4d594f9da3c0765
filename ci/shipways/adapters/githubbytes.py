"""The bytes of the files of GitHub's releases, by httpx: many at once, and never whole in memory."""

import mimetypes
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final

import anyio
import httpx

from shipways.adapters import web
from shipways.adapters.githuberrors import asked, judged, unanswered
from shipways.errors import Moved, Problem, Unfinished
from shipways.model.forge import ForgeAsset, ForgeRelease
from shipways.model.secret import Secret
from shipways.ports import Clock

_SMALL: Final = 4 << 20
"""Bytes of what is held in memory whole."""


def authorization(token: Secret) -> dict[str, str]:
    """The header for a request to the API."""
    return {"Authorization": f"Bearer {token.open()}"} if token else {}


class AssetBytes:
    """Sends and fetches them. The token goes to the API alone: where that sends us for bytes, nobody gets it."""

    def __init__(self, token: Secret, http: httpx.AsyncClient, clock: Clock) -> None:
        self._token = token
        self._http = http
        self._clock = clock

    async def digest(self, asset: ForgeAsset) -> str:
        """Empty when it is gone."""
        try:
            async with self._body(asset.name, asset.bytes_url) as response:
                return await web.digest(response)
        except Moved:
            return ""

    async def read(self, asset: ForgeAsset) -> bytes:
        """Empty when it is gone. Raises Unfinished for one that is larger than a small file is."""
        try:
            async with self._body(asset.name, asset.bytes_url) as response:
                data = await web.body(response, _SMALL)
        except Moved:
            return b""
        if data is None:
            raise Unfinished(Problem(path=asset.name, what=f"is larger than {_SMALL >> 20} MiB"))
        return data

    async def fetch(self, name: str, url: str, into: Path) -> None:
        """Into a file. Raises Moved when it is gone."""
        async with self._body(name, url) as response:
            await web.save(response, into)

    @asynccontextmanager
    async def _body(self, name: str, url: str) -> AsyncIterator[httpx.Response]:
        """An answer whose body is to come. Raises Moved when it is gone."""
        headers = self._headers(Accept="application/octet-stream")
        request = self._http.build_request("GET", url, headers=headers)
        response = await asked(self._http, request, self._clock, stream=True)
        try:
            if response.status_code == httpx.codes.NOT_FOUND:
                raise Moved(Problem(path=name, what="is gone"))
            await judged(name, response)
            yield response
        except httpx.TransportError as error:
            raise unanswered(name, error) from None
        finally:
            await response.aclose()

    async def upload(self, release: ForgeRelease, name: str, source: Path | bytes) -> ForgeAsset:
        """Raises Moved when the release is gone, or has a file of that name."""
        kind = mimetypes.guess_type(name)[0] or "application/octet-stream"
        size = len(source) if isinstance(source, bytes) else (await anyio.Path(source).stat()).st_size
        request = self._http.build_request(
            "POST",
            release.upload_url.partition("{")[0],
            params={"name": name},
            headers=self._headers(**{"Content-Type": kind, "Content-Length": str(size)}),
            content=source if isinstance(source, bytes) else web.pieces(source, 0, size),
        )
        response = await asked(self._http, request, self._clock)
        if response.status_code == httpx.codes.NOT_FOUND:
            raise Moved(Problem(path=name, what="the release that it belongs to is gone"))
        if response.status_code == httpx.codes.UNPROCESSABLE_ENTITY and "already_exists" in response.text:
            hint = "if the release shows no such file, delete the draft and run this again"
            raise Moved(Problem(path=name, what="a file of that name is there", why="somebody else sent it", hint=hint))
        await judged(name, response)
        said = response.json()
        return ForgeAsset(id=said["id"], name=said["name"], whole=True, url=said["browser_download_url"])

    def _headers(self, **more: str) -> dict[str, str]:
        return authorization(self._token) | more
