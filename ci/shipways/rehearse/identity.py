"""A stand-in of the CI's identity provider: it says who runs, and signs it with a key that only it has."""

import base64
import hashlib
import hmac
import json
import secrets
import time
from collections.abc import Callable, Mapping
from typing import Any, Final

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from shipways.config.schema import Config
from shipways.model.manifest import Manifest

ISSUER: Final = "https://token.actions.githubusercontent.com"
"""Who says it at GitHub (GitHub documentation, "OpenID Connect reference")."""
GITHUB: Mapping[str, str] = {
    "iss": "https://token.actions.example",
    "sub": "repo:example/hello:environment:release",
    "repository": "example/hello",
    "repository_owner": "example",
    "workflow_ref": "example/hello/.github/workflows/release.yml@refs/tags/v1.0.0",
    "job_workflow_ref": "example/hello/.github/workflows/release.yml@refs/tags/v1.0.0",
    "environment": "release",
    "ref": "refs/tags/v1.0.0",
    "event_name": "push",
}
"""What a job of GitHub Actions says (GitHub documentation, "OpenID Connect reference")."""


def claims_of(config: Config, manifest: Manifest) -> Mapping[str, str]:
    """What the job says that release.yml has for this release."""
    repository, ref = (
        config.project.repository or f"example/{config.project.name}",
        f"refs/tags/{manifest.packages[0].tag}",
    )
    place = f"{repository}/.github/workflows/release.yml@{ref}"
    own = {"repository": repository, "ref": ref, "workflow_ref": place, "job_workflow_ref": place}
    environment = config.workflows.environment if config.workflows else ""
    return {**GITHUB, **own, "iss": ISSUER, "sub": f"repo:{repository}:ref:{ref}", "environment": environment}


class Identity:
    """Gives a job that shows `secret` a JWT for an audience, as GitHub Actions does.

    It is signed with HS256 (RFC 7518, 3.2) where GitHub uses RS256: who checks it has no key to fetch.
    """

    def __init__(self, claims: Mapping[str, str] = GITHUB) -> None:
        self.claims = dict(claims)
        self.now: Callable[[], float] = time.time
        self.secret = secrets.token_urlsafe()
        self._key = secrets.token_bytes(32)
        self.routes = [Route("/identity", self._give)]

    def environment(self, url: str) -> Mapping[str, str]:
        """The variables that a job with `id-token: write` has, for a stand-in at `url`."""
        return {
            "GITHUB_ACTIONS": "true",
            "ACTIONS_ID_TOKEN_REQUEST_URL": f"{url}/identity?api-version=2.0",
            "ACTIONS_ID_TOKEN_REQUEST_TOKEN": self.secret,
        }

    def issue(self, audience: str) -> str:
        """A JWT with an id of its own, for some minutes (RFC 7519)."""
        now = int(self.now())
        payload = {**self.claims, "aud": audience, "jti": secrets.token_hex(16), "iat": now, "exp": now + 300}
        text = f"{_part({'typ': 'JWT', 'alg': 'HS256'})}.{_part(payload)}"
        return f"{text}.{self._sign(text)}"

    def read(self, token: str) -> Mapping[str, Any] | None:
        """The claims of a JWT that is from here, or None."""
        text, _, signature = token.rpartition(".")
        if not hmac.compare_digest(self._sign(text).encode(), signature.encode()):
            return None
        claims = json.loads(base64.urlsafe_b64decode(text.partition(".")[2] + "=="))
        return claims if isinstance(claims, dict) else None

    async def _give(self, request: Request) -> Response:
        if not hmac.compare_digest(request.headers.get("Authorization", "").lower(), f"bearer {self.secret}".lower()):
            return JSONResponse({"message": "Unauthorized"}, 401)
        return JSONResponse({"count": 1, "value": self.issue(request.query_params.get("audience", ""))})

    def _sign(self, text: str) -> str:
        return _base64(hmac.new(self._key, text.encode(), hashlib.sha256).digest())


def _part(value: Mapping[str, Any]) -> str:
    return _base64(json.dumps(value).encode())


def _base64(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()
