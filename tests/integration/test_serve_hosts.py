"""`shipways serve` and two real hosts: what its API says of them, and what it does there."""

import contextlib
import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest

import shipways
from composing import TENDER, go_program
from machines import Machine
from shipways.rehearse.registrar import ServiceRegistry
from shipways.rehearse.serving import served
from sshhosts import Fleet, fleet
from support import free_port

pytestmark = [pytest.mark.integration, pytest.mark.long]
CONFIG = """
[project]
name = "ground"
[serve]
listen = "127.0.0.1:{port}"
state = "{folder}/state"
sources = ["{folder}/trees"]
hosts = [{hosts}]
[serve.ssh]
tender = "tender"
key = "{key}"
known_hosts = "{known}"
[serve.registry]
url = "{registry}"
entry = "/droplets/{{droplet_id}}"
wait = "2s"
[serve.kept]
quota = "100 MB"
[serve.access]
loopback = true
[serve.service.web]
health = "/version"
"""
PROGRAM = """
import functools, http.server, os
handler = functools.partial(http.server.SimpleHTTPRequestHandler, directory="public")
http.server.ThreadingHTTPServer(("127.0.0.1", int(os.environ["PORT"])), handler).serve_forever()
"""
PUBLIC = 8086


@dataclass(frozen=True)
class Ground:
    """The service while it runs, and its hosts."""

    folder: Path
    fleet: Fleet
    http: httpx.Client
    registry: contextlib.ExitStack

    @property
    def hosts(self) -> tuple[tuple[str, Machine], ...]:
        """By their addresses."""
        return tuple(self.fleet.hosts.items())

    def submit(self, version: str, build: str = "true", size: int = 0) -> str:
        """The id of the job that brings a tree of this version, with a file of so many bytes besides."""
        tree = self.folder / "trees" / version
        (tree / "public").mkdir(parents=True)
        texts = {
            "main.py": PROGRAM,
            "requirements.txt": "# none\n",
            "Procfile": f"build: {build}\nweb: python main.py\n",
        }
        for name, text in (texts | {"public/version": f"this is {version}\0\n"}).items():
            (tree / name).write_text(text)
        (tree / "ballast").touch()
        os.truncate(tree / "ballast", size)
        asked = {"service_path": str(tree), "service_name": "web", "droplet_id": 7, "service_port": PUBLIC}
        answer = self.http.post("/deploy", json=asked | {"deployment_method": "systemd", "environment_vars": {}})
        assert 202 == answer.status_code, answer.text
        return str(answer.json()["deploy_job_id"])

    def ended(self, id: str) -> dict[str, Any]:  # noqa: A002 - the word of the API
        """The job, at its end."""
        for each in self.events(id):
            if each["event"] == "end":
                return dict(json.loads(each["data"]))
        raise AssertionError(id)

    def events(self, id: str) -> Iterator[dict[str, str]]:  # noqa: A002 - likewise
        """What happens in a job, as it does."""
        with self.http.stream("GET", f"/deploy/{id}/events", timeout=300) as answer:
            told: dict[str, str] = {}
            for line in answer.iter_lines():
                key, _, value = line.partition(": ")
                if line:
                    told[key] = value
                elif told.get("event"):
                    yield told
                    told = {}

    def serves(self) -> list[bytes]:
        """What each host answers."""
        return [httpx.get(f"http://{address}:{PUBLIC}/version", trust_env=False).content for address, _ in self.hosts]

    def releases(self) -> list[str]:
        """What lies on each host, and which of it serves."""
        return [
            host.out("sh", "-c", "ls -l --time-style=+ /opt/shipways/web /opt/shipways/web/releases")
            for _, host in self.hosts
        ]

    def health(self, status: int) -> dict[str, str]:
        """What it says of itself as soon as it answers with this status."""
        end = time.monotonic() + 90
        while (answer := self.http.get("/health")).status_code != status:
            assert time.monotonic() < end, answer.text
            time.sleep(0.2)
        return dict(answer.json())


