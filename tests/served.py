"""`shipways serve` as users run it: a process of its own, asked by HTTP; and the trees that it is asked to bring."""

import json
import shutil
import signal
import subprocess
import textwrap
import time
from dataclasses import dataclass, field
from pathlib import Path

import httpx

from serving import serving
from sshhosts import Fleet
from support import free_port

PROGRAM = """
import http.server, json, os, pathlib, sys, time

HERE = pathlib.Path(__file__).parent
VERSION, BEHAVIOUR = (HERE / "version").read_text(), (HERE / "behaviour").read_text()
BEGAN = time.monotonic()

class Answer(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        code, body = 200, {"status": "healthy", "version": VERSION, "note": os.environ.get("NOTE", "")}
        if self.path == "/health" and BEHAVIOUR != "well":
            if BEHAVIOUR == "wrong status": code = 503
            if BEHAVIOUR == "wrong body": body = {"status": "broken"}
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
if BEHAVIOUR == "comes late": time.sleep(600)
server = http.server.ThreadingHTTPServer((os.environ.get("HOST", "127.0.0.1"), int(os.environ["PORT"])), Answer)
if BEHAVIOUR == "ends soon":
    import threading
    threading.Timer(0.4, lambda: os._exit(3)).start()
server.serve_forever()
"""
DOCKERFILE = 'FROM python:1\nCOPY . /app\nENV HOST=0.0.0.0 PORT=8000\nEXPOSE 8000\nCMD ["python3", "/app/main.py"]\n'
PORTS = {"docker": 8082, "systemd": 8083}


def name(method: str) -> str:
    """Of the service that is brought by a method."""
    return f"shop-{method}"


def tree(folder: Path, version: str, behaviour: str = "well") -> Path:
    """A service that answers with its version, or does what services should not; for both methods."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    texts = {"main.py": PROGRAM, "Dockerfile": DOCKERFILE, "Procfile": "web: python main.py\n", "requirements.txt": ""}
    for name, text in (texts | {"version": version, "behaviour": behaviour}).items():
        (folder / name).write_text(text)
    (folder / "ballast").write_bytes(version.encode() * 200_000)  # so that a transfer takes a moment
    return folder


@dataclass
class Deployer:
    """The service; it is started and killed as often as somebody likes, and its folder stays."""

    folder: Path
    fleet: Fleet
    tender: Path
    port: int = field(default_factory=free_port)
    process: "subprocess.Popen[bytes] | None" = None

    def __post_init__(self) -> None:
        (self.folder / "trees").mkdir(parents=True)
        shutil.copy(self.tender, self.folder / "tender")
        hosts = ", ".join(f'"root@{address}"' for address in self.fleet.hosts)
        text = f"""
            [project]
            name = "ground"
            [serve]
            listen = "127.0.0.1:{self.port}"
            state = "{self.folder / "state"}"
            sources = ["{self.folder / "trees"}"]
            hosts = [{hosts}]
            timeout = "60s"
            wait = "3s"
            [serve.ssh]
            tender = "tender"
            key = "{self.fleet.key}"
            known_hosts = "{self.fleet.known}"
            root = "/opt/services"
            batch = 2
            [serve.access]
            loopback = true
            rate = 1000000
            [serve.service.{name("docker")}]
            members = {{ status = "healthy" }}
            [serve.service.{name("systemd")}]
            members = {{ status = "healthy" }}
            """
        (self.folder / "shipways.toml").write_text(textwrap.dedent(text))

    @property
    def url(self) -> str:
        """Of the API."""
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> None:
        """Until it answers."""
        self.process = serving(self.folder, self.url)

    def end(self, how: signal.Signals = signal.SIGTERM) -> int:
        """Its exit status."""
        assert self.process
        self.process.send_signal(how)
        return self.process.wait(30)

    def submit(self, source: Path, method: str, **more: object) -> str:
        """The id of the job."""
        asked = {
            "service_path": str(source),
            "service_name": name(method),
            "droplet_id": 7,
            "service_port": PORTS[method],
            "deployment_method": method,
            "environment_vars": {},
            "auto_register": False,
        }
        answer = httpx.post(f"{self.url}/deploy", json=asked | more, trust_env=False, timeout=30)
        assert 202 == answer.status_code, answer.text
        return str(answer.json()["deploy_job_id"])

    def job(self, id: str) -> dict[str, object]:  # noqa: A002 - the word of the API
        """How it stands."""
        answer = httpx.get(f"{self.url}/deploy/{id}", trust_env=False, timeout=30)
        assert 200 == answer.status_code, answer.text
        found: dict[str, object] = answer.json()
        return found

    def reached(self, id: str, phase: str, seconds: float = 60) -> bool:  # noqa: A002 - the word of the API
        """Wait until a phase runs; whether it was seen to."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            job = self.job(id)
            statuses = {each["phase"]: each["status"] for each in job["phases"]}  # type: ignore[attr-defined]
            if statuses[phase] == "running":
                return True
            if statuses[phase] != "pending" or job["status"] in {"completed", "failed"}:
                return False
            time.sleep(0.005)
        raise AssertionError(f"{phase} did not come: {job}")

    def ended(self, id: str, seconds: float = 120) -> dict[str, object]:  # noqa: A002 - the word of the API
        """The job at its end."""
        end = time.monotonic() + seconds
        while (job := self.job(id))["status"] not in {"completed", "failed"}:
            assert time.monotonic() < end, json.dumps(job, indent=1)
            time.sleep(0.05)
        return job
