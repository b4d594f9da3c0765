"""A stand-in for GitHub: the releases of one repository, as the REST API of an Enterprise server has them."""

import hashlib
import re
import time
from dataclasses import dataclass, field
from typing import Any, Final

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Mount, Route

from shipways.rehearse.forgedesk import API, UPLOADS, Desk, Invalid, Missing, base
from shipways.rehearse.forgegitjson import repository
from shipways.rehearse.forgejson import Asset, Release, limits
from shipways.rehearse.forgeproofs import Attestations

_OWN: Final = re.compile(r"[^A-Za-z0-9@+_-]+")
"""What GitHub replaces by a dot in the name of an asset."""


@dataclass(slots=True)
class Forge:
    """The releases of the repository of a desk.

    `immutable`: what is published is locked. `digests`: whether assets tell theirs, which old servers do not.
    `storage` is the URL that the same server has under another origin, where the bytes of assets are fetched then.
    """

    desk: Desk
    branch: str = "main"
    immutable: bool = False
    digests: bool = True
    storage: str = ""
    releases: dict[int, Release] = field(default_factory=dict)
    refs: dict[str, str] = field(default_factory=dict)
    """Names such as `tags/v1`, and the commits or tag objects that they name."""
    tags: dict[str, str] = field(default_factory=dict)
    """Tag objects, and the commits that they name."""
    latest: int | None = None
    leaked: list[str] = field(default_factory=list)
    """Credentials that came to the storage, which are for the API alone."""
    last: int = 100
    attestations: Attestations = field(init=False)

    def __post_init__(self) -> None:
        self.attestations = Attestations(self.desk)

    def app(self) -> Starlette:
        """The whole server."""
        one, files = "/repos/{owner}/{repo}", "/repos/{owner}/{repo}/releases"
        api = [
            Route("/rate_limit", self._limits),
            Route("/installation/repositories", self._reached),
            Route(one, self._repo),
            Route(f"{one}/git/ref/{{name:path}}", self._ref),
            Route(f"{one}/git/tags/{{sha}}", self._tag),
            Route(files, self._list),
            Route(files, self._create, methods=["POST"]),
            Route(f"{files}/latest", self._get_latest),
            Route(f"{files}/tags/{{tag:path}}", self._by_tag),
            Route(f"{files}/assets/{{asset:int}}", self._asset),
            Route(f"{files}/assets/{{asset:int}}", self._remove, methods=["DELETE"]),
            Route(f"{files}/{{release:int}}", self._get),
            Route(f"{files}/{{release:int}}", self._edit, methods=["PATCH"]),
            Route(f"{files}/{{release:int}}", self._delete, methods=["DELETE"]),
            Route(f"{files}/{{release:int}}/assets", self._assets),
            *self.attestations.routes(),
        ]
        upload = Route(f"{files}/{{release:int}}/assets", self._upload, methods=["POST"])
        routes = [Mount(API, routes=api), Mount(UPLOADS, routes=[upload]), Route("/storage/{asset:int}", self._bytes)]
        routes.append(self.attestations.storage())
        routes.append(Route("/{owner}/{repo}/releases/download/{tag:path}/{name}", self._download))
        return Starlette(routes=routes, exception_handlers={HTTPException: self.desk.refuse})

    def clear(self) -> None:
        """Let nothing be there."""
        self.releases.clear()
        self.refs.clear()
        self.attestations.bundles.clear()
        self.latest = None

    def published(self, tag: str) -> Release | None:
        """The release of a tag that everybody sees."""
        return next((r for r in self.releases.values() if r.tag == tag and not r.draft), None)

    def newest(self) -> Release | None:
        """The release that everybody is shown as the latest: the one that is marked, else the last one."""
        full = [release for release in self.releases.values() if not release.draft and not release.prerelease]
        marked = [release for release in full if release.id == self.latest]
        return (*marked, *sorted(full, key=lambda release: (-release.created, -release.id)), None)[0]

    def put(self, release: Release, name: str, data: bytes, **more: Any) -> Asset:
        """Add an asset."""
        digest = f"sha256:{hashlib.sha256(data).hexdigest()}" if self.digests else None
        asset = Asset(id=self._id(), name=name, data=data, **({"digest": digest, "created": time.time()} | more))
        release.assets[asset.id] = asset
        return asset

    # -- releases

    async def _list(self, request: Request) -> Response:
        push = self.desk.enter(request) == "write"
        found = [release for release in self.releases.values() if push or not release.draft]
        found.sort(key=lambda release: (-release.created, -release.id))
        return self.desk.page(request, [self.desk.views(request).release(release) for release in found])

    async def _create(self, request: Request) -> Response:
        self.desk.enter(request, write=True)
        said = await request.json()
        if not said.get("tag_name"):
            raise Invalid(resource="Release", code="missing_field", field="tag_name")
        release = Release(
            id=self._id(),
            tag=said["tag_name"],
            name=said.get("name"),
            body=said.get("body"),
            commit=said.get("target_commitish", self.branch),
            draft=True,
            prerelease=said.get("prerelease", False),
            created=time.time(),
        )
        if not said.get("draft", False):
            self._publish(release, said.get("make_latest", "true"))
        self.releases[release.id] = release
        return self.desk.answer(self.desk.views(request).release(release), 201)

    async def _get(self, request: Request) -> Response:
        right = self.desk.enter(request)
        release = self._release(request)
        if release.draft and right != "write":
            raise Missing
        return self.desk.answer(self.desk.views(request).release(release))

    async def _by_tag(self, request: Request) -> Response:
        self.desk.enter(request)
        release = self.published(request.path_params["tag"])
        if release is None:
            raise Missing
        return self.desk.answer(self.desk.views(request).release(release))

    async def _get_latest(self, request: Request) -> Response:
        self.desk.enter(request)
        found = self.newest()
        if found is None:
            raise Missing
        return self.desk.answer(self.desk.views(request).release(found))

    async def _edit(self, request: Request) -> Response:
        self.desk.enter(request, write=True)
        release, said = self._release(request), await request.json()
        if release.immutable and said.get("tag_name", release.tag) != release.tag:
            raise Invalid(resource="Release", code="custom", field="tag_name", message="is immutable")
        release.tag = said.get("tag_name", release.tag)
        release.name, release.body = said.get("name", release.name), said.get("body", release.body)
        release.commit = said.get("target_commitish", release.commit)
        release.prerelease = said.get("prerelease", release.prerelease)
        if release.draft and said.get("draft") is False:
            self._publish(release, said.get("make_latest", "true"))
        elif not release.draft and said.get("make_latest") == "true" and not release.prerelease:
            self.latest = release.id
        return self.desk.answer(self.desk.views(request).release(release))

    async def _delete(self, request: Request) -> Response:
        self.desk.enter(request, write=True)
        del self.releases[self._release(request).id]
        return self.desk.answer(None, 204)

    def _publish(self, release: Release, make_latest: str) -> None:
        if self.published(release.tag):
            raise Invalid(resource="Release", code="already_exists", field="tag_name")
        self.refs.setdefault(f"tags/{release.tag}", release.commit)
        release.draft, release.published, release.immutable = False, time.time(), self.immutable
        if make_latest == "true" and not release.prerelease:
            self.latest = release.id

    # -- assets

    async def _assets(self, request: Request) -> Response:
        self.desk.enter(request)
        release = self._release(request)
        return self.desk.page(request, [self.desk.views(request).asset(release, a) for a in release.assets.values()])

    async def _asset(self, request: Request) -> Response:
        self.desk.enter(request)
        release, asset = self._find(request)
        if request.headers.get("accept") != "application/octet-stream":
            return self.desk.answer(self.desk.views(request).asset(release, asset))
        return RedirectResponse(f"{self.storage or base(request)}/storage/{asset.id}", 302)

    async def _download(self, request: Request) -> Response:
        """As anybody gets a file of a release that is public."""
        release = self.published(request.path_params["tag"])
        name = request.path_params["name"]
        found = [asset for asset in (release.assets.values() if release else ()) if asset.name == name]
        if not found or found[0].state != "uploaded":
            raise Missing
        return RedirectResponse(f"{self.storage or base(request)}/storage/{found[0].id}", 302)

    async def _upload(self, request: Request) -> Response:
        self.desk.enter(request, write=True)
        release = self._release(request)
        name = _OWN.sub(".", request.query_params.get("name", "")).strip(".") or "default"
        if "content-length" not in request.headers:
            raise HTTPException(400, "Bad Content-Length: ")
        try:
            data = await request.body()
        except ClientDisconnect:
            data = None
        if release.immutable:
            raise HTTPException(422, "Cannot upload assets to an immutable release.")
        if any(asset.name == name for asset in release.assets.values()):
            raise Invalid(resource="ReleaseAsset", code="already_exists", field="name")
        if data is None:  # what has come is not whole, and has the name
            self.put(release, name, b"", state="starter", digest=None)
            raise HTTPException(502, "Server Error")
        kind = request.headers.get("content-type", "application/octet-stream")
        asset = self.put(release, name, data, content_type=kind, label=request.query_params.get("label", ""))
        return self.desk.answer(self.desk.views(request).asset(release, asset), 201)

    async def _remove(self, request: Request) -> Response:
        self.desk.enter(request, write=True)
        release, asset = self._find(request)
        if release.immutable:
            raise HTTPException(422, "Cannot delete asset from an immutable release.")
        del release.assets[asset.id]
        return self.desk.answer(None, 204)

    async def _bytes(self, request: Request) -> Response:
        """The storage, which refuses a second way of authorization beside its signed URLs."""
        if said := request.headers.get("authorization"):
            self.leaked.append(said)
            return Response("InvalidAuthenticationInfo", 400)
        return Response(self._find(request)[1].data, media_type="application/octet-stream")

    # -- the repository

    async def _repo(self, request: Request) -> Response:
        self.desk.enter(request)
        push = self.desk.pushes(request)
        return self.desk.answer(self.desk.views(request).repo(push=push, default_branch=self.branch))

    async def _ref(self, request: Request) -> Response:
        self.desk.enter(request)
        name = request.path_params["name"]
        if name not in self.refs:
            raise Missing
        sha = self.refs[name]
        return self.desk.answer(self.desk.views(request).ref(name, "tag" if sha in self.tags else "commit", sha))

    async def _tag(self, request: Request) -> Response:
        self.desk.enter(request)
        sha = request.path_params["sha"]
        if sha not in self.tags:
            raise Missing
        return self.desk.answer(self.desk.views(request).tag(sha, self.tags[sha]))

    async def _limits(self, request: Request) -> Response:
        self.desk.right(request)
        return self.desk.answer(limits(self.desk.budget, self.desk.remaining, self.desk.reset()))

    async def _reached(self, request: Request) -> Response:
        """An installation that this repository has, as a job of GitHub Actions is one."""
        if not self.desk.right(request) or self.desk.pushes(request):
            raise HTTPException(403, "You must authenticate with an installation access token.")
        mine = repository(self.desk.views(request), self.branch)
        return self.desk.answer({"total_count": 1, "repositories": [mine]})

    # -- what they need

    def _release(self, request: Request) -> Release:
        if request.path_params["release"] not in self.releases:
            raise Missing
        return self.releases[request.path_params["release"]]

    def _find(self, request: Request) -> tuple[Release, Asset]:
        number = request.path_params["asset"]
        for release in self.releases.values():
            if number in release.assets:
                return release, release.assets[number]
        raise Missing

    def _id(self) -> int:
        self.last += 1
        return self.last
