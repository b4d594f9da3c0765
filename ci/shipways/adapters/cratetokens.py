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
from shipways.errors import Problem, Unfinished
from shipways.model.secret import Secret
from shipways.outside.crates import token_variable
from shipways.ports import Clock

_LIFE: Final = 25 * 60.0
"""Seconds after which a minted token is replaced; crates.io lets one live 30 minutes."""
_CLAIMS: Final = ("repository", "workflow_ref", "ref", "environment")
_WHERE: Final = "ACTIONS_ID_TOKEN_REQUEST_URL"
"""GitHub Actions sets it in jobs with the permission `id-token: write`."""


class CrateTokens:
    """Tokens for one registry, by the variables that cargo itself reads (Cargo Book, "Environment Variables")."""

    def __init__(self, registry: str, env: Mapping[str, str], clock: Clock) -> None:
        self.variable = token_variable(registry)
        self._env = env
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
        if not self._env.get(_WHERE):
            hint = f"set {self.variable}, or {self.variable}_FILE to the path of a file with it"
            raise Unfinished(Problem(path="publish.crates", what="there is no token for the registry", hint=hint))
        async with self._lock:
            if not self._minted or self._clock.monotonic() >= self._until:
                self._minted = await self._mint(api)
                self._until = self._clock.monotonic() + _LIFE
            return self._minted

    async def _mint(self, api: str) -> Secret:
        """The registry's token for an ID token (the web API of crates.io, "trusted_publishing/tokens")."""
        jwt = await self._id_token(httpx.URL(api).netloc.decode())
        async with web.client(api) as http:
            request = http.build_request("POST", "/api/v1/trusted_publishing/tokens", json={"jwt": jwt.open()})
            answer = await web.send(http, request, clock=self._clock)
        return Secret(_field(answer, "token", f"the ID token says {_claims(jwt)}"))

    async def _id_token(self, audience: str) -> Secret:
        url = self._env[_WHERE]
        bearer = self._credentials.secret("ACTIONS_ID_TOKEN_REQUEST_TOKEN")
        async with web.client(url) as http:
            place = httpx.URL(url).copy_merge_params({"audience": audience})
            request = http.build_request("GET", place, headers={"Authorization": f"Bearer {bearer.open()}"})
            answer = await web.send(http, request, clock=self._clock)
        return Secret(_field(answer, "value", "the job needs the permission `id-token: write`"))


def _field(answer: httpx.Response, key: str, hint: str) -> str:
    """A text in a JSON answer. Nothing of an answer that has it is ever shown."""
    with suppress(ValueError, KeyError, TypeError):
        if answer.is_success:
            return str(answer.json()[key])
    raise web.refused("a token by trusted publishing", answer, hint)


def _claims(jwt: Secret) -> str:
    """What people compare with the registry's settings; none of it is secret."""
    with suppress(ValueError, IndexError, TypeError, AttributeError):
        said = json.loads(base64.urlsafe_b64decode(jwt.open().split(".")[1] + "=="))
        return ", ".join(f"{name} = {said[name]}" for name in _CLAIMS if name in said)
    return "nothing that can be read"
