"""A stand-in of a registry of crates: sparse index and web API of the Cargo Book, in the words of crates.io."""

import base64
import email.utils
import json
import re
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from shipways.model.digest import digest_bytes
from shipways.model.pace import Bucket
from shipways.pack.crate import index_path
from shipways.publish.crates import NEW_CRATES, NEW_VERSIONS
from shipways.rehearse.crateindex import index_entry
from shipways.rehearse.identity import ISSUER

_NAME: Final = re.compile(r"[A-Za-z][A-Za-z0-9_-]{0,63}")
_FOREIGN: Final = (
    "this crate exists but you don't seem to be an owner. If you believe this is a mistake, "
    "perhaps you need to accept an invitation to be an owner before publishing."
)
_LIFE: Final = 1800.0
"""Seconds that a token of trusted publishing lives."""
_USER: Final = "rehearsal"
"""Whose every token is."""


@dataclass(slots=True)
class Published:
    """A version: what was sent, and its line of the index. `hidden` reads of the index do not show it yet."""

    metadata: Mapping[str, Any]
    data: bytes
    entry: dict[str, Any]
    hidden: int = 0


@dataclass(slots=True)
class Crates:
    """What is there. `tokens` are those that may publish; `lag` is how often the index does not show what is new."""

    tokens: set[str] = field(default_factory=set)
    lag: int = 0
    trusted: str = ""
    """The repository that may mint tokens with an ID token of GitHub Actions."""
    limited: bool = False
    """Whether the limits of crates.io are held: new crates and new versions, each with a burst."""
    private: bool = False
    """Whether every request needs a token (`auth-required`)."""
    waits_for: frozenset[str] | None = None
    """Crates that have to be there before those that need them; None: every one has to."""
    owners: dict[str, tuple[str, ...]] = field(default_factory=dict)
    """The logins of those who own a crate, by its name in small letters; nobody else than us where it has none."""
    now: Callable[[], float] = time.time
    versions: dict[str, dict[str, Published]] = field(default_factory=dict)
    log: list[tuple[str, str]] = field(default_factory=list)
    """Every version that was taken, in order."""
    minted: dict[str, float] = field(default_factory=dict)
    spent: set[str] = field(default_factory=set)
    buckets: dict[bool, Bucket] = field(default_factory=dict)

    @property
    def app(self) -> Starlette:
        """The application; the index is below `/index/`."""
        one = "/api/v1/crates/{name}/{version}"
        tokens = "/api/v1/trusted_publishing/tokens"
        routes = [
            Route("/index/config.json", self._config),
            Route("/index/{path:path}", self._index),
            Route("/api/v1/crates/new", self._publish, methods=["PUT"]),
            Route("/api/v1/crates/{name}/owners", self._owners),
            Route(f"{one}/yank", self._yank, methods=["DELETE"]),
            Route(f"{one}/unyank", self._yank, methods=["PUT"]),
            Route(f"{one}/download", self._download),
            Route("/api/v1/me", self._me),
            Route("/me", self._page),
            Route(tokens, self._mint, methods=["POST"]),
            Route(tokens, self._revoke, methods=["DELETE"]),
            Route("/id-token", self._id_token),
        ]
        return Starlette(routes=routes)

    def index(self, url: str) -> str:
        """The address of the index, as cargo's config has it."""
        return f"sparse+{url}/index/"

    def put(self, metadata: Mapping[str, Any], data: bytes) -> None:
        """Take a version as it is."""
        entry = index_entry(metadata, data)
        place = self.versions.setdefault(metadata["name"].lower(), {})
        place[metadata["vers"]] = Published(metadata=metadata, data=data, entry=entry, hidden=self.lag)
        self.log.append((metadata["name"], metadata["vers"]))

    def _may(self, request: Request) -> bool:
        token = request.headers.get("authorization", "")
        return token in self.tokens or self.minted.get(token, 0.0) > self.now()

    async def _config(self, request: Request) -> Response:
        if self.private and not self._may(request):
            return _error(401, "authentication required")
        url = str(request.base_url).rstrip("/")
        required = {"auth-required": True} if self.private else {}
        return JSONResponse({"dl": f"{url}/api/v1/crates", "api": url, **required})

    async def _index(self, request: Request) -> Response:
        """One JSON object a line; a version that is new is not in it for a while."""
        if self.private and not self._may(request):
            return _error(401, "authentication required")
        path = str(request.path_params["path"])
        found = self.versions.get(path.rpartition("/")[2], {})
        shown = [each for each in found.values() if not each.hidden]
        for each in found.values():
            each.hidden = max(0, each.hidden - 1)
        if not shown or path != index_path(path.rpartition("/")[2]):
            return PlainTextResponse("not found", 404)
        text = "".join(json.dumps(each.entry) + "\n" for each in shown)
        tag = f'"{digest_bytes(text.encode())[7:23]}"'
        if request.headers.get("if-none-match") == tag:
            return Response(status_code=304, headers={"ETag": tag})
        return PlainTextResponse(text, headers={"ETag": tag})

    async def _publish(self, request: Request) -> Response:
        """`PUT /api/v1/crates/new`: length, JSON, length, .crate."""
        if not self._may(request):
            return _error(403, "authentication failed")
        body = await request.body()
        size = int.from_bytes(body[:4], "little")
        metadata, rest = json.loads(body[4 : 4 + size]), body[4 + size :]
        data = rest[4:]
        if int.from_bytes(rest[:4], "little") != len(data):
            return _error(400, "invalid tarball length for remaining payload")
        if problem := self._problem(metadata):
            return _error(400, problem)
        if _USER not in self._owned(metadata["name"]):
            return _error(403, _FOREIGN)
        if seconds := self._wait(new=metadata["name"].lower() not in self.versions):
            when = email.utils.formatdate(self.now() + seconds, usegmt=True)
            words = f"You have published too many crates in a short period of time. Please try again after {when}"
            return _error(429, words, {"Retry-After": when})
        self.put(metadata, data)
        return JSONResponse({"warnings": {"invalid_categories": [], "invalid_badges": [], "other": []}})

    def _wait(self, *, new: bool) -> float:
        """How long a limit keeps an upload away; 0 when it may go, which counts."""
        if not self.limited:
            return 0.0
        limit = NEW_CRATES if new else NEW_VERSIONS
        bucket = self.buckets.setdefault(new, Bucket(limit=limit, level=limit.burst, at=self.now()))
        if not (seconds := bucket.wait(self.now())):
            bucket.take()
        return seconds

    def _problem(self, metadata: Mapping[str, Any]) -> str:
        """Why crates.io would not take it; empty when it would."""
        name, version = metadata["name"], metadata["vers"]
        if not _NAME.fullmatch(name):
            return f"invalid crate name `{name}`"
        missing = [key for key in ("description", "license") if not metadata[key]]
        if "license" in missing and metadata["license_file"]:
            missing.remove("license")
        if missing:
            return f"missing or empty metadata fields: {', '.join(missing)}"
        same = (known for known in self.versions.get(name.lower(), {}) if _core(known) == _core(version))
        if any(same):
            return f"crate version `{_core(version)}` is already uploaded"
        here = (dep["name"] for dep in metadata["deps"] if not dep.get("registry"))
        wanted = (dep for dep in here if self.waits_for is None or dep.lower() in self.waits_for)
        unknown = next((dep for dep in wanted if dep.lower() not in self.versions), "")
        return f"no known crate named `{unknown}`" if unknown else ""

    async def _yank(self, request: Request) -> Response:
        if not self._may(request):
            return _error(403, "authentication failed")
        found = self._found(request)
        if found is None:
            return _error(404, "Not Found")
        found.entry["yanked"] = request.method == "DELETE"
        return JSONResponse({"ok": True})

    async def _download(self, request: Request) -> Response:
        if self.private and not self._may(request):
            return _error(401, "authentication required")
        found = self._found(request)
        return Response(found.data, media_type="application/gzip") if found else _error(404, "Not Found")

    def _found(self, request: Request) -> Published | None:
        name, version = request.path_params["name"], request.path_params["version"]
        return self.versions.get(name.lower(), {}).get(version)

    async def _owners(self, request: Request) -> Response:
        """Told to everybody."""
        name = request.path_params["name"]
        if name.lower() not in self.versions:
            return _error(404, f"crate `{name}` does not exist")
        users = [{"id": number, "login": login, "name": None} for number, login in enumerate(self._owned(name), 1)]
        return JSONResponse({"users": users})

    def _owned(self, name: str) -> tuple[str, ...]:
        return self.owners.get(name.lower(), (_USER,))

    async def _me(self, request: Request) -> Response:
        """Never told to a token."""
        del request
        return _error(403, "this action can only be performed on the crates.io website")

    async def _page(self, request: Request) -> Response:
        del request
        return PlainTextResponse("tokens of a rehearsal are in its environment")

    async def _mint(self, request: Request) -> Response:
        """The claims are believed, for the signature of a stand-in proves nothing; all else is as crates.io does it."""
        jwt = str((await request.json())["jwt"])
        try:
            claims = json.loads(base64.urlsafe_b64decode(jwt.split(".")[1] + "=="))
        except (ValueError, IndexError):
            return _error(400, "Failed to decode JWT")
        if claims["iss"] != ISSUER:
            return _error(400, f"Unsupported JWT issuer: {claims['iss']}")
        if claims["aud"] != request.base_url.netloc or claims["exp"] < self.now():
            return _error(400, "Failed to decode JWT")
        if claims["jti"] in self.spent:
            return _error(400, "JWT has already been used")
        self.spent.add(claims["jti"])
        if claims["repository"] != self.trusted:
            name = claims["repository"]
            return _error(400, f"No Trusted Publishing config found for repository `{name}`.")
        token = f"cio_tp_{len(self.minted)}_{claims['jti']}"
        self.minted[token] = self.now() + _LIFE
        return JSONResponse({"token": token})

    async def _revoke(self, request: Request) -> Response:
        token = request.headers.get("authorization", "").removeprefix("Bearer ")
        self.minted.pop(token, None)
        return Response(status_code=204)

    async def _id_token(self, request: Request) -> Response:
        """What GitHub Actions answers at ACTIONS_ID_TOKEN_REQUEST_URL, for any bearer."""
        if not request.headers.get("authorization", "").startswith("Bearer "):
            return JSONResponse({"message": "Unauthorized"}, 401)
        claims = {
            "iss": ISSUER,
            "aud": request.query_params.get("audience", ""),
            "exp": self.now() + 300,
            "jti": f"{len(self.spent)}-{self.now()}",
            "repository": request.query_params.get("repository", self.trusted),
        }
        parts = ({"alg": "RS256", "kid": "rehearsal"}, claims)
        jwt = ".".join(base64.urlsafe_b64encode(json.dumps(part).encode()).decode().rstrip("=") for part in parts)
        return JSONResponse({"value": f"{jwt}.c2ln"})


def _core(version: str) -> str:
    """A version without its build metadata, which does not make it another one."""
    return version.partition("+")[0]


def _error(status: int, detail: str, headers: Mapping[str, str] | None = None) -> Response:
    return JSONResponse({"errors": [{"detail": detail}]}, status, headers)
