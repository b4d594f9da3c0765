"""This project as its users get it: an index with its own wheel, and the programs that run and install it."""

import contextlib
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from indexes import pypiserver
from sandbox import Repository
from support import missing, need
from working import ROOT

STEPS = ("--step=builders/shipways/sdist", "--step=builders/shipways/wheel")
FOREIGN = ("CI", "PYTHONDONTWRITEBYTECODE", "PYTHONPATH")
"""What a session may have set, and users have not."""
PROGRAMS = ("uv", "uvx", "pipx", "nox")


def build(folder: Path) -> Repository:
    """A clone of this repository, with the sdist and the wheel of its own release in dist/; a skip without an index."""
    subprocess.run(("git", "clone", "--quiet", str(ROOT), str(folder / "main")), check=True)
    return built(Repository(folder / "main", folder / "cache"), *STEPS)


def built(repository: Repository, *steps: str) -> Repository:
    """Build Python packages; a skip where they fail and there is no index."""
    ran = repository.shipways("build", *steps)
    dest = repository.root.parent
    pip = (sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", f"--dest={dest}", "hatchling")
    if ran.code and subprocess.run(pip, check=False).returncode:
        missing("index", ran.err)
    assert 0 == ran.code, ran.err
    return repository


@dataclass(frozen=True)
class Wheelhouse:
    """The environment of a user whose index has shipways; no other shipways is on the PATH or in the imports of it."""

    env: Mapping[str, str]

    def run(self, *words: str, cwd: Path, expected: int = 0) -> str:
        """Everything that a command says."""
        done = subprocess.run(words, cwd=cwd, env=self.env, capture_output=True, text=True, check=False, timeout=300)
        assert expected == done.returncode, done.stdout + done.stderr
        return done.stdout + done.stderr


@contextlib.contextmanager
def wheelhouse(distributions: Repository, folder: Path) -> Iterator[Wheelhouse]:
    """Serves what is in `dist/`; all else comes from the index of this machine."""
    need("uv", "uvx")
    programs = folder / "programs"
    programs.mkdir()
    for name in (*PROGRAMS, "git"):
        if place := shutil.which(name):
            (programs / name).symlink_to(place)
    inherited = {name: value for name, value in os.environ.items() if name not in FOREIGN}
    with pypiserver(folder / "index") as url:
        for path in (distributions.root / "dist").glob("shipways-*"):
            shutil.copy(path, folder / "index")
        own = {
            "PATH": f"{programs}:/usr/bin:/bin",
            "PIPX_HOME": str(folder / "pipx"),
            "UV_CACHE_DIR": str(folder / "uv"),
            "UV_INDEX": f"{url}/simple/",
            "UV_PYTHON_DOWNLOADS": "never",
            "XDG_CACHE_HOME": str(distributions.cache),
        }
        yield Wheelhouse(env=inherited | own)


def interpreter(version: str) -> str:
    """The Python of this version, also one that pyenv keeps without handing it out; a loud skip where there is none."""
    kept = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv")) / "versions"
    places = (shutil.which(f"python{version}"), *map(str, sorted(kept.glob(f"{version}.*/bin/python"))))
    found = [place for place in places if place and _runs(place)]
    if not found:
        missing("python", f"there is no Python {version}")
    return found[0]


def _runs(python: str) -> bool:
    return subprocess.run((python, "--version"), capture_output=True, check=False).returncode == 0
