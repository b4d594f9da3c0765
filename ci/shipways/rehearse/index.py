"""A stand-in of PyPI: the upload API, the simple API in both forms, and trusted publishing, as Warehouse has them."""

import base64
import binascii
import hashlib
import html
import secrets
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from packaging.utils import canonicalize_name
from packaging.version import Version
from starlette.applications import Starlette
from starlette.datastructures import FormData
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, RedirectResponse, Response
from starlette.routing import Route

from shipways.rehearse.distribution import Refusal, content, metadata_problem, metadata_text, validated
from shipways.rehearse.identity import Identity

_JSON: Final = "application/vnd.pypi.simple.v1+json"
_HTML: Final = "application/vnd.pypi.simple.v1+html"
_AUDIENCE: Final = "shipways-rehearsal"
_ANY: Final = "*"


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredFile:
    """A file of a release. `metadata` is the core metadata of a wheel (PEP 658)."""

    name: str
    project: str
    version: str
    data: bytes
    requires_python: str
    metadata: bytes = b""

    @property
    def sha256(self) -> str:
        """Hex digits."""
        return hashlib.sha256(self.data).hexdigest()


@dataclass(frozen=True, slots=True, kw_only=True)
class TrustedPublisher:
    """Who may publish a project without a token; an empty environment is any."""

    project: str
    repository: str
    workflow: str
    environment: str = ""


@dataclass(slots=True, kw_only=True)
class PackageIndex:
    """The state of an index, and its application. `tokens` says for which projects each is, `*` for all.

    `uploads` is every file in the order in which it was stored: to see that nothing is stored twice.
    """

    tokens: dict[str, frozenset[str]] = field(default_factory=dict)
    publishers: list[TrustedPublisher] = field(default_factory=list)
    identity: Identity = field(default_factory=Identity)
    files: dict[str, StoredFile] = field(default_factory=dict)
    yanked: set[str] = field(default_factory=set)
    uploads: list[str] = field(default_factory=list)
    projects: set[str] = field(default_factory=set)
    """Every project that has had a file: its page stays."""
    used: set[str] = field(default_factory=set)
    """Every JWT that was exchanged, by its id."""

    @property
    def app(self) -> Starlette:
        """The application over this state."""
        return Starlette(
            routes=[
                Route("/legacy/", self._upload, methods=["POST"]),
                Route("/simple/", self._projects),
                Route("/simple/{project}/", self._project),
                Route("/files/{name}", self._file),
                Route("/_/oidc/audience", self._audience),
                Route("/_/oidc/mint-token", self._mint, methods=["POST"]),
                *self.identity.routes,
            ]
        )

    def token(self, *projects: str) -> str:
        """A new token for these projects, or for all; without the prefix by which scanners know PyPI's."""
        made = f"rehearsal-{secrets.token_urlsafe(24)}"
        self.tokens[made] = frozenset(map(canonicalize_name, projects)) or frozenset({_ANY})
        return made

    def delete(self, name: str) -> None:
        """As a user deletes a file; its name stays used up."""
        del self.files[name]

    async def _upload(self, request: Request) -> Response:
        try:
            async with request.form(max_part_size=16 << 20) as form:
                await self._store(_scope(self.tokens, request), form)
        except Refusal as refusal:
            return _refused(refusal)
        return Response()

    async def _store(self, scope: frozenset[str], form: FormData) -> None:
        """What forklift/legacy.py does with an upload."""
        fields = validated(form)
        name, data = await content(form)
        project = canonicalize_name(fields["name"])
        if not scope & {project, _ANY}:
            raise Refusal(403, f"The given token isn't allowed to upload to project '{fields['name']}'.")
        if hashlib.sha256(data).hexdigest() != fields["sha256_digest"].lower():
            raise Refusal(400, "The digest supplied does not match a digest calculated from the uploaded file.")
        stored = StoredFile(
            name=name,
            project=project,
            version=str(Version(fields["version"])),
            data=data,
            requires_python=fields.get("requires_python", ""),
            metadata=metadata_text(name, data),
        )
        if self._is_there(stored):
            return
        self._admit(stored)
        if problem := metadata_problem(name, data, project, stored.version):
            raise Refusal(400, problem)
        self.files[name] = stored
        self.uploads.append(name)
        self.projects.add(project)

    def _is_there(self, file: StoredFile) -> bool:
        """The very same file again is no error. Raises Refusal where only the name, or only the bytes, are the same."""
        for other in self.files.values():
            if other.name == file.name and other.data == file.data:
                return True
            if other.name == file.name or other.data == file.data:
                digest = hashlib.blake2b(file.data, digest_size=32).hexdigest()
                raise Refusal(400, f"File already exists ({file.name!r}, with blake2_256 hash {digest!r}).")
        return False

    def _admit(self, file: StoredFile) -> None:
        if file.name in self.uploads:
            raise Refusal(
                400,
                "This filename was previously used by a file that has since been deleted. Use a different version.",
            )
        release = [(f.project, f.version) for f in self.files.values() if f.name.endswith(".tar.gz")]
        if file.name.endswith(".tar.gz") and (file.project, file.version) in release:
            raise Refusal(400, "Only one sdist may be uploaded per release.")

    async def _projects(self, request: Request) -> Response:
        names = sorted({file.project for file in self.files.values()})
        page = {"meta": {"api-version": "1.4"}, "projects": [{"name": name} for name in names]}
        links = "".join(f'<a href="/simple/{name}/">{name}</a><br />\n' for name in names)
        return _negotiated(request, page, "Simple index", links)

    async def _project(self, request: Request) -> Response:
        name = request.path_params["project"]
        if name != canonicalize_name(name):
            return RedirectResponse(f"/simple/{canonicalize_name(name)}/", 301)
        files = sorted(
            (f for f in self.files.values() if f.project == name), key=lambda f: (Version(f.version), f.name)
        )
        if name not in self.projects:
            return Response("404 Not Found", 404)
        listed = [self._listed(file, str(request.base_url)) for file in files]
        page = {
            "meta": {"api-version": "1.4", "_last-serial": len(self.uploads)},
            "name": name,
            "project-status": {"status": "active"},
            "versions": sorted({file.version for file in files}, key=Version),
            "files": listed,
        }
        return _negotiated(request, page, f"Links for {name}", "".join(map(_link, listed)))

    def _listed(self, file: StoredFile, base: str) -> Mapping[str, Any]:
        metadata = {"sha256": hashlib.sha256(file.metadata).hexdigest()} if file.metadata else False
        return {
            "filename": file.name,
            "url": f"{base}files/{file.name}",
            "hashes": {"sha256": file.sha256},
            "requires-python": file.requires_python or None,
            "size": len(file.data),
            "upload-time": "2026-01-02T03:04:05.000000Z",
            "yanked": file.name in self.yanked,
            "data-dist-info-metadata": metadata,
            "core-metadata": metadata,
            "provenance": None,
        }

    async def _file(self, request: Request) -> Response:
        name = request.path_params["name"]
        file = self.files.get(name.removesuffix(".metadata"))
        if file is None or (name != file.name and not file.metadata):
            return Response("404 Not Found", 404)
        return Response(file.data if name == file.name else file.metadata, media_type="application/octet-stream")

    async def _audience(self, request: Request) -> Response:
        del request
        return JSONResponse({"audience": _AUDIENCE})

    async def _mint(self, request: Request) -> Response:
        """As oidc/views.py: 422 with the reasons, or a token for the projects of the publisher."""
        try:
            claims = self.identity.read(str((await request.json())["token"])) or {}
        except (ValueError, KeyError, TypeError):
            return _not_minted("invalid-payload", "malformed JWT")
        if claims.get("aud") != _AUDIENCE:
            return _not_minted("invalid-token", "malformed or invalid token")
        if claims["jti"] in self.used:
            return _not_minted("invalid-reuse-token", "invalid token: already used")
        projects = [publisher.project for publisher in self.publishers if _matches(publisher, claims)]
        if not projects:
            why = "Publisher with matching claims was not found"
            return _not_minted("invalid-publisher", f"valid token, but no corresponding publisher ({why})")
        self.used.add(claims["jti"])
        return JSONResponse({"success": True, "token": self.token(*projects), "expires": int(time.time()) + 900})


