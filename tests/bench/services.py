"""What services of the test projects cost: until they are healthy, until they answer, and the size of their images."""

import http.client
import json
import os
import shutil
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import cdsagent
from aisopods import PROJECT as AISOPOD
from composing import (
    SLIM,
    TENDER,
    Composed,
    compose_program,
    docker_build,
    docker_import,
    go_program,
)
from engines import RUST, debian
from ground import PROJECTS, say
from machines import PROGRAMS, Machine, machine
from pythons import python_image
from registries import DockerEngine, docker_engine

CALLS = 2000
DEBIAN = "docker.io/library/debian:bookworm-slim"
PYTHON = "docker.io/library/python:3.11-slim"
ASK = (
    "import http.client, json, sys, time\n"
    "taken = []\n"
    "for _ in range(int(sys.argv[2])):\n"
    "    begin = time.perf_counter()\n"
    "    asked = http.client.HTTPConnection('127.0.0.1', int(sys.argv[1]), timeout=10)\n"
    "    asked.request('GET', '/health'); answer = asked.getresponse(); answer.read(); asked.close()\n"
    "    assert answer.status == 200, answer.status\n"
    "    taken.append(time.perf_counter() - begin)\n"
    "print(json.dumps(taken))\n"
)
"""Asks for the health again and again, each time by a new connection."""


@dataclass(frozen=True)
class Project:
    """A test project: its compose file, the port of its health, and the images that it builds by its Dockerfile."""

    name: str
    port: int
    file: str = "docker-compose.yml"
    env: dict[str, str] = field(default_factory=dict)
    services: tuple[str, ...] = ()

    @property
    def folder(self) -> Path:
        """Its sources."""
        return PROJECTS / self.name


AEGIS = Project("aegis", 8000, env={"AEGIS_IMAGE": "aegis"})
POD = Project("aisopod", 18789, env={"AISOPOD_IMAGE": "aisopod"})
PULSE = Project("pulse", 8080, "deployment/docker/docker-compose.yml", {"PULSE_IMAGE": "pulse"})
CHAIN = ("index-service", "cli-tools", "agent")
AGENT = Project(
    "cdsagent",
    3031,
    "deployment/docker/docker-compose.yml",
    {f"{name.upper().replace('-', '_')}_IMAGE": "cds" for name in CHAIN},
    CHAIN,
)
INDEXES = "/data/graph_index /data/bm25_index /data/agent_logs"
PROJECTED = (AEGIS, POD, PULSE, AGENT)


def kept() -> Path:
    """Where roots of Debian stay from one run to the next."""
    place = Path(__file__).parents[2] / ".pytest_cache" / "d" / "images"
    place.mkdir(parents=True, exist_ok=True)
    return place


def images(folder: Path) -> None:
    """The images of two projects by their own Dockerfiles: built with nothing cached, and with a changed source."""
    say("\n### images by their Dockerfiles\n\n| | cold | a source changed | size | of which its base |")
    say("|---|---|---|---|---|")
    with docker_engine() as engine:
        bases(engine, folder)
        for project, base, source in (
            (AEGIS, PYTHON, "src/aegis_qa/__init__.py"),
            (POD, DEBIAN, "src/main.rs"),
        ):
            root = folder / project.name
            shutil.copytree(project.folder, root, ignore=shutil.ignore_patterns("target", "dist", ".*_cache"))
            cold = timed(lambda root=root, name=project.name: docker_build(engine, root, name))
            with (root / source).open("a") as stream:
                stream.write("\n")
            warm = timed(lambda root=root, name=project.name: docker_build(engine, root, name))
            sizes = [size(engine, name) for name in (project.name, base)]
            say(f"| {project.name} | {cold:.1f} s | {warm:.1f} s | {sizes[0]:.1f} MB | {sizes[1]:.1f} MB |")


HEAD = (
    f"from the start to the first healthy answer, and {CALLS} questions for /health\n\n"
    "| | answers after | healthy to its manager after | p50 | p99 | slowest |\n|---|---|---|---|---|---|"
)


def services(folder: Path) -> None:
    """By Compose. Docker asks for the first time when the interval of a check is over, which it waits for too."""
    say(f"\n### services by Compose: {HEAD}")
    made = programs(folder)
    with docker_engine() as engine:
        docker_import(engine, debian(kept(), ("libgcc-s1",), *SLIM).layers[0], DEBIAN, folder)
        python_image(engine, PYTHON, kept(), folder)
        around(engine, folder, made)
        root = folder / "aegis.sources"
        shutil.copytree(AEGIS.folder, root, ignore=shutil.ignore_patterns("dist", ".*_cache"))
        docker_build(engine, root, "aegis")
        key = {"ANTHROPIC_API_KEY_FILE": str(folder / "key")}
        for project in PROJECTED:
            composed(
                Composed(compose_program(kept().parent), engine, project.folder / project.file, project.env | key),
                project,
            )


def daemons(folder: Path) -> None:
    """By systemd, whose start returns when the service is healthy."""
    say(f"\n### services by systemd: {HEAD}")
    made = programs(folder)
    with machine(fresh(folder / "machine"), kept()) as host:
        settled(host, made)
        for project in PROJECTED:
            ran = host.shipways("service", "install", "--system", cwd=f"/srv/{project.name}")
            if ran.code:
                sys.exit(ran.err)
            units = [f"{name}.service" for name in project.services or (project.name,)]
            host.out("systemctl", "stop", *units)
            seconds = timed(lambda units=units: host.out("systemctl", "start", *units))
            answers = json.loads(host.out("python3", "-c", ASK, str(project.port), str(CALLS)))
            told(project.name, (seconds, seconds), answers)


