"""Source trees of services that tell which version they are, and hosts that they are brought to by requests."""

import contextlib
import io
import json
import threading
import urllib.request
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import anyio

from machines import Machine
from shipways.adapters.shell import OsClock
from shipways.config.serve import Serve
from shipways.deploy.requested import TreeBringer
from shipways.doors import bringer, site
from shipways.errors import ShipwaysError
from shipways.model.event import Printed
from shipways.model.job import JobRequest, Method
from shipways.model.outcome import Outcome
from shipways.outside.jobs import Requested
from shipways.rehearse.registrar import ServiceRegistry
from shipways.run.deploying import Crew, deploy, failure
from shipways.run.returning import rollbacks
from shipways.testing.console import RecordingConsole
from shipways.testing.doors import closed
from sshhosts import Fleet

PORTS = {Method.DOCKER: 8123, Method.SYSTEMD: 8124}
ENTRY = "/droplets/{droplet_id}"
SERVER = """
import http.server, json, os
import hello

class Answers(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    def do_GET(self):
        told = {"status": STATUS, "version": VERSION, "hello": hello.WORD, "release": os.environ["SHIPWAYS_RELEASE"]}
        name = {"/value": "VALUE"}.get(self.path, self.path[1:])
        body = json.dumps(told).encode() if name == "health" else os.environb.get(name.encode(), b"")
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
    def log_message(self, *words):
        pass

VERSION = {version!r}
STATUS = {status!r}
http.server.ThreadingHTTPServer(("127.0.0.1", int(os.environ["PORT"])), Answers).serve_forever()
"""
DOCKERFILE = """
FROM tiny:1
COPY serve.sh /serve.sh
RUN {run}
EXPOSE 8000
CMD ["sh", "/serve.sh"]
"""
SCRIPT = """
mkdir /www
printf '%s' "$VALUE" >/www/value
for name in VALUE PATH DOCKER_HOST LD_AUDIT PEM; do eval "printf '%s' \\"\\$$name\\"" >/www/$name; done
printf '{{"status": "%s", "version": "%s", "release": "%s"}}' {status} {version} "$SHIPWAYS_RELEASE" >/www/health
exec httpd -f -p "$PORT" -h /www
"""