def _scope(tokens: Mapping[str, frozenset[str]], request: Request) -> frozenset[str]:
    """The projects that the request may upload to. Raises Refusal for a token that is none."""
    kind, _, value = request.headers.get("Authorization", "").partition(" ")
    try:
        user, _, token = base64.b64decode(value).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        user, token = "", ""
    if kind.lower() != "basic" or user != "__token__" or token not in tokens:
        raise Refusal(403, "Invalid or non-existent authentication information.")
    return tokens[token]


def _refused(refusal: Refusal) -> Response:
    """Warehouse says the reason in the status line and in the body; servers of ASGI say it in the body alone."""
    text = html.escape(refusal.reason)
    body = f"<html><head><title>{refusal.status} {text}</title></head><body><h1>{text}</h1></body></html>"
    return HTMLResponse(body, refusal.status)


def _not_minted(code: str, description: str) -> Response:
    errors = [{"code": code, "description": description}]
    return JSONResponse({"message": "Token request failed", "errors": errors}, 422)


def _matches(publisher: TrustedPublisher, claims: Mapping[str, Any]) -> bool:
    ref = f"{publisher.repository}/.github/workflows/{publisher.workflow}@{claims.get('ref')}"
    environment = publisher.environment in ("", claims.get("environment"))
    return (publisher.repository, ref) == (claims.get("repository"), claims.get("job_workflow_ref")) and environment


def _negotiated(request: Request, page: Mapping[str, Any], title: str, links: str) -> Response:
    """JSON where it is asked for (PEP 691, "Content-Types"), else HTML."""
    wanted = request.headers.get("Accept", "")
    headers = {"Vary": "Accept", "Cache-Control": "max-age=600, public"}
    if _JSON in wanted:
        return JSONResponse(page, headers=headers, media_type=_JSON)
    text = (
        '<!DOCTYPE html>\n<html lang="en"><head><meta name="pypi:repository-version" content="1.4">'
        f"<title>{title}</title></head>\n<body><h1>{title}</h1>\n{links}</body></html>\n"
    )
    return HTMLResponse(text, headers=headers, media_type=_HTML if _HTML in wanted else "text/html")


def _link(file: Mapping[str, Any]) -> str:
    words = [f'href="{html.escape(file["url"])}#sha256={file["hashes"]["sha256"]}"']
    words += [f'data-requires-python="{html.escape(file["requires-python"])}"'] if file["requires-python"] else []
    words += ['data-yanked=""'] if file["yanked"] else []
    words += [f'data-core-metadata="sha256={file["core-metadata"]["sha256"]}"'] if file["core-metadata"] else []
    return f"<a {' '.join(words)}>{html.escape(file['filename'])}</a><br />\n"
