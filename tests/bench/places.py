"""The stand-in of a forge as a process of its own, so that what it costs is not counted to what is measured.

`python places.py LATENCY` prints its URL and serves until it is ended. Files are hashed and dropped.
"""

import contextlib
import hashlib
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import anyio
import httpx
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.types import ASGIApp, Receive, Scope, Send

from shipways.rehearse.faults import Fault, Faulty, Traffic
from shipways.rehearse.forge import Forge
from shipways.rehearse.forgedesk import API, Desk
from shipways.rehearse.serving import served

REPOSITORY = "example/demo"
TOKEN = "bench"  # noqa: S105 - it opens nothing


class Sink(Forge):
    """Keeps the digests of what is sent."""

    async def _upload(self, request: Request) -> Response:
        self.desk.enter(request, write=True)
        release, name = self._release(request), request.query_params["name"]
        hasher, size = hashlib.sha256(), 0
        async for piece in request.stream():
            hasher.update(piece)
            size += len(piece)
        if size != int(request.headers["content-length"]):
            raise HTTPException(400, "Bad Content-Length: ")
        asset = self.put(release, name, b"", digest=f"sha256:{hasher.hexdigest()}")
        return self.desk.answer(self.desk.views(request).asset(release, asset), 201)


def late(app: ASGIApp, traffic: Traffic, seconds: float) -> ASGIApp:
    """The application, so many seconds away. `/traffic` tells how many requests of each method came since."""

    async def serve(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["path"] == "/traffic":
            said = JSONResponse(dict(traffic.methods()))
            traffic.requests.clear()
            await said(scope, receive, send)
            return
        await anyio.sleep(seconds)
        await app(scope, receive, send)

    return serve


def main() -> None:
    """Serve."""
    traffic = Traffic()
    forge = Sink(desk=Desk(REPOSITORY, {TOKEN: "write"}, budget=10**9, remaining=10**9))
    app = Faulty(forge.app(), lambda *_: Fault.NONE, traffic)
    with served(late(app, traffic, float(sys.argv[1]))) as url:
        sys.stdout.write(f"{url}\n")
        sys.stdout.flush()
        sys.stdin.read()


@contextlib.contextmanager
def forge(latency: float = 0.0) -> Iterator[str]:
    """The URL of one that runs until the block ends."""
    argv = (sys.executable, __file__, str(latency))
    with subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        try:
            yield process.stdout.readline().strip()
        finally:
            process.stdin.close()


def traffic(url: str) -> str:
    """What came since the last time, as text."""
    said = json.loads(httpx.get(f"{url}/traffic", trust_env=False).content)
    return ", ".join(f"{count} {method}" for method, count in sorted(said.items())) or "none"


def random_files(folder: Path, count: int, size: int) -> list[Path]:
    """Files that nothing makes smaller."""
    folder.mkdir()
    found = [folder / f"file-{number:02}.bin" for number in range(count)]
    for path in found:
        with path.open("wb") as stream:
            for begin in range(0, size, 1 << 20):
                stream.write(os.urandom(min(1 << 20, size - begin)))
    return found


def api(url: str) -> str:
    """Where the API is at a URL."""
    return f"{url}{API}"


if __name__ == "__main__":
    main()
