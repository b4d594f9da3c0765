"""Requests to image registries, to fetch and to push: where they go, who asks, and what an answer means."""

import re
from collections.abc import AsyncIterable, AsyncIterator, Callable, Collection, Mapping
from contextlib import asynccontextmanager, suppress
from functools import partial
from typing import Final

import anyio
import httpx

from shipways.adapters import web
from shipways.adapters.dockerauth import DockerLogins, Login, basic
from shipways.errors import BuildError, Problem, Transient, Unfinished
from shipways.model.oci import DOCKER_HUB, Reference
from shipways.ports import Clock

_PARAMETER: Final = re.compile(r'(\w+)="([^"]*)"')
_HOSTS: Final = {DOCKER_HUB: "registry-1.docker.io"}
"""Where a registry's API is, if not at its name."""
_DOCUMENT: Final = 4 << 20
"""The largest manifest in bytes (distribution-spec, "Pushing manifests")."""
_COMMIT: Final = httpx.Timeout(60, connect=15, read=300)
"""A registry reads a blob again before it takes it."""
_READS: Final = frozenset({"GET", "HEAD"})
Content = bytes | AsyncIterable[bytes] | None
Grant = Mapping[str, str]


class RegistryHttp:
    """Opens sessions. What a registry has granted is kept for the next session of the same kind."""

    def __init__(
        self, logins: DockerLogins, clock: Clock, *, transport: httpx.AsyncBaseTransport | None = None
    ) -> None:
        self.logins = logins
        self.clock = clock
        self._transport = transport
        self._doors: dict[tuple[str, ...], Door] = {}

    @asynccontextmanager
    async def session(
        self, reference: Reference, *, push: bool = False, near: str = ""
    ) -> AsyncIterator["RegistrySession"]:
        """Requests below `/v2/NAME/` for a block; `near` is another name there, whose blobs are mounted."""
        key = (reference.host, reference.repository, "pull,push" if push else "pull", near)
        door = self._doors.setdefault(key, Door(self, reference, push=push, near=near))
        async with web.client(door.url, transport=self._transport) as client:
            yield RegistrySession(client, door, self.clock)


class RegistrySession:
    """One client for one repository. Errors are Transient, Unfinished, and PreflightError for a broken login."""

    def __init__(self, client: httpx.AsyncClient, door: "Door", clock: Clock) -> None:
        self._client = client
        self._door = door
        self._clock = clock

    @property
    def name(self) -> str:
        """HOST/NAME of the repository."""
        return self._door.name

    @property
    def host(self) -> str:
        """The registry."""
        return self._door.name.partition("/")[0]

    @asynccontextmanager
    async def stream(
        self,
        method: str,
        path: str,
        headers: Mapping[str, str] | None = None,
        content: Content = None,
        allowed: Collection[int] = (),
    ) -> AsyncIterator[httpx.Response]:
        """An answer whose body is still to come. `path` is below `/v2/NAME/`, or a URL that the registry has given.

        A status that is neither success nor `allowed` is an error.
        """
        asked = {"Accept-Encoding": "identity", **(headers or {})}  # a blob must arrive as it is stored
        make = partial(self._client.build_request, method, path, headers=asked, content=content, timeout=_COMMIT)
        response = await self._authorized(make)
        try:
            if not response.is_success and response.status_code not in allowed:
                await response.aread()
                raise self._door.refused(response)
            yield response
        except httpx.TransportError as error:
            reason = str(error) or type(error).__name__
            raise Transient(Problem(path=self._door.name, what=f"the connection broke: {reason}")) from None
        finally:
            await response.aclose()

    async def ask(
        self,
        method: str,
        path: str,
        headers: Mapping[str, str] | None = None,
        content: Content = None,
        allowed: Collection[int] = (),
    ) -> httpx.Response:
        """The same with its body, which is small."""
        async with self.stream(method, path, headers, content, allowed) as response:
            await response.aread()
            return response

    async def document(self, path: str, accept: str) -> bytes | None:
        """A manifest, or another JSON document; None when there is none."""
        async with self.stream("GET", path, {"Accept": accept}, allowed={404}) as response:
            if response.status_code == 404:
                return None
            data = bytearray()
            async for piece in response.aiter_raw():
                data += piece
                if len(data) > _DOCUMENT:
                    raise BuildError(Problem(path=self._door.name, what="its manifest is larger than 4 MB"))
            return bytes(data)

    async def _authorized(self, make: Callable[[], httpx.Request]) -> httpx.Response:
        """The answer; after a challenge, that to the same request with what the challenge asks for."""
        before, request = self._door.grant, make()
        response = await self._send(request, before)
        if response.status_code != 401 or "WWW-Authenticate" not in response.headers:
            return response
        await response.aread()
        grant = await self._door.knock(self._client, response, before, reads=request.method in _READS)
        return await self._send(make(), grant)

    async def _send(self, request: httpx.Request, grant: Grant) -> httpx.Response:
        if web.origin(request.url) == self._door.origin:  # an upload may go on elsewhere, without our login
            request.headers.update(grant)
        return await web.send(self._client, request, clock=self._clock, stream=True)


