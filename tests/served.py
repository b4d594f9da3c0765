"""`shipways serve` as users run it: a process of its own, asked by HTTP; and the trees that it is asked to bring."""

import json
import os
import shutil
import signal
import subprocess
import textwrap
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

import httpx

from machines import Machine
from serving import serving
from sshhosts import Fleet
from support import free_port

PROGRAM = """
import http.server, json, os, pathlib, sys, threading, time

HERE = pathlib.Path(__file__).parent
VERSION, BEHAVIOUR = (HERE / "version").read_text(), (HERE / "behaviour").read_text()
if BEHAVIOUR.endswith(" there"):
    BEHAVIOUR = BEHAVIOUR.removesuffix(" there") if os.environ.get("SICK") else "well"
BEGAN = time.monotonic()

class Answer(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        code, body = 200, {"status": "healthy", "version": VERSION, "release": os.environ["SHIPWAYS_RELEASE"]}
        if self.path == "/health":
            if BEHAVIOUR == "wrong status": code = 503
            if BEHAVIOUR == "wrong body": body["status"] = "broken"
            if BEHAVIOUR == "wrong version": body["release"] = "another"
            if BEHAVIOUR == "elsewhere": code = 302
            if BEHAVIOUR == "hangs": time.sleep(600)
            if BEHAVIOUR == "flaps" and int((time.monotonic() - BEGAN) * 10) % 2: code = 500
            if BEHAVIOUR == "endless":
                self.send_response(200); self.send_header("Transfer-Encoding", "chunked"); self.end_headers()
                while True: self.wfile.write(b"1\\r\\nx\\r\\n"); time.sleep(0.05)
        sent = json.dumps(body).encode()
        self.send_response(code); self.send_header("Content-Length", str(len(sent)))
        if code == 302: self.send_header("Location", "/elsewhere")
        self.end_headers(); self.wfile.write(sent)
    def log_message(self, *words): pass

if BEHAVIOUR == "ends at once": sys.exit("it ends at once")
if BEHAVIOUR == "floods": [print("x" * 9999) for _ in range(10_000)]
if BEHAVIOUR.startswith("after "): time.sleep(float(BEHAVIOUR.split()[1]))
server = http.server.ThreadingHTTPServer((os.environ.get("HOST", "127.0.0.1"), int(os.environ["PORT"])), Answer)
if BEHAVIOUR == "ends soon": threading.Timer(2, lambda: os._exit(3)).start()
server.serve_forever()
"""
BASE = """
FROM bare:1
RUN python3 -c 'import http.server, json, pathlib, threading'
ENV HOST=0.0.0.0
CMD ["python3", "/app/main.py"]
"""
"""An image with a Python that has compiled what the services import; what is built on it is as little as can be."""
_PYTHON = 'printf "%s" "$0" | docker build --quiet --tag python:1 --tag well:1 -'
_BUILDS = {"builds": "sleep 1", "hangs in its build": "sleep 4711", "does not build there": '[ -z "$SICK" ]'}
"""What is done to build those that are built by more than nothing."""
_LARGE = 110_000_000


def imported(host: Machine, layer: Path, image: str) -> None:
    """The engine of a host has an image of this layer."""
    host.docker.docker("cp", str(layer), f"{host.name}:/root/layer.tar.gz")
    host.out("docker", "import", "/root/layer.tar.gz", image)


def based(host: Machine, layer: Path) -> None:
    """It has what trees are built upon, of a layer with Python: `python:1`, which stays as it was as `well:1`."""
    imported(host, layer, "bare:1")
    host.out("sh", "-c", _PYTHON, BASE)


class Shop(NamedTuple):
    """A service: its name, how it is kept running, and its public port."""

    name: str
    method: str
    port: int


SHOPS = {"docker": Shop("shop-docker", "docker", 8082), "systemd": Shop("shop-systemd", "systemd", 8083)}
LATE = {"docker": Shop("late-docker", "docker", 8084), "systemd": Shop("late-systemd", "systemd", 8085)}
"""Those that did not run before."""


class Pace(NamedTuple):
    """What the config says of time, and how many hosts at once."""

    timeout: str = "10m"
    wait: str = "30s"
    drain: str = "30s"
    watch: str = "0s"
    batch: int = 2


HASTY = Pace(wait="3s", drain="1500ms", watch="10s")
"""For releases that are waited for in vain: a twentieth, but a tenth where half of that is what a question may take on
a slow machine. What goes well in the end has the true times."""


