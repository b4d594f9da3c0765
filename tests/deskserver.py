"""The deployer's API over a desk in memory, as a process of its own: `python deskserver.py '{"body": "1 kB"}'`."""

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import anyio
import httpx

import shipways
from asking import Asked, asked, wish
from shipways.adapters.httpserver import Listening, served
from shipways.model.job import JobRequest, Method
from shipways.model.secret import Secret
from shipways.testing.console import ManualClock


@dataclass(frozen=True)
class Served:
    """A server that runs: where, and the token of who may do everything."""

    url: str
    token: str
    process: subprocess.Popen[str]

    def client(self, **more: object) -> httpx.Client:
        """Somebody who may do everything."""
        headers = {"authorization": f"Bearer {self.token}"}
        return httpx.Client(base_url=self.url, headers=headers, trust_env=False, **more)  # type: ignore[arg-type]

    def end(self) -> int:
        """Tell it to end; its status."""
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(30)


@contextlib.contextmanager
def deskserver(folder: Path, **options: object) -> Iterator[Served]:
    """One while the block runs."""
    paths = (str(Path(shipways.__file__).parent.parent), str(Path(__file__).parent))
    env = os.environ | {"PYTHONPATH": os.pathsep.join(paths), "PYTHONUNBUFFERED": "1"}
    log = folder / "server.log"
    with log.open("w") as errors:
        process = subprocess.Popen(
            (sys.executable, __file__, json.dumps(options)), env=env, stdout=subprocess.PIPE, stderr=errors, text=True
        )
        try:
            assert process.stdout
            url, token = _line(process.stdout, log), process.stdout.readline().strip()
            yield Served(url, token, process)
        finally:
            process.kill()
            process.communicate()


def _line(stream: IO[str], log: Path) -> str:
    line = stream.readline().strip()
    assert line, log.read_text()
    return line


class Ticking(ManualClock):
    """Goes on with the time, and can be advanced beside."""

    def now(self) -> float:
        """Of the year of the specification."""
        return super().now() + time.monotonic()

    def monotonic(self) -> float:
        """Advances count."""
        return self.now()

    async def sleep(self, seconds: float) -> None:
        """Really."""
        await anyio.sleep(seconds)


async def _story(here: Asked) -> None:
    """Services on a host, two of them with something to return to; one job that failed; names of any letters."""
    for name, path in (("pulse", "pulse"), ("pulse", "pulse-2"), ("aegis", "aegis")):
        await _made(here, name, path)
    here.desk.sick.add("aegis")
    await _made(here, "aegis", "aegis-2 <b>&\"'")
    for path in ("quay", "quay-2"):
        await _made(here, "quay", path)


async def _made(here: Asked, name: str, path: str) -> None:
    request = JobRequest(
        service_path=f"/srv/services/{path}",
        service_name=name,
        droplet_id=24,
        service_port=8010,
        method=Method.DOCKER,
        environment={key: Secret(value) for key, value in wish()["environment_vars"].items()},
    )
    job = await here.desk.submit(request, by="ann")
    async for _ in here.desk.follow(job.id):
        here.clock.advance(0.7)


async def _main(
    *, head: float = 10.0, story: bool = False, still: bool = False, certificate: str = "", **access: object
) -> None:
    here = asked(
        clock=Ticking(1.7632e9), **({"certificate": certificate, "key": certificate} if certificate else {}), **access
    )
    if story:
        await _story(here)
    here.desk.still = still

    def ready(url: str) -> None:
        sys.stdout.write(f"{url}\n{here.words['ann']}\n")

    where = Listening(host="127.0.0.1", port=0, head=head, certificate=certificate, key=certificate)
    await served(here.app, where, here.app.state.house.stopping.set, ready)


if __name__ == "__main__":
    anyio.run(lambda: _main(**json.loads(sys.argv[1])))
