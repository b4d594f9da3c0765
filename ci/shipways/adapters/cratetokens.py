"""The token for a registry of crates: the user's own, or one that trusted publishing mints for a job of CI."""

import base64
import json
from collections.abc import Mapping
from contextlib import suppress
from typing import Final

import anyio
import httpx

from shipways.adapters import web
from shipways.adapters.credentials import Credentials
from shipways.adapters.jobs import Job, field_of
from shipways.errors import Problem, Transient, Unfinished
from shipways.model.secret import Secret
from shipways.outside.crates import token_variable
from shipways.ports import Clock

_LIFE: Final = 25 * 60.0
"""Seconds after which a minted token is replaced; crates.io lets one live 30 minutes."""
_CLAIMS: Final = ("repository", "workflow_ref", "ref", "environment")
_SPENT: Final = "already been used"
"""What crates.io says of an ID token that has arrived twice."""


class CrateTokens:
    """Tokens for one registry, by the variables that cargo itself reads (Cargo Book, "Environment Variables")."""

    def __init__(self, registry: str, env: Mapping[str, str], clock: Clock) -> None:
        self.variable = token_variable(registry)
        self._job = Job(env, clock)
        self._credentials = Credentials(env)
        self._clock = clock
        self._lock = anyio.Lock()
        self._minted = Secret("")
        self._until = 0.0

    def own(self) -> Secret:
        """The user's; empty when there is none. Raises PreflightError for a file of one that cannot be read."""
        return self._credentials.secret(self.variable)

    async def token(self, api: str) -> Secret:
        """One to publish with at this API; a minted one while it lives.

        Raises Transient, Unfinished, PreflightError.
        """
        if found := self.own():
            return found
        if not self._job.known:
            hint = f"set {self.variable}, or {self.variable}_FILE to the path of a file with it"
            raise Unfinished(Problem(path="publish.crates", what="there is no token for the registry", hint=hint))
        async with self._lock:
            if not self._minted or self._clock.monotonic() >= self._until:
                self._minted = await self._mint(api)
                self._until = self._clock.monotonic() + _LIFE
            return self._minted

    async def _mint(self, api: str) -> Secret:
        """The registry's token for an ID token (the web API of crates.io, "trusted_publishing/tokens")."""
        jwt = await self._job.says(httpx.URL(api).netloc.decode())
        async with web.client(api) as http:
            request = http.build_request("POST", "/api/v1/trusted_publishing/tokens", json={"jwt": jwt.open()})
            answer = await web.send(http, request, clock=self._clock)
        if not answer.is_success and _SPENT in answer.text:
            raise Transient(Problem(path="publish.crates", what="the ID token has arrived twice", why=web.said(answer)))
        return Secret(field_of(answer, "token", "a token by trusted publishing", f"the ID token says {_claims(jwt)}"))


def _claims(jwt: Secret) -> str:
    """What people compare with the registry's settings; none of it is secret."""
    with suppress(ValueError, IndexError, TypeError, AttributeError):
        said = json.loads(base64.urlsafe_b64decode(jwt.open().split(".")[1] + "=="))
        return ", ".join(f"{name} = {said[name]}" for name in _CLAIMS if name in said)
    return "nothing that can be read"
