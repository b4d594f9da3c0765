"""A stand-in of an image registry (OCI distribution-spec 1.1). Blobs lie in a folder, everything else in memory."""

import hashlib
import json
import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import FileResponse, JSONResponse, Response
from starlette.routing import Route

from shipways.model.digest import canonical, digest_bytes
from shipways.model.oci import INDEX
from shipways.rehearse.ocigate import Account, Gate, problem

_DIGEST: Final = re.compile(r"sha256:[0-9a-f]{64}")
_TAG: Final = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,127}")


@dataclass(slots=True)
class Stored:
    """What a repository holds: digests of blobs, manifests with their media types, and tags."""

    blobs: set[str] = field(default_factory=set)
    manifests: dict[str, tuple[str, bytes]] = field(default_factory=dict)
    tags: dict[str, str] = field(default_factory=dict)


class OciRegistry:
    """The application. With `accounts` it wants a login: by tokens (`token`) or with each request.

    `referrers`: whether it lists what is attached; `limit` is the largest chunk that it takes, in bytes. `log` has
    every change in its order: what, repository, digest or tag.
    """

    def __init__(
        self,
        folder: Path,
        accounts: Mapping[str, Account] | None = None,
        *,
        token: bool = True,
        referrers: bool = True,
        limit: int = 1 << 40,
    ) -> None:
        self.repositories: dict[str, Stored] = {}
        self.log: list[tuple[str, str, str]] = []
        self.gate = Gate(accounts or {}, token=token)
        self._folder = folder
        self._limit = limit
        self._uploads: dict[str, str] = {}
        named = "/v2/{name:path}"
        routes = [
            Route("/v2/", lambda _: JSONResponse({})),
            Route("/token", self.gate.token, methods=["GET", "POST"]),
            Route(f"{named}/blobs/uploads/", self._begin, methods=["POST"]),
            Route(f"{named}/blobs/uploads/{{upload}}", self._status),
            Route(f"{named}/blobs/uploads/{{upload}}", self._chunk, methods=["PATCH"]),
            Route(f"{named}/blobs/uploads/{{upload}}", self._finish, methods=["PUT"]),
            Route(f"{named}/blobs/uploads/{{upload}}", self._cancel, methods=["DELETE"]),
            Route(f"{named}/blobs/{{digest}}", self._blob),
            Route(f"{named}/manifests/{{version}}", self._manifest),
            Route(f"{named}/manifests/{{version}}", self._put, methods=["PUT"]),
            Route(f"{named}/manifests/{{version}}", self._delete, methods=["DELETE"]),
            Route(f"{named}/tags/list", self._tags),
        ]
        if referrers:
            routes.append(Route(f"{named}/referrers/{{digest}}", self._referrers))
        self._lists = referrers
        self.app = Starlette(routes=routes, middleware=[Middleware(self.gate.guard)])

    def repository(self, name: str) -> Stored:
        """What is in a repository, which begins with the first push."""
        return self.repositories.setdefault(name, Stored())

    def path(self, digest: str) -> Path:
        """Where a blob lies."""
        return self._folder / digest.partition(":")[2]

    async def _begin(self, request: Request) -> Response:
        """ "Pushing a blob in chunks", "Mounting a blob from another repository"."""
        name, digest = request.path_params["name"], request.query_params.get("mount", "")
        beside = self.repositories.get(request.query_params.get("from", ""), Stored())
        if digest in beside.blobs and self.gate.may(request, request.query_params["from"], "pull"):
            self._link("mount", name, digest)
            return _created(f"/v2/{name}/blobs/{digest}", digest)
        upload = secrets.token_hex(8)
        self._uploads[upload] = name
        (self._folder / upload).touch()
        return self._progress(upload, 202)

    async def _status(self, request: Request) -> Response:
        upload = self._upload(request)
        return self._progress(upload, 204) if upload else problem(404, "BLOB_UPLOAD_UNKNOWN")

    async def _chunk(self, request: Request) -> Response:
        upload = self._upload(request)
        if not upload:
            return problem(404, "BLOB_UPLOAD_UNKNOWN")
        if not self._fits(request, upload) or int(request.headers.get("content-length", "0")) > self._limit:
            return problem(416, "SIZE_INVALID")
        await self._append(request, upload)
        return self._progress(upload, 202)

    async def _finish(self, request: Request) -> Response:
        """The last bytes, perhaps none; the digest decides."""
        upload, digest = self._upload(request), request.query_params.get("digest", "")
        if not upload:
            return problem(404, "BLOB_UPLOAD_UNKNOWN")
        if not self._fits(request, upload):
            return problem(416, "SIZE_INVALID")
        await self._append(request, upload)
        del self._uploads[upload]
        place = self._folder / upload
        with place.open("rb") as stream:
            found = f"sha256:{hashlib.file_digest(stream, 'sha256').hexdigest()}"
        if found != digest:
            place.unlink()
            return problem(400, "DIGEST_INVALID")
        place.replace(self.path(digest))
        name = request.path_params["name"]
        self._link("blob", name, digest)
        return _created(f"/v2/{name}/blobs/{digest}", digest)

    async def _cancel(self, request: Request) -> Response:
        upload = self._upload(request)
        if not upload:
            return problem(404, "BLOB_UPLOAD_UNKNOWN")
        del self._uploads[upload]
        (self._folder / upload).unlink()
        return Response(status_code=204)

    async def _blob(self, request: Request) -> Response:
        digest = request.path_params["digest"]
        if digest not in self._stored(request).blobs:
            return problem(404, "BLOB_UNKNOWN")
        headers = {"Docker-Content-Digest": digest}
        return FileResponse(self.path(digest), media_type="application/octet-stream", headers=headers)

    async def _manifest(self, request: Request) -> Response:
        stored, version = self._stored(request), request.path_params["version"]
        digest = stored.tags.get(version, version)
        if digest not in stored.manifests:
            return problem(404, "MANIFEST_UNKNOWN")
        media_type, data = stored.manifests[digest]
        return Response(data, media_type=media_type, headers={"Docker-Content-Digest": digest})

    async def _put(self, request: Request) -> Response:
        """ "Pushing Manifests": everything below it has to be there; its subject need not."""
        name, version = request.path_params["name"], request.path_params["version"]
        data = await request.body()
        digest, said = digest_bytes(data), _parsed(data)
        if said is None or not (_TAG.fullmatch(version) or version == digest):
            return problem(400, "MANIFEST_INVALID")
        stored = self.repository(name)
        below = {entry["digest"] for entry in (said.get("config"), *said.get("layers", ())) if entry}
        children = {entry["digest"] for entry in said.get("manifests", ())}
        if missing := (below - stored.blobs) | (children - stored.manifests.keys()):
            return problem(404, "MANIFEST_BLOB_UNKNOWN", detail=sorted(missing))
        stored.manifests[digest] = (request.headers.get("content-type", ""), data)
        if not _DIGEST.fullmatch(version):
            stored.tags[version] = digest
        self.log.append(("manifest", name, version))
        answer = _created(f"/v2/{name}/manifests/{digest}", digest)
        if self._lists and "subject" in said:
            answer.headers["OCI-Subject"] = said["subject"]["digest"]
        return answer

    async def _delete(self, request: Request) -> Response:
        stored, version = self._stored(request), request.path_params["version"]
        if stored.tags.pop(version, None) is None and stored.manifests.pop(version, None) is None:
            return problem(404, "MANIFEST_UNKNOWN")
        stored.tags = {tag: digest for tag, digest in stored.tags.items() if digest != version}
        return Response(status_code=202)

    async def _tags(self, request: Request) -> Response:
        """ "Listing Tags", in pages when they are asked for."""
        name, stored = request.path_params["name"], self.repositories.get(request.path_params["name"])
        if stored is None:
            return problem(404, "NAME_UNKNOWN")
        tags = sorted(tag for tag in stored.tags if tag > request.query_params.get("last", ""))
        size = int(request.query_params.get("n", len(tags)))
        page, headers = tags[:size], {}
        if len(tags) > size > 0:
            headers["Link"] = f'</v2/{name}/tags/list?n={size}&last={page[-1]}>; rel="next"'
        return JSONResponse({"name": name, "tags": page}, headers=headers)

    async def _referrers(self, request: Request) -> Response:
        """ "Listing Referrers": an empty list where nothing is attached, or nothing is known."""
        kind, found = request.query_params.get("artifactType"), []
        for digest, (media_type, data) in self._stored(request).manifests.items():
            said = _parsed(data) or {}
            if said.get("subject", {}).get("digest") == request.path_params["digest"]:
                own = {"mediaType": media_type, "digest": digest, "size": len(data)}
                artifact = said.get("artifactType") or said.get("config", {}).get("mediaType", "")
                extra = {"annotations": said["annotations"]} if "annotations" in said else {}
                found += [{**own, "artifactType": artifact, **extra}] if kind in (None, artifact) else []
        headers = {"OCI-Filters-Applied": "artifactType"} if kind else {}
        data = canonical({"schemaVersion": 2, "mediaType": INDEX, "manifests": found})
        return Response(data, media_type=INDEX, headers=headers)

    def _stored(self, request: Request) -> Stored:
        return self.repositories.get(request.path_params["name"], Stored())

    def _upload(self, request: Request) -> str:
        """The session that a request goes on with; empty when there is none."""
        upload = str(request.path_params["upload"])
        return upload if self._uploads.get(upload) == request.path_params["name"] else ""

    def _fits(self, request: Request, upload: str) -> bool:
        """Whether the bytes are those that come next."""
        begin = request.headers.get("content-range", "").partition("-")[0]
        return not begin or begin == str((self._folder / upload).stat().st_size)

    async def _append(self, request: Request, upload: str) -> None:
        """What has come stays, also when the connection breaks."""
        with (self._folder / upload).open("ab", buffering=0) as sink:
            async for piece in request.stream():
                sink.write(piece)

    def _progress(self, upload: str, status: int) -> Response:
        size = (self._folder / upload).stat().st_size
        place = f"/v2/{self._uploads[upload]}/blobs/uploads/{upload}?_state={size}"
        headers = {"Location": place, "Range": f"0-{max(size - 1, 0)}", "Docker-Upload-UUID": upload}
        return Response(status_code=status, headers=headers)

    def _link(self, what: str, name: str, digest: str) -> None:
        self.repository(name).blobs.add(digest)
        self.log.append((what, name, digest))


def _created(place: str, digest: str) -> Response:
    return Response(status_code=201, headers={"Location": place, "Docker-Content-Digest": digest})


def _parsed(data: bytes) -> dict[str, Any] | None:
    try:
        said = json.loads(data)
    except ValueError:
        return None
    return said if isinstance(said, dict) else None
