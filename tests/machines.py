"""A machine whose PID 1 is systemd, as a container of the test's own, with shipways and programs to keep."""

import contextlib
import os
import subprocess
import sys
import sysconfig
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest

import shipways
from engines import debian
from registries import DockerEngine, docker_engine, need_dockerd
from support import need

PACKAGES = (
    *("ca-certificates", "dbus", "libpam-systemd", "logrotate", "procps"),
    *("python3", "systemd", "systemd-sysv"),
)
PROGRAMS = "/usr/local/bin"
_TENDER = Path(__file__).parent.parent / "ci" / "tender"
_PULSE = Path(__file__).parent / "projects" / "pulse"
RIGHTS = (
    *("--cap-add", "SYS_ADMIN", "--cap-add", "NET_ADMIN", "--cap-add", "SYS_PTRACE"),
    *("--security-opt", "seccomp=unconfined", "--security-opt", "apparmor=unconfined"),
    *("--tmpfs", "/run", "--tmpfs", "/run/lock", "--tmpfs", "/tmp"),
    *("--volume", "/sys/fs/cgroup:/sys/fs/cgroup:rw", "--cgroupns", "host", "--network", "none"),
)
_PYTHON = (3, 11)
"""Debian 12's, which runs shipways there with the libraries of these tests."""


@dataclass(frozen=True)
class Ran:
    """A finished command of the machine."""

    code: int
    out: str
    err: str


@dataclass(frozen=True)
class Machine:
    """The running container. `shared` is a folder that both see, as /srv there."""

    docker: DockerEngine
    name: str
    shared: Path

    def run(self, *words: str, user: str = "", env: Mapping[str, str] | None = None, cwd: str = "/srv") -> Ran:
        """Run a command there, to its end."""
        said = {"PYTHONPATH": "/opt/ci:/opt/site", "PYTHONDONTWRITEBYTECODE": "1", **(env or {})}
        options = [word for name, value in said.items() for word in ("--env", f"{name}={value}")]
        argv = ("docker", "--host", self.docker.host, "exec", "--workdir", cwd, *options)
        done = subprocess.run(
            (*argv, *(("--user", user) if user else ()), self.name, *words),
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
        )
        return Ran(done.returncode, done.stdout, done.stderr)

    def out(self, *words: str) -> str:
        """What a command prints that has to succeed."""
        ran = self.run(*words)
        assert 0 == ran.code, (words, ran)
        return ran.out.strip()

    def shipways(self, *words: str, user: str = "", cwd: str = "/srv/project") -> Ran:
        """Run shipways there."""
        env = {"HOME": f"/home/{user}", "XDG_RUNTIME_DIR": "/run/user/1000"} if user else {"HOME": "/root"}
        return self.run("python3", "-m", "shipways", *words, user=user, env=env, cwd=cwd)

    def show(self, unit: str, name: str) -> str:
        """A property of a unit."""
        return self.out("systemctl", "show", "--value", f"--property={name}", unit)

    def wait(self, *words: str, seconds: float = 30) -> float:
        """Until a command succeeds; how long that took."""
        began = time.monotonic()
        while self.run(*words).code:
            assert time.monotonic() < began + seconds, words
            time.sleep(0.1)
        return time.monotonic() - began

    def reboot(self) -> None:
        """Down, and up again."""
        self.docker.docker("restart", "--time", "20", self.name)
        self.booted()

    def booted(self, *, whole: bool = True) -> None:
        """Until systemd has started everything; unless it has to be `whole`, something may have failed."""
        self.wait("test", "-e", "/run/systemd/private")
        state = self.run("systemctl", "is-system-running", "--wait").out.strip()
        assert "running" == state or not whole, self.out("systemctl", "--failed")


@contextlib.contextmanager
def machine(folder: Path, kept: Path) -> Iterator[Machine]:
    """The machine, with tender and pulse in /usr/local/bin; a loud skip where a program is missing. Needs root.

    `kept` is a folder that stays from one session to the next.
    """
    need_dockerd()
    need("mmdebstrap", "go")
    if sys.version_info[:2] != _PYTHON:
        pytest.skip("the machine has the Python of Debian 12, and these tests run in another")
    programs, shared = folder / "programs", folder / "shared"
    for path in (programs, shared):
        path.mkdir()
    _build(_TENDER, programs / "tender")
    _build(_PULSE, programs / "pulse")
    (layer,) = debian(kept, PACKAGES).layers
    (folder / "layer.tar.gz").write_bytes(layer)
    with docker_engine() as engine:
        engine.docker("import", "--change", 'CMD ["/sbin/init"]', str(folder / "layer.tar.gz"), "machine:1")
        mounts = {
            sysconfig.get_paths()["purelib"]: "/opt/site:ro",
            str(Path(shipways.__file__).parent.parent): "/opt/ci:ro",
            str(programs / "tender"): f"{PROGRAMS}/tender:ro",
            str(programs / "pulse"): f"{PROGRAMS}/pulse:ro",
            str(shared): "/srv",
        }
        volumes = [word for here, there in mounts.items() for word in ("--volume", f"{here}:{there}")]
        stop = ("--stop-signal", "SIGRTMIN+3")
        engine.docker("run", "--detach", "--name", "machine", *stop, *RIGHTS, *volumes, "machine:1")
        try:
            made = Machine(engine, "machine", shared)
            made.booted()
            yield made
        finally:
            engine.docker("rm", "--force", "machine")


def _build(source: Path, program: Path) -> None:
    env = os.environ | {"CGO_ENABLED": "0", "GOTOOLCHAIN": "local"}
    argv = ("go", "build", "-trimpath", "-buildvcs=false", "-o", str(program), ".")
    subprocess.run(argv, cwd=source, env=env, check=True)