def programs(folder: Path) -> tuple[Path, ...]:
    """Of all projects but aegis, built by the compilers of this machine, which keep what they compile."""
    target = kept().parent / "aisopod"
    argv = ("cargo", "build", "--release", "--quiet", "--locked", "--manifest-path", str(AISOPOD / "Cargo.toml"))
    subprocess.run(argv, env=os.environ | {"CARGO_TARGET_DIR": str(target)}, check=True)
    agents = cdsagent.built(fresh(folder / "agents"), kept().parent / "cdsagent", kept().parent / "tools")
    mine = (go_program(PULSE.folder, folder / "pulse"), go_program(TENDER, folder / "tender"))
    return (target / "release" / "aisopod", agents.index, agents.cds, agents.agent, *mine)


def fresh(folder: Path) -> Path:
    """The folder, made now."""
    folder.mkdir()
    return folder


def composed(up: Composed, project: Project) -> None:
    """A line of the table."""
    begin = time.monotonic()
    try:
        up("up", "--detach")
        while not healthy(project.port):
            if time.monotonic() - begin > 60:
                sys.exit(up("logs"))
            time.sleep(0.005)
        answers = time.monotonic() - begin
        taken = asked(project.port)
        up("up", "--detach", "--wait")
        told(project.name, (answers, time.monotonic() - begin), taken)
    finally:
        up.run("down", "--volumes", "--timeout", "1")


def healthy(port: int) -> bool:
    """Whether somebody answers."""
    asked = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
    try:
        asked.request("GET", "/health")
        return asked.getresponse().status == 200
    except (OSError, http.client.HTTPException):
        return False
    finally:
        asked.close()


def asked(port: int) -> list[float]:
    """Seconds that each answer took."""
    done = subprocess.run(
        (sys.executable, "-c", ASK, str(port), str(CALLS)), capture_output=True, text=True, check=True
    )
    answers: list[float] = json.loads(done.stdout)
    return answers


def told(name: str, seconds: tuple[float, float], answers: Sequence[float]) -> None:
    """A line of the table."""
    cuts = statistics.quantiles(answers, n=100)
    last = " | ".join(f"{1000 * each:.1f} ms" for each in (cuts[49], cuts[98], max(answers)))
    say(f"| {name} | {seconds[0]:.2f} s | {seconds[1]:.2f} s | {last} |")


def bases(engine: DockerEngine, folder: Path) -> None:
    """The images that Dockerfiles name."""
    ((rust, packages),) = RUST.items()
    docker_import(engine, debian(kept(), packages).layers[0], rust, folder)
    docker_import(engine, debian(kept(), ("libgcc-s1",), *SLIM).layers[0], DEBIAN, folder)
    python_image(engine, PYTHON, kept(), folder)


def around(engine: DockerEngine, folder: Path, made: Sequence[Path]) -> None:
    """An image around the programs of each project, on Debian."""
    (folder / "key").write_text("sk-none\n")
    (folder / "key").chmod(0o644)
    top = fresh(folder / "images")
    for program in made:
        shutil.copy(program, top / program.name)
    for name, user, data in (("aisopod", 1000, "/data"), ("pulse", 65532, "/data"), ("cds", 65532, INDEXES)):
        (top / "Dockerfile").write_text(
            f"FROM {DEBIAN}\nCOPY {' '.join(program.name for program in made)} /usr/local/bin/\n"
            f"RUN mkdir -p {data} && chown -R {user}:{user} /data\nUSER {user}:{user}\n"
        )
        docker_build(engine, top, name)


def settled(host: Machine, made: Sequence[Path]) -> None:
    """Lay the projects and their programs onto the machine."""
    host.shared.chmod(0o755)
    host.out("mount", "--make-rshared", "/")  # Docker gives a container no mounts that spread, as credentials do
    host.out("sh", "-c", "umask 077; mkdir -p /etc/credstore; echo sk-none > /etc/credstore/agent.ANTHROPIC_API_KEY")
    for program in made:
        if program.name not in {"pulse", "tender"}:  # which it has
            shutil.copy(program, host.shared / "program")
            host.out("install", "-m", "0755", "/srv/program", f"{PROGRAMS}/{program.name}")
    for project in PROJECTED:
        ignored = shutil.ignore_patterns("target", "dist", ".*_cache")
        shutil.copytree(project.folder, host.shared / project.name, ignore=ignored)
    pip = (sys.executable, "-m", "pip", "install", "--quiet", "--target", str(host.shared / "site"))
    subprocess.run((*pip, "--require-hashes", "-r", str(AEGIS.folder / "requirements.txt")), check=True)
    subprocess.run((*pip, "--upgrade", "--no-deps", str(AEGIS.folder)), check=True)
    host.out("cp", "-r", "/srv/site", "/opt/aegis")
    (host.shared / "program").write_text(
        '#!/bin/sh\nPYTHONPATH=/opt/aegis exec python3 -c "from aegis_qa.cli import main; main()" "$@"\n'
    )
    host.out("install", "-m", "0755", "/srv/program", f"{PROGRAMS}/aegis")


def size(engine: DockerEngine, image: str) -> float:
    """Megabytes, unpacked."""
    return int(engine.docker("image", "inspect", "--format", "{{.Size}}", image)) / 1e6


def timed(act: Callable[[], object]) -> float:
    """Seconds."""
    begin = time.monotonic()
    act()
    return time.monotonic() - begin
