"""Requests to image registries: where they go, who asks, and how often."""

import ipaddress
import re
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from functools import cached_property
from typing import Final, TypeVar

import anyio
import httpx

from shipways.adapters.dockerauth import DockerLogins, Login, basic
from shipways.errors import Problem, Unavailable
from shipways.model.oci import DOCKER_HUB, Reference

_T = TypeVar("_T")
_TIMEOUT: Final = httpx.Timeout(30, connect=10)
_PARAMETER: Final = re.compile(r'(\w+)="([^"]*)"')
_LONGEST_WAIT: Final = 60.0
_HOSTS: Final = {DOCKER_HUB: "registry-1.docker.io"}
"""Where a registry's API is, if not at its name."""


class Missing(Exception):  # noqa: N818 - an answer, not a mistake
    """The registry has no such thing."""


class Busy(Exception):  # noqa: N818 - it passes
    """The registry could not answer now; `wait` is how long it asked for, in seconds."""

    def __init__(self, why: str, wait: float = 0.0) -> None:
        super().__init__(why)
        self.wait = wait


class RegistryHttp:
    """GET requests below `/v2/`, authorized when the registry asks for it, tried again after what may pass.

    `pauses` are the seconds between tries. HTTPS everywhere except on this machine itself.
    """

    def __init__(
        self,
        logins: DockerLogins,
        *,
        pauses: Sequence[float] = (0.5, 1.0, 2.0),
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        self._logins = logins
        self._pauses = pauses
        self._transport = transport
        self._granted: dict[tuple[str, str], Mapping[str, str]] = {}

    async def retry(self, reference: Reference, action: Callable[[], Awaitable[_T]]) -> _T:
        """The action's result. Raises Unavailable("image") when it fails too often."""
        for pause in (*self._pauses, None):
            try:
                return await action()
            except (httpx.TransportError, Busy) as error:
                if pause is None:
                    raise _unreachable(reference, str(error) or type(error).__name__) from None
                await anyio.sleep(max(pause, error.wait if isinstance(error, Busy) else 0))
        raise _unreachable(reference, "it was never asked")

    @asynccontextmanager
    async def get(self, reference: Reference, path: str, headers: Mapping[str, str]) -> AsyncIterator[httpx.Response]:
        """An answer with a body to stream. Raises Missing, Busy, httpx.TransportError, or Unavailable("image")."""
        async with self._client(reference.host) as client:
            key = (reference.host, reference.repository)
            url = f"{_origin(reference.host)}/v2/{reference.repository}/{path}"
            response = await _send(client, url, {**headers, **self._granted.get(key, {})})
            if response.status_code == 401:
                await response.aclose()
                self._granted[key] = await self._authorize(client, reference, response.headers)
                response = await _send(client, url, {**headers, **self._granted[key]})
            try:
                await _judge(reference, response)
                yield response
            finally:
                await response.aclose()

    def _client(self, host: str) -> httpx.AsyncClient:
        return httpx.AsyncClient(
            transport=self._transport,
            verify=self._tls if self._transport is None else True,
            timeout=_TIMEOUT,
            follow_redirects=True,  # httpx sends no Authorization to another origin
            trust_env=not _loopback(host),  # a proxy does not know this machine's own registry
            event_hooks={"request": [_only_safe]},
        )

    @cached_property
    def _tls(self) -> ssl.SSLContext:
        return httpx.create_ssl_context()

    async def _authorize(
        self, client: httpx.AsyncClient, reference: Reference, headers: httpx.Headers
    ) -> Mapping[str, str]:
        """The header that the challenge asks for (RFC 9110, 11.6.1; distribution, "Token Authentication")."""
        challenge = headers.get("WWW-Authenticate", "")
        login = await self._logins.login(reference.host)
        scheme = challenge.partition(" ")[0].lower()
        if scheme == "basic" and login:
            return basic(login)
        if scheme != "bearer":
            raise _refused(reference, "it wants a login")
        asked = dict(_PARAMETER.findall(challenge))
        scope = {"scope": asked.get("scope") or f"repository:{reference.repository}:pull"}
        service = {"service": asked["service"]} if "service" in asked else {}
        response = await _token(client, asked.get("realm", ""), {**service, **scope}, login)
        token = ""
        with suppress(ValueError, AttributeError):
            token = str(response.json().get("token") or response.json().get("access_token") or "")
        if response.status_code == 429 or response.status_code >= 500:
            raise Busy(f"its token service answered {response.status_code}", _wait(response))
        if response.is_error or not token:
            raise _refused(reference, f"its token service answered {response.status_code}")
        return {"Authorization": f"Bearer {token}"}


async def _send(client: httpx.AsyncClient, url: str, headers: Mapping[str, str]) -> httpx.Response:
    # A layer must arrive as it is stored, so no coding may be added on the way.
    request = client.build_request("GET", url, headers={"Accept-Encoding": "identity", **headers})
    return await client.send(request, stream=True)


async def _token(
    client: httpx.AsyncClient, realm: str, asked: Mapping[str, str], login: Login | None
) -> httpx.Response:
    if login and login.identity:
        form = {"grant_type": "refresh_token", "refresh_token": login.identity, "client_id": "shipways", **asked}
        return await client.post(realm, data=form)
    return await client.get(realm, params=asked, headers=basic(login) if login else {})


async def _judge(reference: Reference, response: httpx.Response) -> None:
    status = response.status_code
    if response.is_success:
        return
    if status == 404:
        raise Missing
    if status == 429 or status >= 500:
        raise Busy(f"it answered {status} {response.reason_phrase}", _wait(response))
    raise _refused(reference, f"it answered {status} {response.reason_phrase}")


async def _only_safe(request: httpx.Request) -> None:
    """Every request, those of redirects and for tokens too."""
    if request.url.scheme != "https" and not _loopback(request.url.host):
        origin = f"{request.url.scheme}://{request.url.host}"
        raise Unavailable("image", Problem(path=origin, what="is not HTTPS", why="who is asked must be certain"))


def _origin(host: str) -> str:
    return f"{'http' if _loopback(host) else 'https'}://{_HOSTS.get(host, host)}"


def _loopback(host: str) -> bool:
    name = host.removeprefix("[").partition("]")[0] if host.startswith("[") else host
    name = name if name.count(":") > 1 else name.partition(":")[0]
    if name == "localhost":
        return True
    with suppress(ValueError):
        return ipaddress.ip_address(name).is_loopback
    return False


def _wait(response: httpx.Response) -> float:
    """Retry-After in seconds (RFC 9110, 10.2.3), within reason."""
    with suppress(ValueError):
        return min(float(response.headers.get("Retry-After", "0")), _LONGEST_WAIT)
    return 0.0


def _unreachable(reference: Reference, why: str) -> Unavailable:
    return Unavailable(
        "image",
        Problem(
            what=f"{reference.host}/{reference.repository} cannot be fetched: {why}",
            hint=f"check the network, and whether {reference.host} can be reached",
        ),
    )


def _refused(reference: Reference, why: str) -> Unavailable:
    return Unavailable(
        "image",
        Problem(
            what=f"the registry refuses {reference.host}/{reference.repository}: {why}",
            hint=f"`docker login {reference.host}` with an account that may read it, or check the name",
        ),
    )