def tree(folder: Path, version: str, behaviour: str = "well") -> Path:
    """A service that answers with its version, or does what services should not; for both methods.

    One that `builds` takes a while for it; a behaviour that ends with "there" is that of hosts that are sick.
    """
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    build = _BUILDS.get(behaviour, "")
    texts = {
        "main.py": PROGRAM,
        "Dockerfile": "FROM python:1\nCOPY . /app\n" + (f"RUN {build}\n" if build else ""),
        "Procfile": "web: python main.py\n" + (f"build: {build}\n" if build else ""),
        "requirements.txt": "# nothing\n",
        "version": version,
        "behaviour": behaviour,
    }
    for name, text in texts.items():
        (folder / name).write_text(text)
    (folder / "ballast").write_bytes(version.encode() * 200_000)  # so that a transfer takes a moment
    if behaviour == "is too large":
        os.truncate(folder / "ballast", _LARGE)
    return folder


@dataclass
class Deployer:
    """The service; it is started and killed as often as somebody likes, and its folder stays."""

    folder: Path
    fleet: Fleet
    tender: Path
    hosts: tuple[str, ...]
    pace: Pace
    port: int = field(default_factory=free_port)
    process: "subprocess.Popen[bytes] | None" = None
    client: httpx.Client = field(init=False)

    def __post_init__(self) -> None:
        (self.folder / "trees").mkdir(parents=True)
        shutil.copy(self.tender, self.folder / "tender")
        services = "".join(
            f'[serve.service.{shop.name}]\nmembers = {{ status = "healthy" }}\nrelease = "release"\n'
            for shop in (*SHOPS.values(), *LATE.values())
        )
        text = f"""
            [project]
            name = "ground"
            [serve]
            listen = "127.0.0.1:{self.port}"
            state = "{self.folder / "state"}"
            sources = ["{self.folder / "trees"}"]
            hosts = [{", ".join(f'"root@{address}"' for address in self.hosts)}]
            timeout = "{self.pace.timeout}"
            wait = "{self.pace.wait}"
            watch = "{self.pace.watch}"
            [serve.ssh]
            tender = "tender"
            key = "{self.fleet.key}"
            known_hosts = "{self.fleet.known}"
            root = "/opt/services"
            batch = {self.pace.batch}
            drain = "{self.pace.drain}"
            [serve.kept]
            quota = "100 MB"
            [serve.access]
            loopback = true
            rate = 1000000
            """
        (self.folder / "shipways.toml").write_text(textwrap.dedent(text) + services)

    def start(self) -> None:
        """Until it answers."""
        # Shorter than the service keeps a connection, so that it is not lost to a request.
        limits = httpx.Limits(keepalive_expiry=1)
        url = f"http://127.0.0.1:{self.port}"
        self.process = serving(self.folder, url)
        self.client = httpx.Client(base_url=url, trust_env=False, timeout=30, limits=limits)

    def end(self, how: signal.Signals = signal.SIGTERM) -> int:
        """Its exit status."""
        assert self.process
        self.client.close()
        self.process.send_signal(how)
        return self.process.wait(60)

    def submit(self, source: Path, shop: Shop, **more: object) -> str:
        """The id of the job."""
        asked = {
            "service_path": str(source),
            "service_name": shop.name,
            "droplet_id": 7,
            "service_port": shop.port,
            "deployment_method": shop.method,
            "environment_vars": {},
            "auto_register": False,
        }
        answer = self.client.post("/deploy", json=asked | more)
        assert 202 == answer.status_code, answer.text
        return str(answer.json()["deploy_job_id"])

    def cancel(self, id: str) -> None:  # noqa: A002 - the word of the API
        """A job that may have ended by then."""
        assert 200 == self.client.post(f"/deploy/{id}/cancel").status_code

    def job(self, id: str) -> Mapping[str, Any]:  # noqa: A002 - the word of the API
        """How it stands."""
        answer = self.client.get(f"/deploy/{id}")
        assert 200 == answer.status_code, answer.text
        found: Mapping[str, Any] = answer.json()
        return found

    def services(self, shop: Shop) -> list[Mapping[str, Any]]:
        """What it says that runs of a service, host by host."""
        answer = self.client.get("/services")
        assert 200 == answer.status_code, answer.text
        return [each for each in answer.json() if each["service_name"] == shop.name]

    def reached(self, id: str, phase: str, seconds: float = 600) -> bool:  # noqa: A002 - the word of the API
        """Wait until a phase runs; whether it was seen to."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            job = self.job(id)
            statuses = {each["phase"]: each["status"] for each in job["phases"]}
            if statuses[phase] == "running":
                return True
            if statuses[phase] != "pending" or job["status"] in {"completed", "failed"}:
                return False
            time.sleep(0.02)
        raise AssertionError(f"{phase} did not come: {job}")

    def ended(self, id: str, seconds: float = 1200) -> Mapping[str, Any]:  # noqa: A002 - the word of the API
        """The job at its end."""
        end = time.monotonic() + seconds
        while (job := self.job(id))["status"] not in {"completed", "failed"}:
            assert time.monotonic() < end, json.dumps(job, indent=1)
            time.sleep(0.1)
        return job
