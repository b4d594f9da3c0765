"""GitHub's releases: what is said of them, by PyGithub."""

from collections.abc import Callable, Sequence
from pathlib import Path

import httpx
from github.GithubException import UnknownObjectException
from github.GithubObject import NotSet
from github.GitRelease import GitRelease
from github.GitReleaseAsset import GitReleaseAsset
from github.Repository import Repository

from shipways.adapters.githubattestations import Attestations
from shipways.adapters.githubbytes import AssetBytes
from shipways.adapters.githubclient import GithubClient
from shipways.adapters.githuberrors import RELEASES
from shipways.errors import Moved, Problem
from shipways.model.forge import ForgeAsset, ForgeRelease, ForgeRights
from shipways.model.secret import Secret
from shipways.ports import Clock


class GithubForge:
    """The `Forge` port."""

    def __init__(self, api: str, repository: str, token: Secret, http: httpx.AsyncClient, clock: Clock) -> None:
        self._token = token
        self._bytes = AssetBytes(token, http, clock)
        self._client = GithubClient(api, token, clock, RELEASES)
        self._repository: Repository = self._client.github.get_repo(repository)
        self._attestations = Attestations(self._client.api, repository, token, http, clock)
        self._assets = f"{self._client.api}/repos/{repository}/releases/assets"
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

        found = await self._client.ask("releases", find)
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
        """Two requests."""

        def find() -> ForgeRights:
            write = self._client.may_push(self._repository)
            rate = self._client.github.get_rate_limit().rate
            return ForgeRights(
                token=bool(self._token), write=write, remaining=rate.remaining, reset=rate.reset.timestamp()
            )

        return await self._client.ask("repository", find)

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

        return await self._client.ask(tag, find)

    async def latest(self) -> str:
        """The tag of the latest release."""

        def find() -> str:
            try:
                return self._repository.get_latest_release().tag_name
            except UnknownObjectException:
                return ""

        return await self._client.ask("releases/latest", find)

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

        return _release(await self._client.ask(release.tag, make))

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

        changed = await self._client.ask(release.tag, change)
        if changed is None:
            self._current.pop(release.tag, None)
            raise Moved(Problem(path=release.tag, what="its release is gone"))
        self._current[release.tag] = _release(changed)
        return self._current[release.tag]

    async def delete(self, release: ForgeRelease) -> None:
        """What is gone is gone."""
        self._current.pop(release.tag, None)
        await self._client.ask(release.tag, lambda: _gone(self._repository.get_release(release.id).delete_release))

    async def assets(self, release: ForgeRelease) -> Sequence[ForgeAsset]:
        """All pages; of a release that is gone none."""

        def find() -> list[ForgeAsset]:
            try:
                return [_asset(asset) for asset in self._repository.get_release(release.id).get_assets()]
            except UnknownObjectException:
                return []

        return await self._client.ask(release.tag, find)

    async def digest(self, asset: ForgeAsset) -> str:
        """By its bytes."""
        return await self._bytes.digest(asset)

    async def read(self, asset: ForgeAsset) -> bytes:
        """Whole."""
        return await self._bytes.read(asset)

    async def fetch(self, asset: int, into: Path) -> None:
        """Where the API has every asset of the repository."""
        await self._bytes.fetch(f"asset {asset}", f"{self._assets}/{asset}", into)

    async def upload(self, release: ForgeRelease, name: str, source: Path | bytes) -> ForgeAsset:
        """Many at once."""
        try:
            return await self._bytes.upload(release, name, source)
        except Moved:
            self._current.pop(release.tag, None)
            raise

    async def remove(self, asset: int) -> None:
        """One DELETE."""
        there = await self._client.ask(
            f"asset {asset}", lambda: _gone(self._repository.get_release_asset(asset).delete_asset)
        )
        if not there:
            raise Moved(Problem(path=f"asset {asset}", what="is gone"))

    async def attestations(self, subject: str) -> Sequence[bytes]:
        """A request, and one for each that is there."""
        return await self._attestations.of(subject)

    async def attest(self, bundle: bytes) -> str:
        """One POST."""
        return await self._attestations.add(bundle)

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
