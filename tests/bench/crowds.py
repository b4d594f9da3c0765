"""What many deployments at once cost: fifty jobs of the service, and one deployment to twenty hosts."""

import os
import time
from pathlib import Path
from typing import Final

from composing import TENDER, go_program
from dock import HOST, Dock, dock, received
from engines import tiny
from ground import say
from limits import limited
from sandbox import Repository
from served import imported
from services import PULSE, kept, timed
from sshhosts import fleet
from treeing import DOCKERFILE, SCRIPT

_JOBS: Final = int(os.environ.get("BENCH_JOBS", "50"))
_CONCURRENT: Final = int(os.environ.get("BENCH_CONCURRENT", str(_JOBS)))
"""How many of them are done at once: `[serve] concurrent`, which is 4 by itself."""
_HOSTS: Final = int(os.environ.get("BENCH_HOSTS", "20"))
_FIRST: Final = 9000
_CONFIG: Final = """
[project]
name = "beats"
source_archive = false

[package.beat]
build = "prebuilt"
version = "{version}"
sbom = false
prebuilt.files = {{ x86_64-unknown-linux-musl = "bin/beat" }}

[image.beat]
package = "beat"
command = ["serve"]

[service.beat]
image = "beat"
port = 8123
health = "/health"
env.PULSE_ADDR = {{ default = "{{address}}:{{port}}" }}

[deploy.prod]
kind = "hosts"
hosts = [{hosts}]

[deploy.prod.ssh]
tender = "bin/tender"
key = "{key}"
known_hosts = "{known}"
batch = {batch}
"""


def jobs(folder: Path) -> None:
    """Fifty services that are asked for at once, by Docker: what the service itself takes, beside what it starts."""
    say(f"\n### {_JOBS} jobs at once, of {_JOBS} services to one host, by Docker, {_CONCURRENT} under way: {HOST}\n")
    with limited(512 * 10**6, 1) as limit, dock(folder, _CONCURRENT, limit) as made:
        (folder / "tiny.tar.gz").write_bytes(tiny(kept(), "amd64").layers[0])
        imported(made.host, folder / "tiny.tar.gz", "tiny:1")
        rest, began, cpu = made.memory("VmRSS"), time.monotonic(), made.cpu
        for number in range(_JOBS):
            _ask(made, number)
        slowest = _ended(made)
        seconds, taken = time.monotonic() - began, made.cpu - cpu
        states = [job["status"] for job in made.jobs()]
        said = ", ".join(f"{states.count(each)} {each}" for each in sorted(set(states)))
        say("| | |\n|---|---|")
        say(f"| ended | {said}, in {seconds:.1f} s |")
        say(f"| memory of the service, at rest and at most | {rest:.0f} MB, {made.memory('VmHWM'):.0f} MB |")
        say(f"| processor time of the service | {taken:.1f} s, {taken / seconds:.2f} cores |")
        say(f"| slowest answer of the API meanwhile | {slowest * 1000:.0f} ms |")
        say(f"| the limit of 512 MB and one core (cgroup) was met | {limit.told} |")


def hosts(folder: Path) -> None:
    """A program of 6 MB to twenty hosts, all at once, by the command line."""
    say(f"\n### {_HOSTS} hosts at once: each a container with systemd as PID 1 and sshd, all on the cores of here\n")
    with fleet(folder, kept(), _HOSTS) as ships:
        project = Repository(folder / "beats", folder / "cache")
        project.file(".gitignore", "/dist/\n/bin/\n")
        (project.root / "bin").mkdir()
        go_program(TENDER, project.root / "bin/tender")
        go_program(PULSE.folder, folder / "pulse")
        addresses = ", ".join(f'"root@{each}"' for each in ships.hosts)
        config = {"hosts": addresses, "key": ships.key, "known": ships.known, "batch": _HOSTS}
        say("| | all of them | bytes to one |\n|---|---|---|")
        first = next(iter(ships.hosts.values()))
        for name, version, verb in (
            ("the first one, and tender", "1.0.0", "deploy"),
            ("the same again", "1.0.0", "deploy"),
            ("the next version", "1.1.0", "deploy"),
            ("rollback", "1.1.0", "rollback"),
        ):
            if verb == "deploy":
                _made(project, folder / "pulse", _CONFIG.format(version=version, **config), version)
            before = received(first)
            seconds = timed(lambda verb=verb: _shipways(project, verb, "prod"))
            say(f"| {name} | {seconds:.1f} s | {(received(first) - before) / 1000:,.0f} kB |")


def _made(project: Repository, program: Path, config: str, version: str) -> None:
    """What lies in dist/ is the program under this version."""
    (project.root / "bin/beat").write_bytes(program.read_bytes() + version.encode())
    (project.root / "bin/beat").chmod(0o755)
    project.file("shipways.toml", config)
    project.commit()
    _shipways(project, "release", "--snapshot")


def _shipways(project: Repository, *words: str) -> None:
    ran = project.shipways(*words)
    assert 0 == ran.code, ran.out + ran.err


def _ask(made: Dock, number: int) -> None:
    place = made.tree(f"web-{number}")
    (place / "Dockerfile").write_text(DOCKERFILE.format(run="true"))
    (place / "serve.sh").write_text(SCRIPT.format(version=number, status="ok"))
    made.submit(place, "docker", _FIRST + number)


def _ended(made: Dock) -> float:
    """Once all have: seconds of the slowest answer until then."""
    slowest = 0.0
    while True:
        began = time.monotonic()
        found = made.jobs()
        slowest = max(slowest, time.monotonic() - began)
        if all(job["status"] in {"completed", "failed"} for job in found):
            return slowest
        time.sleep(0.5)
