"""A machine with nothing but Debian, Python and git, as a runner of CI is: a container of Docker for each job."""

import contextlib
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from engines import PACKAGES, debian
from registries import DockerEngine, docker_engine, need_dockerd
from sandbox import Ran
from support import need

_IMAGE = "runner:clean"
_SHELL = 'python -m venv /venv && . /venv/bin/activate && eval "$0"'
"""The venv stands for actions/setup-python."""
_OWN = {"HOME": "/root", "PATH": "/usr/local/bin:/usr/bin:/bin:/usr/sbin", "TMPDIR": "/tmp", "XDG_CACHE_HOME": "/cache"}


@dataclass(frozen=True)
class Room:
    """Where jobs run; each begins with what the image has. They reach what listens on this machine."""

    engine: DockerEngine

    def run(self, checkout: Path, lines: Sequence[str], env: Mapping[str, str], *mounts: str) -> Ran:
        """The lines of a job, in a folder of this machine; `mounts` as docker's --volume has them."""
        words = [f"--volume={mount}" for mount in (f"{checkout}:/job", *mounts)]
        words += [f"--env={name}={value}" for name, value in {**env, **_OWN}.items()]
        argv = ("docker", "--host", self.engine.host, "run", "--rm", "--network=host", "--workdir=/job", *words)
        shell = (_IMAGE, "sh", "-ec", _SHELL, "\n".join(lines))
        done = subprocess.run((*argv, *shell), capture_output=True, text=True, check=False, timeout=900)
        return Ran(code=done.returncode, out=done.stdout, err=done.stderr)


@contextlib.contextmanager
def room(kept: Path) -> Iterator[Room]:
    """A Docker Engine with the image; `kept` is a folder that stays from one session to the next."""
    need_dockerd()
    need("mmdebstrap")
    (layer,) = debian(kept, PACKAGES).layers
    with docker_engine() as engine:
        argv = ("docker", "--host", engine.host, "import", "-", _IMAGE)
        subprocess.run(argv, input=layer, capture_output=True, check=True, timeout=120)
        yield Room(engine)