class Door:
    """What a repository has granted for a kind of session."""

    def __init__(self, http: RegistryHttp, reference: Reference, *, push: bool, near: str) -> None:
        plain = web.loopback(httpx.URL(f"//{reference.host}").host)
        host = f"{'http' if plain else 'https'}://{_HOSTS.get(reference.host, reference.host)}"
        self.url = f"{host}/v2/{reference.repository}/"
        self.origin = web.origin(httpx.URL(self.url))
        self.name = f"{reference.host}/{reference.repository}"
        self.grant: Grant = {}
        self._http = http
        self._reference = reference
        self._push = push
        self._near = near
        self._lock = anyio.Lock()

    async def knock(self, client: httpx.AsyncClient, answer: httpx.Response, before: Grant, *, reads: bool) -> Grant:
        """The header that a challenge asks for (RFC 9110, 11.6.1), once for all who ask at the same time."""
        async with self._lock:
            if self.grant is before:
                self.grant = await self._authorize(client, answer, reads=reads)
            return self.grant

    def refused(self, answer: httpx.Response, by: str = "it") -> Unfinished:
        """The error of an answer that trying again does not change."""
        what = f"the registry refuses {self.name}: {by} answered {answer.status_code} {answer.reason_phrase}"
        right = "push to" if self._push else "read"
        hint = f"`docker login {self._reference.host}` with an account that may {right} it, or check the name"
        return Unfinished(Problem(what=what, why=web.said(answer), hint=hint))

    async def _authorize(self, client: httpx.AsyncClient, answer: httpx.Response, *, reads: bool) -> Grant:
        challenge = answer.headers.get("WWW-Authenticate", "")
        login = await self._http.logins.login(self._reference.host)
        scheme = challenge.partition(" ")[0].lower()
        if scheme == "basic" and login:
            return basic(login)
        asked = dict(_PARAMETER.findall(challenge))
        if scheme != "bearer" or not asked.get("realm", "").startswith(("http://", "https://")):
            raise self.refused(answer)
        wanted = {"service": asked["service"]} if "service" in asked else {}
        scopes = self._scopes(asked.get("scope", ""), writes=self._push and (login is not None or not reads))
        response = await self._token(client, asked["realm"], (wanted, scopes), login)
        token = ""
        with suppress(ValueError, AttributeError):
            token = str(response.json().get("token") or response.json().get("access_token") or "")
        if response.is_error or not token:
            raise self.refused(response, "its token service")
        return {"Authorization": f"Bearer {token}"}

    def _scopes(self, asked: str, *, writes: bool) -> list[str]:
        """Distribution, "Token Scope Documentation". Who has a login gets all that a push needs at once.

        Without one only what is needed now: a service may refuse a token that names more than everybody may do.
        """
        if not self._push:
            return [asked or f"repository:{self._reference.repository}:pull"]
        own = f"repository:{self._reference.repository}:{'pull,push' if writes else 'pull'}"
        return [own, f"repository:{self._near}:pull"] if self._near else [own]

    async def _token(
        self, client: httpx.AsyncClient, realm: str, wanted: tuple[Mapping[str, str], list[str]], login: Login | None
    ) -> httpx.Response:
        """Distribution, "Token Authentication Specification" and "OAuth2 Token Authentication"."""
        service, scopes = wanted
        if login and login.identity:
            form = {"grant_type": "refresh_token", "refresh_token": login.identity.open(), "client_id": "shipways"}
            request = client.build_request("POST", realm, data={**form, **service, "scope": " ".join(scopes)})
        else:
            params = {**service, "scope": scopes}
            request = client.build_request("GET", realm, params=params, headers=basic(login) if login else {})
        return await web.send(client, request, clock=self._http.clock)
