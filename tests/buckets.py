"""Moto's server of S3, a process for a block, and faults on the way to it."""

import contextlib
import itertools
import os
import socket
import ssl
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import pytest
from starlette.types import Receive, Scope, Send

from registries import running
from shipways.adapters.s3 import S3Bucket
from shipways.config.publish import FilesTable
from shipways.rehearse.faults import Chooser, Fault, Faulty, Traffic
from shipways.rehearse.serving import served
from shipways.testing.console import ManualClock

KEY = "canary-of-the-key"
SECRET = "canary-of-the-secret"  # noqa: S105 - it opens nothing
LOGIN = {
    "AWS_ACCESS_KEY_ID": KEY,
    "AWS_SECRET_ACCESS_KEY": SECRET,
    "AWS_CONFIG_FILE": "/nonexistent",
    "AWS_SHARED_CREDENTIALS_FILE": "/nonexistent",
    "AWS_EC2_METADATA_DISABLED": "true",
    "AWS_DEFAULT_REGION": "us-east-1",
}
_BARE = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
"""Reading the authorities takes longer than a request, and here nobody needs them."""
_NUMBERS = itertools.count(1)


@dataclass(slots=True)
class S3:
    """The server at `url`. `fault` decides for each request to `proxy`, and `traffic` has what came there."""

    url: str
    proxy: str = ""
    fault: Chooser = lambda *_: Fault.NONE
    traffic: Traffic = field(default_factory=Traffic)
    _client: httpx.Client = field(default_factory=lambda: httpx.Client(trust_env=False, verify=_BARE))

    def bucket(self, prefix: str = "") -> FilesTable:
        """A new bucket, as the config would name it."""
        name = f"bucket-{os.getpid()}-{next(_NUMBERS)}"
        self.request("PUT", name)
        return FilesTable(folder=f"s3://{name}{prefix}", endpoint=self.proxy, region="us-east-1")

    def request(self, method: str, path: str, content: bytes = b"") -> httpx.Response:
        """What another program sends past the proxy; moto asks for an owner, and believes everybody."""
        owner = {"Authorization": "AWS4-HMAC-SHA256 Credential=other/20260101/us-east-1/s3/aws4_request"}
        return self._client.request(method, f"{self.url}/{path}", headers=owner, content=content).raise_for_status()

    def put(self, table: FilesTable, key: str, content: bytes) -> None:
        """Let another program put a file there."""
        self.request("PUT", f"{_name(table)}/{key}", content)

    def objects(self, table: FilesTable, prefix: str = "") -> dict[str, bytes]:
        """The files of a bucket, by key."""
        listed = self.request("GET", f"{_name(table)}?list-type=2&prefix={prefix}").text
        keys = [part.partition("</Key>")[0] for part in listed.split("<Key>")[1:]]
        return {key: self.request("GET", f"{_name(table)}/{key}").content for key in keys}

    def uploads(self, table: FilesTable) -> int:
        """How many uploads in parts are open."""
        return self.request("GET", f"{_name(table)}?uploads").text.count("<UploadId>")


def small_parts(table: FilesTable, *, ahead: float = 0.0) -> S3Bucket:
    """A bucket to which a file of a few bytes is a big one; the smallest part that S3 takes has 5 MiB.

    `ahead` is by how many seconds the clock is wrong.
    """
    return S3Bucket(table, ManualClock(time.time() + ahead), whole=6 << 20, part=5 << 20)


@contextlib.contextmanager
def moto(folder: Path) -> Iterator[S3]:
    """Ended by its process id."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    url, argv = f"http://127.0.0.1:{port}", (sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port))
    with running(argv, folder / "moto.log", lambda: _answers(url)):
        made = S3(url)

        def choose(method: str, path: str) -> Fault:
            return made.fault(method, path)

        app = Faulty(_Proxy(url), choose, made.traffic)
        with served(app) as made.proxy:
            yield made


class _Proxy:
    """An ASGI application that passes every request on, so that `Faulty` can stand before a server that is none."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._client = httpx.AsyncClient(trust_env=False, timeout=30, verify=_BARE)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        body, more = b"", True
        while more:
            message = await receive()
            body, more = body + message.get("body", b""), message.get("more_body", False)
        query = scope["query_string"].decode()
        url = f"{self._url}{scope['raw_path'].decode()}{'?' if query else ''}{query}"
        headers = [(name, value) for name, value in scope["headers"] if name not in (b"expect", b"content-length")]
        answer = await self._client.request(scope["method"], url, headers=headers, content=body)
        kept = [(name, value) for name, value in answer.headers.raw if name.lower() != b"transfer-encoding"]
        await send({"type": "http.response.start", "status": answer.status_code, "headers": kept})
        await send({"type": "http.response.body", "body": answer.content})


def logged_in(patch: pytest.MonkeyPatch, **more: str) -> None:
    """Let this process have the login, as the user's environment would."""
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        patch.delenv(name)
    for name, value in (LOGIN | more).items():
        patch.setenv(name, value)


def _name(table: FilesTable) -> str:
    return table.folder.removeprefix("s3://").partition("/")[0]


def _answers(url: str) -> bool:
    with contextlib.suppress(httpx.TransportError):
        return httpx.get(f"{url}/moto-api/", trust_env=False).status_code < 500
    return False
