"""A registry that answers in memory, and the machine that asks it."""

import json
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from pathlib import Path

import anyio
import httpx

from shipways.adapters.dockerauth import DockerLogins
from shipways.adapters.registry import Registry
from shipways.adapters.registryhttp import RegistryHttp
from shipways.model.digest import digest_bytes
from shipways.model.oci import LAYER_GZIP, Descriptor
from shipways.ports import Completed
from shipways.testing.console import ManualClock

DATA = bytes(range(256)) * 4096
BLOB = Descriptor(media_type=LAYER_GZIP, digest=digest_bytes(DATA), size=len(DATA))
BASIC = "Basic bWU6c2VjcmV0"
"""RFC 7617 of me:secret."""
Handler = Callable[[httpx.Request], httpx.Response]


class Body(httpx.AsyncByteStream):
    """A body that comes in pieces, and may break after the last one."""

    def __init__(self, data: bytes, *, breaks: bool) -> None:
        self._data = data
        self._breaks = breaks

    async def __aiter__(self) -> AsyncIterator[bytes]:
        for begin in range(0, len(self._data), 100_000):
            yield self._data[begin : begin + 100_000]
        if self._breaks:
            raise httpx.ReadError("connection reset")


def answer(data: bytes, status: int = 200, *, breaks: bool = False) -> httpx.Response:
    """An answer that is streamed, as from a socket."""
    return httpx.Response(status, stream=Body(data, breaks=breaks))


class Machine:
    """The `Shell` and `Process` of a user with a Docker config and, perhaps, a credential helper."""

    def __init__(self, folder: Path, config: object = None, helper: str = "") -> None:
        self._env = {"DOCKER_CONFIG": str(folder)}
        self._helper = helper
        self.asked: list[tuple[str, ...]] = []
        if config is not None:
            (folder / "config.json").write_text(config if isinstance(config, str) else json.dumps(config))

    def env(self) -> Mapping[str, str]:
        return self._env

    async def run(self, argv: tuple[str, ...], *, env: Mapping[str, str], stdin: bytes) -> Completed:
        self.asked.append((*argv, stdin.decode()))
        if not self._helper:
            raise FileNotFoundError(argv[0])
        return Completed(code=0, stdout=self._helper, stderr="")


def registry(handler: Handler, machine: Machine) -> Registry:
    logins = DockerLogins(machine, machine)
    http = RegistryHttp(logins, ManualClock(), transport=httpx.MockTransport(handler))
    return Registry(http, pauses=(0, 0))


def fetch(tmp_path: Path, handler: Handler, machine: Machine | None = None, name: str = "example.com/x") -> bytes:
    into = tmp_path / "blob"
    anyio.run(registry(handler, machine or Machine(tmp_path)).blob, name, BLOB, into)
    return into.read_bytes()


def resolve(handler: Handler, machine: Machine, name: str = "example.com/x:1") -> object:
    async def ask() -> object:
        return await registry(handler, machine).resolve(name)

    run: Callable[[], Awaitable[object]] = ask
    return anyio.run(run)


class Guarded:
    """A registry that wants a token, from a service that gives it to `login` (empty: to anybody)."""

    def __init__(self, login: str = "") -> None:
        self.login = login
        self.token_requests: list[httpx.Request] = []

    def __call__(self, request: httpx.Request) -> httpx.Response:
        if request.url.host == "auth.example.com":
            self.token_requests.append(request)
            fine = request.headers.get("Authorization", "") == self.login
            return httpx.Response(200, json={"token": "t0"}) if fine else httpx.Response(401)
        if request.headers.get("Authorization") == "Bearer t0":
            return answer(DATA)
        challenge = 'Bearer realm="https://auth.example.com/token",service="s",scope="repository:x:pull"'
        return httpx.Response(401, headers={"WWW-Authenticate": challenge})
