"""GitHub's releases: what is said of them, by PyGithub."""

import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final, TypeVar

import httpx
from anyio import to_thread
from github import Auth, Github
from github.Consts import DEFAULT_BASE_URL
from github.GithubException import UnknownObjectException
from github.GithubObject import NotSet
from github.GitRelease import GitRelease
from github.GitReleaseAsset import GitReleaseAsset
from github.Repository import Repository

from shipways import __version__
from shipways.adapters.githubbytes import AssetBytes
from shipways.adapters.githuberrors import mapped
from shipways.errors import Moved, Problem
from shipways.model.forge import ForgeAsset, ForgeRelease, ForgeRights
from shipways.model.secret import Secret
from shipways.ports import Clock

_PAGE: Final = 100
"""The most entries that GitHub puts on a page."""
_INSTALLATION: Final = "ghs_"
"""How the tokens of installed apps begin."""
_T = TypeVar("_T")


class GithubForge:
    """The `Forge` port. Trying again is the reconciler's, so PyGithub's own retries and pauses are off."""

    def __init__(self, api: str, repository: str, token: Secret, http: httpx.AsyncClient, clock: Clock) -> None:
        self._token = token
        self._bytes = AssetBytes(token, http, clock)
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

    async def rights(self) -> ForgeRights:
        """Of an app's installation, as in GitHub Actions, GitHub always says that it cannot push."""

        def find() -> ForgeRights:
            push = bool(self._repository.permissions and self._repository.permissions.push)
            rate = self._client.get_rate_limit().rate
            unknown = not push and self._token.open().startswith(_INSTALLATION)
            return ForgeRights(
                token=bool(self._token),
                write=None if unknown else push,
                remaining=rate.remaining,
                reset=rate.reset.timestamp(),
            )

        return await self._ask("repository", find)

    async def commit(self, tag: str) -> str:
        """An annotated tag names an object that names the commit."""

        def find() -> str:
            try:
                target = self._repository.get_git_ref(f"tags/{tag}").object
                while target.type == "tag":
                    target = self._repository.get_git_tag(target.sha).object
            except UnknownObjectException:
                return ""
            return target.sha

        return await self._ask(tag, find)

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
                    target_commitish=NotSet if latest else release.commit,
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
        """All pages; of a release that is gone none."""

        def find() -> list[ForgeAsset]:
            try:
                return [_asset(asset) for asset in self._repository.get_release(release.id).get_assets()]
            except UnknownObjectException:
                return []

        return await self._ask(release.tag, find)

    async def digest(self, asset: ForgeAsset) -> str:
        """By its bytes."""
        return await self._bytes.digest(asset)

    async def upload(self, release: ForgeRelease, name: str, source: Path) -> ForgeAsset:
        """Many at once."""
        try:
            return await self._bytes.upload(release, name, source)
        except Moved:
            self._current.pop(release.tag, None)
            raise

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


def _gone(delete: Callable[[], object]) -> bool:
    """Whether there was anything to delete."""
    try:
        delete()
    except UnknownObjectException:
        return False
    return True


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