@dataclass(frozen=True)
class Ground:
    """A tree, hosts, a registry, and who brings the one to the others."""

    folder: Path
    fleet: Fleet
    registry: ServiceRegistry
    bringer: TreeBringer
    method: Method

    @property
    def machine(self) -> Machine:
        """The first host from inside."""
        return next(iter(self.fleet.hosts.values()))

    @property
    def name(self) -> str:
        """Of the service."""
        return f"web-{self.method}"

    @property
    def source(self) -> Path:
        """The tree."""
        return self.folder / "sources" / self.name

    def request(self, **changed: object) -> JobRequest:
        """Bring the tree."""
        made = JobRequest(
            service_path=str(self.source),
            service_name=self.name,
            droplet_id=24,
            service_port=self.port,
            method=self.method,
        )
        return replace(made, **changed)  # type: ignore[arg-type]

    def write(self, version: str, status: str = "ok", build: str = "true") -> None:
        """What is in the tree from now on."""
        self.source.mkdir(parents=True, exist_ok=True)
        if self.method is Method.DOCKER:
            (self.source / "Dockerfile").write_text(DOCKERFILE.format(run=build))
            (self.source / "serve.sh").write_text(SCRIPT.format(version=version, status=status))
            return
        (self.source / "wheels").mkdir(exist_ok=True)
        (self.source / "wheels/hello-1.0-py3-none-any.whl").write_bytes(_wheel())
        (self.source / "requirements.txt").write_text("--no-index\n--find-links wheels\nhello==1.0\n")
        (self.source / "Procfile").write_text(f"build: {build}\nweb: python main.py\n")
        text = SERVER.replace("{version!r}", repr(version)).replace("{status!r}", repr(status))
        (self.source / "main.py").write_text(text)

    def deploy(self, **changed: object) -> tuple[Outcome, RecordingConsole, Requested]:
        """Validation and all items, as a job does it. Raises what validation does."""
        return anyio.run(self._deployed, self.request(**changed))

    def rollback(self) -> Outcome:
        """To what ran before, without the tree."""
        return anyio.run(self._returned)

    @property
    def port(self) -> int:
        """The public one."""
        return PORTS[self.method]

    @property
    def host(self) -> str:
        """The address of the first host."""
        return next(iter(self.fleet.hosts))

    def told(self) -> list[tuple[str, str]]:
        """What the registry has heard: of which release, and why."""
        return [(each["version"], each["event"]) for each in self.registry.events]

    def releases(self) -> list[str]:
        """The ids of those that lie on the host."""
        return sorted(self.machine.out("ls", f"/opt/shipways/{self.name}/releases").split())

    def images(self) -> str:
        """Of the service."""
        return self.machine.out(
            "docker", "images", "--format", "{{.Repository}}:{{.Tag}} {{.ID}}", f"web-{self.method}"
        )

    def progress(self, console: RecordingConsole) -> list[str]:
        """What was said of the transfer."""
        steps = (event for event in console.events if isinstance(event, Printed))
        return [event.text for event in steps if event.step.endswith("/transfer")]

    @contextlib.contextmanager
    def asking(self) -> Iterator[list[str]]:
        """Somebody who asks the public port all the time; what was wrong with the answers."""
        wrong: list[str] = []
        done = threading.Event()

        def ask() -> None:
            while not done.wait(0.01):
                try:
                    self.get()
                except (OSError, ValueError) as error:
                    wrong.append(repr(error))

        thread = threading.Thread(target=ask)
        thread.start()
        try:
            yield wrong
        finally:
            done.set()
            thread.join()

    def get(self) -> dict[str, str]:
        """What the public port answers to who asks for its health, from outside."""
        found: dict[str, str] = json.loads(self.read("/health"))
        return found

    def read(self, path: str) -> str:
        """What it answers."""
        with urllib.request.urlopen(f"http://{self.host}:{self.port}{path}", timeout=5) as answer:
            return str(answer.read().decode())

    async def _deployed(self, request: JobRequest) -> tuple[Outcome, RecordingConsole, Requested]:
        console = RecordingConsole()
        doors = site(self.folder, self.folder, _Shell(), OsClock(), closed)
        async with contextlib.aclosing(doors.hosts):
            if problems := self.bringer.problems(request):
                raise ShipwaysError(*problems)
            found = await self.bringer.requested(request, console)
            if problems := await found.deployer.preflight(doors):
                raise ShipwaysError(*problems)
            outcome = await deploy(found.deployer, found.items, Crew(site=doors, console=console, clock=OsClock()))
        return outcome, console, found

    async def _returned(self) -> Outcome:
        console = RecordingConsole()
        doors = site(self.folder, self.folder, _Shell(), OsClock(), closed)
        async with contextlib.aclosing(doors.hosts):
            found = self.bringer.standing(self.request(), console)
            items = found.deployer.items()
            if problems := await found.deployer.preflight(doors):
                raise ShipwaysError(*problems)
            items = rollbacks(items, await found.deployer.observe(doors, items))
            return await deploy(found.deployer, items, Crew(site=doors, console=console, clock=OsClock()))


def serve(folder: Path, fleet: Fleet, registry: str) -> Serve:
    """The table of these hosts."""
    return Serve.model_validate(
        {
            "sources": (str(folder / "sources"),),
            "hosts": tuple(fleet.hosts),
            "state": str(folder / "state"),
            "wait": "8s",
            "ssh": {"tender": "bin/tender", "key": str(fleet.key), "known_hosts": str(fleet.known)},
            "registry": {"url": registry, "entry": ENTRY, "wait": "2s"},
            "service": {
                name: {"members": {"status": "ok"}, "release": "release"} for name in ("web-docker", "web-systemd")
            },
        }
    )


def ground(folder: Path, fleet: Fleet, registry: tuple[ServiceRegistry, str], method: Method) -> Ground:
    """For one method."""
    state, url = registry
    return Ground(folder, fleet, state, bringer(serve(folder, fleet, url), OsClock()), method)


def problems_of(outcome: Outcome) -> str:
    """What went wrong, in words."""
    return str(failure(outcome) or "")


class _Shell:
    def env(self) -> dict[str, str]:
        return {"USER": "ada"}

    def cwd(self) -> Path:
        return Path.cwd()

    def find(self, program: str) -> tuple[Path, ...]:
        return ()


def _wheel() -> bytes:
    """A library, as a wheel."""
    texts = {
        "hello.py": "WORD = 'hello'\n",
        "hello-1.0.dist-info/METADATA": "Metadata-Version: 2.1\nName: hello\nVersion: 1.0\n",
        "hello-1.0.dist-info/WHEEL": "Wheel-Version: 1.0\nGenerator: x\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    record = "".join(f"{name},,\n" for name in (*texts, "hello-1.0.dist-info/RECORD"))
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as archive:
        for name, text in {**texts, "hello-1.0.dist-info/RECORD": record}.items():
            archive.writestr(zipfile.ZipInfo(name, (2020, 1, 1, 0, 0, 0)), text)
    return made.getvalue()
