"""The bytes of the files of GitHub's releases, by httpx: many at once, and never whole in memory."""

import mimetypes
from pathlib import Path

import anyio
import httpx

from shipways.adapters import web
from shipways.adapters.githuberrors import asked, judged, unanswered
from shipways.errors import Moved, Problem
from shipways.model.forge import ForgeAsset, ForgeRelease
from shipways.model.secret import Secret
from shipways.ports import Clock


class AssetBytes:
    """Sends and fetches them. The token goes to the API alone: where that sends us for bytes, nobody gets it."""

    def __init__(self, token: Secret, http: httpx.AsyncClient, clock: Clock) -> None:
        self._token = token
        self._http = http
        self._clock = clock

    async def digest(self, asset: ForgeAsset) -> str:
        """Empty when it is gone."""
        headers = self._headers(Accept="application/octet-stream")
        request = self._http.build_request("GET", asset.bytes_url, headers=headers)
        response = await asked(self._http, request, self._clock, stream=True)
        try:
            if response.status_code == httpx.codes.NOT_FOUND:
                return ""
            await judged(asset.name, response)
            return await web.digest(response)
        except httpx.TransportError as error:
            raise unanswered(asset.name, error) from None
        finally:
            await response.aclose()

    async def upload(self, release: ForgeRelease, name: str, source: Path) -> ForgeAsset:
        """Raises Moved when the release is gone, or has a file of that name."""
        kind = mimetypes.guess_type(name)[0] or "application/octet-stream"
        size = (await anyio.Path(source).stat()).st_size
        request = self._http.build_request(
            "POST",
            release.upload_url.partition("{")[0],
            params={"name": name},
            headers=self._headers(**{"Content-Type": kind, "Content-Length": str(size)}),
            content=web.pieces(source, 0, size),
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
        return ({"Authorization": f"Bearer {self._token.open()}"} if self._token else {}) | more
