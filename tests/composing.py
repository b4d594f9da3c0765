"""Docker Compose for tests: the program itself, and services that run on an engine of the test's own."""

import contextlib
import os
import re
import shutil
import subprocess
import tarfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from io import BytesIO
from pathlib import Path

import pytest

from engines import tiny
from registries import DockerEngine
from support import alone, missing, need

VERSION = "2.40.3"
_PROGRAM = "github.com/docker/compose/v2/cmd"
_MODULE = f"""module compose

go 1.24

require github.com/docker/compose/v2 v{VERSION}
"""
SLIM = ("--variant=minbase", *(f"--dpkgopt=path-exclude=/usr/share/{name}/*" for name in ("doc", "man", "locale")))
"""What the slim image of Debian leaves out."""
TENDER = Path(__file__).parent.parent / "ci" / "tender"


def compose_program(kept: Path) -> tuple[str, ...]:
    """Compose v2: of this machine, else built by Go into `kept`, which takes minutes where Go's cache is cold.

    It is the one dependency of a module, because `go install` refuses what its own go.mod excludes.
    """
    need("docker")
    for argv in (("docker-compose",), ("docker", "compose")):
        if shutil.which(argv[0]) and _said(*argv, "version", "--short").startswith("2."):
            return argv
    program = kept / f"docker-compose-{VERSION}"
    with alone(kept):
        if not program.exists():
            _compile(kept, program)
    return (str(program),)


@contextlib.contextmanager
def compose_plugin(argv: Sequence[str], folder: Path) -> Iterator[None]:
    """Compose is a plug-in of docker too: `docker compose` is what users and shipways call."""
    with pytest.MonkeyPatch.context() as patch:
        if argv[-1] != "compose":
            (folder / "cli-plugins").mkdir()
            (folder / "cli-plugins/docker-compose").symlink_to(shutil.which(argv[0]) or argv[0])
            patch.setenv("DOCKER_CONFIG", str(folder))
        yield


def _compile(kept: Path, program: Path) -> None:
    need("go")
    (kept / "go.mod").write_text(_MODULE)
    # Under a tag that no build has, a module may need what nothing can import: a program.
    (kept / "needs.go").write_text(f'//go:build tools\n\npackage compose\n\nimport _ "{_PROGRAM}"\n')
    for words in (("mod", "tidy"), ("build", "-trimpath", "-o", program, _PROGRAM)):
        done = subprocess.run(("go", *words), cwd=kept, capture_output=True, text=True, check=False, timeout=3000)
        if done.returncode:
            missing("docker-compose", f"docker-compose is not on PATH, and cannot be built: {done.stderr[-500:]}")


def go_program(source: Path, place: Path) -> Path:
    """The program of a folder, static, built here for this machine."""
    need("go")
    env = os.environ | {"CGO_ENABLED": "0", "GOTOOLCHAIN": "local"}
    argv = ("go", "build", "-trimpath", "-buildvcs=false", "-ldflags", "-s -w", "-o", str(place), ".")
    subprocess.run(argv, cwd=source, env=env, check=True)
    return place


def program_layer(program: Path) -> bytes:
    """A layer with a program in /usr/local/bin."""
    stream = BytesIO()
    with tarfile.open(fileobj=stream, mode="w:gz") as archive:
        archive.add(program, f"usr/local/bin/{program.name}")
    return stream.getvalue()


def busybox(kept: Path) -> bytes:
    """A static busybox, for a look from within an image that has nothing."""
    with tarfile.open(fileobj=BytesIO(tiny(kept, "amd64").layers[0])) as archive:
        member = next(each for each in archive if each.name.endswith("bin/busybox") and each.isreg())
        content = archive.extractfile(member)
        assert content
        return content.read()


@dataclass(frozen=True)
class Composed:
    """Services of a compose file. `env` are variables of whoever runs Compose."""

    argv: tuple[str, ...]
    engine: DockerEngine
    file: Path
    env: Mapping[str, str] = field(default_factory=dict)

    def run(self, *words: str, env: Mapping[str, str] | None = None) -> "subprocess.CompletedProcess[str]":
        """A command of Compose, which may fail."""
        plain = {name: value for name, value in os.environ.items() if not name.startswith("COMPOSE_")}
        mine = {"DOCKER_HOST": self.engine.host, **self.env, **(env or {})}
        argv = (*self.argv, "--file", str(self.file), *words)
        return subprocess.run(argv, env=plain | mine, capture_output=True, text=True, check=False, timeout=300)

    def __call__(self, *words: str) -> str:
        """What one prints that works."""
        done = self.run(*words)
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()

    def container(self, service: str) -> str:
        """The id of a service's container."""
        return self("ps", "--all", "--quiet", service)

    def told(self, service: str, what: str) -> str:
        """A field of `docker inspect`, as a template names it."""
        return self.engine.docker("inspect", "--format", f"{{{{{what}}}}}", self.container(service))

    def inside(self, service: str, *words: str) -> "subprocess.CompletedProcess[str]":
        """A command in a service's container."""
        return self.run("exec", "-T", service, *words)

    def main(self, service: str) -> int:
        """The process of this machine that is a container's first one."""
        return int(self.told(service, ".State.Pid"))

    def healthy(self, service: str) -> bool:
        """Whether Docker says so."""
        return self.told(service, ".State.Health.Status") == "healthy"


def children(process: int) -> list[int]:
    """The processes that a process of this machine has started."""
    lists = Path(f"/proc/{process}/task").glob("*/children")  # any of its threads may have started them
    return [int(word) for each in lists for word in each.read_text().split()]


def seconds_until(condition: Callable[[], object], limit: float) -> float:
    """How long it took until that was true; fails when it takes longer than the limit."""
    begin = time.monotonic()
    while not condition():
        assert time.monotonic() - begin < limit, f"it did not happen in {limit} s"
        time.sleep(0.2)
    return time.monotonic() - begin


def _said(*argv: str) -> str:
    return subprocess.run(argv, capture_output=True, text=True, check=False).stdout


def docker_import(engine: DockerEngine, layer: bytes, name: str, folder: Path) -> None:
    """A root under the name of an official image: those are in a registry that tests do not ask."""
    place = folder / "layer.tar.gz"
    place.write_bytes(layer)
    path = "ENV PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
    engine.docker("import", "--change", path, str(place), name)
    place.unlink()


def docker_build(engine: DockerEngine, folder: Path, name: str, file: str = "Dockerfile") -> str:
    """Build a Dockerfile of a folder, with the network of this machine, and return what was printed."""
    argv = ("docker", "--host", engine.host, "build", "--network", "host", "--file", file, "--tag", name, ".")
    env = {"DOCKER_BUILDKIT": "0", "PATH": os.environ["PATH"]}  # BuildKit would want a plug-in of docker
    done = subprocess.run(argv, cwd=folder, env=env, capture_output=True, text=True, check=False, timeout=1500)
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    return re.sub(r"\x1b\[\d*m", "", done.stdout + done.stderr)  # the second is what programs say in it, in red
