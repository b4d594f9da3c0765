"""`shipways serve` beside one host of its own, and its API as the benches ask it."""

import contextlib
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import httpx

from composing import TENDER, go_program
from engines import tiny
from limits import Limit
from machines import Machine
from served import based
from services import kept
from shipways.rehearse.registrar import ENTRY, ServiceRegistry
from shipways.rehearse.serving import served
from sshhosts import Fleet, fleet
from support import free_port

HOST: Final = "a container with systemd as PID 1, sshd, Python and a Docker Engine, by a pair of devices of its own"
ROOT: Final = "/opt/services"
_ENDED: Final = frozenset({"completed", "failed"})
_TICKS: Final = os.sysconf("SC_CLK_TCK")
_ALL: Final = Limit()
_CONFIG: Final = """
[project]
name = "bench"
[serve]
listen = "127.0.0.1:{port}"
state = "{folder}/state"
sources = ["{folder}/trees"]
hosts = [{hosts}]
timeout = "30m"
wait = "10m"
concurrent = {concurrent}
ssh = {{ tender = "tender", key = "{key}", known_hosts = "{known}", root = "{root}" }}
access = {{ loopback = true, rate = 1000000 }}
registry = {{ url = "{registry}", entry = "{entry}" }}
"""


@dataclass
class Dock:
    """The service, which may be ended and started as often as one likes."""

    folder: Path
    host: Machine
    address: str
    port: int
    limit: Limit
    process: "subprocess.Popen[bytes] | None" = None
    client: httpx.Client = field(init=False)

    def start(self) -> None:
        """Until it answers."""
        with (self.folder / "log").open("ab") as log:
            argv = (sys.executable, "-m", "shipways", "serve")
            self.process = subprocess.Popen(argv, cwd=self.folder, stdout=log, stderr=log)
            self.limit.take(self.process.pid)
        self.client = httpx.Client(base_url=f"http://127.0.0.1:{self.port}", trust_env=False, timeout=120)
        end = time.monotonic() + 60
        while not self._lives():
            assert self.process.poll() is None, (self.folder / "log").read_text()
            assert time.monotonic() < end
            time.sleep(0.05)

    def end(self, how: signal.Signals = signal.SIGTERM) -> None:
        """Wait for it."""
        assert self.process
        self.client.close()
        self.process.send_signal(how)
        self.process.wait(60)

    def tree(self, name: str) -> Path:
        """The folder of the tree of a service, empty."""
        made = self.folder / "trees" / name
        made.mkdir(parents=True)
        return made

    def submit(self, tree: Path, method: str, port: int) -> str:
        """The id of the job that brings a tree; the service is called as its folder."""
        asked = {
            "service_path": str(tree),
            "service_name": tree.name,
            "droplet_id": port,
            "service_port": port,
            "deployment_method": method,
            "environment_vars": {},
        }
        answer = self.client.post("/deploy", json=asked)
        assert 202 == answer.status_code, answer.text
        return str(answer.json()["deploy_job_id"])

    def ended(self, job: str) -> Mapping[str, Any]:
        """A job, once it has ended well."""
        return self._ended(job, "completed")

    def refused(self, job: str) -> Mapping[str, Any]:
        """A job, once it has failed."""
        return self._ended(job, "failed")

    def building(self, job: str) -> None:
        """Wait until its Build is under way."""
        while not any("Build" == each["phase"] and "running" == each["status"] for each in self.job(job)["phases"]):
            time.sleep(0.02)

    def rollback(self, job: str) -> None:
        """Return to what ran before it."""
        answer = self.client.post(f"/deploy/{job}/rollback")
        assert "completed" == answer.json()["status"], answer.text

    def job(self, job: str) -> Mapping[str, Any]:
        """As it stands."""
        found: Mapping[str, Any] = self.client.get(f"/deploy/{job}").json()
        return found

    def jobs(self) -> list[Mapping[str, Any]]:
        """The newest hundred."""
        found: list[Mapping[str, Any]] = self.client.get("/deploy", params={"limit": 100}).json()
        return found

    def memory(self, name: str) -> float:
        """Megabytes, by the name that the kernel has for them."""
        status = Path(f"/proc/{self._pid}/status").read_text()
        return int(re.findall(rf"{name}:\s+(\d+) kB", status)[0]) * 1024 / 1e6

    @property
    def cpu(self) -> float:
        """Seconds of processors that it has taken."""
        fields = Path(f"/proc/{self._pid}/stat").read_text().rpartition(")")[2].split()
        return sum(map(int, fields[11:13])) / _TICKS

    @property
    def _pid(self) -> int:
        assert self.process
        return self.process.pid

    def _ended(self, job: str, status: str) -> Mapping[str, Any]:
        while (found := self.job(job))["status"] not in _ENDED:
            time.sleep(0.02)
        assert status == found["status"], found
        return found

    def _lives(self) -> bool:
        try:
            return self.client.get("/livez").status_code == 200
        except httpx.TransportError:
            return False


@contextlib.contextmanager
def dock(folder: Path, concurrent: int = 4, limit: Limit = _ALL) -> Iterator[Dock]:
    """It answers, nothing was brought to its host yet, and the engine there has Python as an image."""
    go_program(TENDER, folder / "tender")
    with fleet(folder, kept(), 1, docker=True, python=True) as ships, served(ServiceRegistry().app) as url:
        ((address, host),) = ships.hosts.items()
        (folder / "python.tar.gz").write_bytes(tiny(kept(), "amd64", "python3").layers[0])
        based(host, folder / "python.tar.gz")
        made = Dock(folder, host, address, free_port(), limit)
        (folder / "shipways.toml").write_text(_config(made, ships, url, concurrent))
        made.start()
        try:
            yield made
        finally:
            made.end()


def _config(made: Dock, ships: Fleet, registry: str, concurrent: int) -> str:
    hosts = ", ".join(f'"root@{each}"' for each in ships.hosts)
    around = {"registry": registry, "entry": ENTRY, "concurrent": concurrent, "root": ROOT, "folder": made.folder}
    return _CONFIG.format(port=made.port, hosts=hosts, key=ships.key, known=ships.known, **around)


def received(host: Machine) -> int:
    """How many bytes have come to a host."""
    return int(host.out("cat", "/sys/class/net/eth0/statistics/rx_bytes"))


def held(host: Machine, root: str) -> bool:
    """Whether somebody holds a lock below there: its file says who then."""
    return host.run("sh", "-c", f"find {root} -maxdepth 2 -name lock -size +0 | grep -q .").code == 0


def free(host: Machine, root: str) -> None:
    """Until every lock below there is."""
    lock = f"{root}/bin/tender lock --file {{}} --holder bench --wait 60s"
    host.out("sh", "-c", f"find {root} -maxdepth 2 -name lock -exec {lock} \\; </dev/null")
