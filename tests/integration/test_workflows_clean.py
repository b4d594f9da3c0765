"""The jobs of this project where there is nothing but Debian, Python and git, and on this machine."""

import os
import re
import subprocess
from pathlib import Path

import pytest

from engines import PACKAGES, debian
from sandbox import Repository
from shipways.workflows.jobs import workflows
from shipways.workflows.local import environment, find
from support import need
from working import OURS, ROOT, commands, read

pytestmark = [pytest.mark.integration, pytest.mark.long]

CLEAN = """
set -e
mount -t proc proc "$1/proc"
mount --rbind /dev "$1/dev"
exec chroot "$1" sh -ec '
  cd /job
  python -m venv /venv
  . /venv/bin/activate
  eval "$0"
' "$2"
"""
"""Only here, in a mount and process space that ends with it. The venv stands for actions/setup-python."""


@pytest.fixture(scope="module")
def machine(tmp_path_factory: pytest.TempPathFactory, pytestconfig: pytest.Config) -> Path:
    """The root of a Debian with Python and git."""
    need("mmdebstrap", "unshare", "tar")
    assert pytestconfig.cache
    root = tmp_path_factory.mktemp("machine")
    (layer,) = debian(pytestconfig.cache.mkdir("images"), PACKAGES).layers
    subprocess.run(["tar", "-xz", "-C", str(root)], input=layer, check=True)
    (root / "etc/resolv.conf").write_bytes(Path("/etc/resolv.conf").read_bytes())
    return root


def clone(folder: Path) -> Repository:
    """A clean clone of what is committed."""
    subprocess.run(["git", "clone", "-q", str(ROOT), str(folder)], check=True)
    return Repository(folder, folder.parent / "cache")


def steps(text: str) -> list[str]:
    """What a session ran, but for how it got its environment."""
    lines = (re.sub(r"in [\d.]+ .*", "", line) for line in text.splitlines() if line.startswith("nox > "))
    return [line for line in lines if not re.search("install|virtual environment|uv binary", line)]


@pytest.mark.parametrize("job", ["lint", "check"])
def test_here_as_there(job: str, machine: Path, tmp_path: Path) -> None:
    """The lines of the workflow are enough on a clean machine; `ci run` does the same steps on this one."""
    need("nox")
    name, found = find(workflows(OURS), job)
    file, _, short = name.partition("/")
    lines = commands(read((ROOT / f".github/workflows/{file}.yml").read_text())["jobs"][short])
    clone(machine / "job")
    try:
        env = {
            **environment(found, os.environ),
            "HOME": "/root",
            "PATH": "/usr/local/bin:/usr/bin:/bin:/usr/sbin",
            "TMPDIR": "/tmp",
        }
        words = ["unshare", "--mount", "--pid", "--fork", "--kill-child", "sh", "-c", CLEAN, "sh", str(machine)]
        there = subprocess.run(
            [*words, "\n".join(lines)], env=env, capture_output=True, text=True, check=False, timeout=500
        )
    finally:
        subprocess.run(["rm", "-rf", str(machine / "job"), str(machine / "venv")], check=True)
    assert 0 == there.returncode, there.stdout + there.stderr
    here = clone(tmp_path / "clone").shipways("ci", "run", job)
    assert 0 == here.code, here.out + here.err
    assert [f"nox > Running session {found.session}"] == steps(there.stderr)[:1]
    assert steps(there.stderr) == steps(here.err)
