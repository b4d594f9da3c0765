"""GitHub's releases: PyGithub for what is said of them, httpx for the bytes of their files."""

import hashlib
import mimetypes
import threading
from collections.abc import AsyncIterator, Callable, Sequence
from pathlib import Path
from typing import Final, TypeVar

import anyio
import httpx
from anyio import to_thread
from github import Auth, Github
from github.Consts import DEFAULT_BASE_URL
from github.GithubException import UnknownObjectException
from github.GitRelease import GitRelease
from github.GitReleaseAsset import GitReleaseAsset
from github.Repository import Repository

from shipways import __version__
from shipways.adapters.githuberrors import asked, judged, mapped
from shipways.errors import Moved, Problem
from shipways.model.forge import ForgeAsset, ForgeRelease
from shipways.model.secret import Secret
from shipways.ports import Clock

_CHUNK: Final = 1 << 20
_PAGE: Final = 100
"""The most entries that GitHub puts on a page."""
_T = TypeVar("_T")


class GithubForge:
    """The `Forge` port. Trying again is the reconciler's, so PyGithub's own retries and pauses are off."""

    def __init__(self, api: str, repository: str, token: Secret, http: httpx.AsyncClient, clock: Clock) -> None:
        self._token = token
        self._http = http
        self._clock = clock
        self._api = api or DEFAULT_BASE_URL
        self._client = Github(
            base_url=self._api,
            auth=Auth.Token(token.open()) if token else None,
            user_agent=f"shipways/{__version__}",
            per_page=_PAGE,
            retry=None,
            seconds_between_requests=None,
            seconds_between_writes=None,
            lazy=True,
        )
        self._repository: Repository = self._client.get_repo(repository)
        self._lock = threading.Lock()
        self._current: dict[str, ForgeRelease] = {}

    def close(self) -> None:
        """End PyGithub's connections."""
        self._client.close()

    async def releases(self, tags: Sequence[str]) -> Sequence[ForgeRelease]:
        """Published ones are found by tag in a request each, drafts only in the list of all."""

        def find() -> list[ForgeRelease]:
            found = [release for tag in tags if (release := self._by_tag(tag))]
            missing = set(tags) - {release.tag for release in found}
            if missing:
                listed = [_release(release) for release in self._repository.get_releases()]
                found += [release for release in listed if release.tag in missing]
            return sorted(found, key=lambda release: (release.draft, release.id))

        found = await self._ask("releases", find)
        for tag in tags:
            self._current.pop(tag, None)
        for release in found:
            self._current.setdefault(release.tag, release)
        return found

    async def current(self, tag: str) -> ForgeRelease:
        """As it was last seen: sending a file needs no question before it."""
        if tag not in self._current:
            await self.releases((tag,))
        if tag not in self._current:
            raise Moved(Problem(path=tag, what="has no release"))
        return self._current[tag]

    async def latest(self) -> str:
        """The tag of the latest release."""

        def find() -> str:
            try:
                return self._repository.get_latest_release().tag_name
            except UnknownObjectException:
                return ""

        return await self._ask("releases/latest", find)

    async def create(self, release: ForgeRelease) -> ForgeRelease:
        """A draft."""

        def make() -> GitRelease:
            return self._repository.create_git_release(
                release.tag,
                release.name,
                release.notes,
                draft=True,
                prerelease=release.prerelease,
                target_commitish=release.commit,
                make_latest="false",
            )

        return _release(await self._ask(release.tag, make))

    async def edit(self, release: ForgeRelease, *, latest: bool = False) -> ForgeRelease:
        """One PATCH."""

        def change() -> GitRelease | None:
            try:
                return self._repository.get_release(release.id).update_release(
                    release.name,
                    release.notes,
                    draft=release.draft,
                    prerelease=release.prerelease,
                    tag_name=release.tag,
                    target_commitish=release.commit,
                    make_latest="true" if latest else "false",
                )
            except UnknownObjectException:
                if self._is_there(release.id):
                    raise
                return None

        changed = await self._ask(release.tag, change)
        if changed is None:
            self._current.pop(release.tag, None)
            raise Moved(Problem(path=release.tag, what="its release is gone"))
        self._current[release.tag] = _release(changed)
        return self._current[release.tag]

    async def delete(self, release: ForgeRelease) -> None:
        """What is gone is gone."""
        self._current.pop(release.tag, None)
        await self._ask(release.tag, lambda: _gone(self._repository.get_release(release.id).delete_release))

    async def assets(self, release: ForgeRelease) -> Sequence[ForgeAsset]:
        """All pages."""

        def find() -> list[ForgeAsset]:
            return [_asset(asset) for asset in self._repository.get_release(release.id).get_assets()]

        return await self._ask(release.tag, find)

    async def digest(self, asset: ForgeAsset) -> str:
        """The token goes to the API alone: where that sends us for the bytes, nobody gets it."""
        request = self._http.build_request(
            "GET", asset.bytes_url, headers=self._headers() | {"Accept": "application/octet-stream"}
        )
        response = await asked(self._http, request, self._clock, stream=True)
        try:
            if response.status_code == httpx.codes.NOT_FOUND:
                return ""
            await judged(asset.name, response)
            digest = hashlib.sha256()
            async for chunk in response.aiter_bytes(_CHUNK):
                digest.update(chunk)
        except httpx.TransportError as error:
            raise mapped(asset.name, error, self._api, self._clock) from None
        finally:
            await response.aclose()
        return f"sha256:{digest.hexdigest()}"

    async def upload(self, release: ForgeRelease, name: str, source: Path) -> ForgeAsset:
        """Streamed from the disk; the uploads of a run share their connections."""
        size = (await anyio.Path(source).stat()).st_size
        request = self._http.build_request(
            "POST",
            release.upload_url.partition("{")[0],
            params={"name": name},
            headers=self._headers()
            | {
                "Content-Type": mimetypes.guess_type(name)[0] or "application/octet-stream",
                "Content-Length": str(size),
            },
            content=_read(source),
        )
        response = await asked(self._http, request, self._clock)
        if response.status_code == httpx.codes.NOT_FOUND:
            self._current.pop(release.tag, None)
            raise Moved(Problem(path=name, what="the release that it belongs to is gone"))
        if response.status_code == httpx.codes.UNPROCESSABLE_ENTITY and "already_exists" in response.text:
            hint = "if the release shows no such file, delete the draft and run this again"
            raise Moved(Problem(path=name, what="a file of that name is there", why="somebody else sent it", hint=hint))
        await judged(name, response)
        said = response.json()
        return ForgeAsset(id=said["id"], name=said["name"], whole=True, url=said["browser_download_url"])

    async def remove(self, asset: int) -> None:
        """One DELETE."""
        there = await self._ask(f"asset {asset}", lambda: _gone(self._repository.get_release_asset(asset).delete_asset))
        if not there:
            raise Moved(Problem(path=f"asset {asset}", what="is gone"))

    async def _ask(self, what: str, question: Callable[[], _T]) -> _T:
        """In a thread, one at a time: PyGithub's notes on the times of its requests are not made for several."""

        def work() -> _T:
            with self._lock:
                return question()

        try:
            return await to_thread.run_sync(work)
        except Exception as error:
            raise mapped(what, error, self._api, self._clock) from None

    def _by_tag(self, tag: str) -> ForgeRelease | None:
        try:
            return _release(self._repository.get_release(tag))
        except UnknownObjectException:
            return None

    def _is_there(self, release: int) -> bool:
        try:
            self._repository.get_release(release).complete()
        except UnknownObjectException:
            return False
        return True

    def _headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self._token.open()}"} if self._token else {}


def _gone(delete: Callable[[], object]) -> bool:
    """Whether there was anything to delete."""
    try:
        delete()
    except UnknownObjectException:
        return False
    return True


async def _read(source: Path) -> AsyncIterator[bytes]:
    async with await anyio.open_file(source, "rb") as stream:
        while chunk := await stream.read(_CHUNK):
            yield chunk


def _release(release: GitRelease) -> ForgeRelease:
    return ForgeRelease(
        id=release.id,
        tag=release.tag_name,
        name=release.name or "",
        notes=release.body or "",
        commit=release.target_commitish,
        prerelease=release.prerelease,
        draft=release.draft,
        immutable=bool(release.immutable),
        url=release.html_url,
        upload_url=release.upload_url,
    )


def _asset(asset: GitReleaseAsset) -> ForgeAsset:
    return ForgeAsset(
        id=asset.id,
        name=asset.name,
        whole=asset.state == "uploaded",
        digest=asset.digest or "",
        url=asset.browser_download_url,
        bytes_url=asset.url,
    )