@pytest.fixture(scope="module")
def ground(tmp_path_factory: pytest.TempPathFactory, pytestconfig: pytest.Config) -> Iterator[Ground]:
    folder, port = tmp_path_factory.mktemp("desk"), free_port()
    kept = pytestconfig.cache.mkdir("images") if pytestconfig.cache else folder
    (folder / "trees").mkdir()
    go_program(TENDER, folder / "tender")
    with contextlib.ExitStack() as registry, fleet(folder, kept, 2, docker=True, python=True) as ships:
        url = registry.enter_context(served(ServiceRegistry().app))
        hosts = ", ".join(f'"root@{address}"' for address in ships.hosts)
        words = {"port": port, "folder": folder, "hosts": hosts, "key": ships.key, "known": ships.known}
        (folder / "shipways.toml").write_text(CONFIG.format(**words, registry=url))
        env = os.environ | {"PYTHONPATH": str(Path(shipways.__file__).parent.parent)}
        with (
            (folder / "log").open("wb") as log,
            subprocess.Popen(
                (sys.executable, "-m", "shipways", "serve"), cwd=folder, env=env, stdout=log, stderr=log
            ) as process,
            httpx.Client(base_url=f"http://127.0.0.1:{port}", trust_env=False, timeout=150) as http,
        ):
            try:
                end = time.monotonic() + 60
                while not _lives(http):
                    assert process.poll() is None, (folder / "log").read_text()
                    assert time.monotonic() < end
                    time.sleep(0.1)
                yield Ground(folder, ships, http, registry)
            finally:
                process.terminate()
                process.wait(60)


def _lives(http: httpx.Client) -> bool:
    with contextlib.suppress(httpx.TransportError):
        return http.get("/livez").status_code == 200
    return False


def test_rollback(ground: Ground) -> None:
    """S2-04: 409 after the first deployment; after the second what ran before serves again, by its bytes; else 404."""
    first = ground.ended(ground.submit("one"))
    assert "completed" == first["status"], first
    assert 404 == ground.http.post("/deploy/none/rollback").status_code
    refused = ground.http.post(f"/deploy/{first['deploy_job_id']}/rollback")
    assert (409, True) == (refused.status_code, "has nothing to return to" in refused.text)
    before, there = ground.serves(), ground.releases()
    assert [b"this is one\0\n"] * 2 == before
    second = ground.ended(ground.submit("two"))
    assert ("completed", [b"this is two\0\n"] * 2) == (second["status"], ground.serves()), second
    back = ground.http.post(f"/deploy/{second['deploy_job_id']}/rollback")
    assert (200, before) == (back.status_code, ground.serves()), back.text
    links = [text.partition(" -> ")[2].split()[0] for text in ground.releases()]
    assert links == [text.partition(" -> ")[2].split()[0] for text in there]


def test_a_build_is_told_while_it_runs(ground: Ground) -> None:
    """What a build prints on a host is in the news of the job before it has ended: it waits for whoever reads it."""
    job = ground.submit("three", build="echo about to wait; until [ -e ../go ]; do sleep 0.1; done; echo gone on")
    heard, waiting = list[str](), {address for address, _ in ground.hosts}
    for each in ground.events(job):
        heard.append(each["data"])
        for address, host in ground.hosts:
            if address in waiting and f"{address}: about to wait" in each["data"]:
                waiting.discard(address)
                host.out(
                    "sh", "-c", "touch /opt/shipways/web/releases/$(ls -t /opt/shipways/web/releases | head -1)/go"
                )
    assert "completed" == json.loads(heard[-1])["status"], heard[-1]
    assert all(any(f"{address}: gone on" in each for each in heard) for address, _ in ground.hosts)


def test_a_tree_that_is_too_large(ground: Ground) -> None:
    """S2-19: F9: a tree that the quota has no room for is refused in the validation, and no host has changed."""
    before = ground.releases()
    job = ground.ended(ground.submit("four", size=110_000_000))
    assert "failed" == job["status"]
    phases = {each["phase"]: each for each in job["phases"]}
    assert "failed" == phases["Validation"]["status"]
    assert "110 MB are needed, and the quota of 100 MB has" in phases["Validation"]["error"]
    assert ("pending", before) == (phases["Transfer"]["status"], ground.releases())


def test_health(ground: Ground) -> None:
    """S2-06: a host whose sshd has ended, then a registry that has: 500, and which of the two it is; else 200."""
    well = {"status": "healthy", "ssh_status": "connected", "registry_status": "reachable"}
    assert well == ground.health(200)
    address, host = ground.hosts[1]
    host.run("sh", "-c", "systemctl stop ssh; pkill -KILL -x sshd")
    sick = ground.health(500)
    assert ("unhealthy", "reachable") == (sick["status"], sick["registry_status"])
    assert address in sick["ssh_status"]
    host.out("systemctl", "start", "ssh")
    assert well == ground.health(200)
    ground.registry.close()
    sick = ground.health(500)
    assert ("unhealthy", "connected") == (sick["status"], sick["ssh_status"])
    assert sick["registry_status"] not in {"reachable", ""}
