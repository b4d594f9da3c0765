"""Programs of TypeScript with bun's runtime: built twice, and run."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from cdsagent import PROJECT
from engines import Containers
from sandbox import Repository
from support import need

pytestmark = pytest.mark.integration

GNU, ARM = "x86_64-unknown-linux-gnu", "aarch64-unknown-linux-gnu"
MAC, WINDOWS = "aarch64-apple-darwin", "x86_64-pc-windows-msvc"
CONFIG = f"""
[project]
name = "spent"
targets = ["{GNU}"]
source_archive = false

[package.spent]
build = "bun"
"""
PROGRAM = 'import ms from "ms";\nconsole.log(`${ms(Number(process.argv[2]))} ${process.env.FROM_DOTENV}`);\n'


def project(root: Path, tools: Path) -> Repository:
    """A program with a dependency, which the lock file of cdsagent has too."""
    repository = Repository(root, root.with_suffix(".cache")).share(tools)
    repository.file("shipways.toml", CONFIG)
    repository.file("index.ts", PROGRAM)
    for name in ("shipways.lock", "agent/bun.lock", "agent/package.json"):
        shutil.copy(PROJECT / name, root / Path(name).name)
    return repository.commit()


def built(repository: Repository) -> Path:
    """The program for this machine."""
    ran = repository.shipways("build", "--step", f"builders/spent/{GNU}")
    assert 0 == ran.code, ran.err
    return repository.root / "dist" / "bin" / f"spent-{GNU}" / "spent"


def test_same_bytes(tmp_path: Path, tools: Path) -> None:
    """Two folders and two stores give one program, which knows its dependency, and reads no .env where it runs."""
    first = built(project(tmp_path / "one", tools))
    second = built(project(tmp_path / "a" / "deeper" / "two", tools))
    assert first.read_bytes() == second.read_bytes()
    (tmp_path / ".env").write_text("FROM_DOTENV=wrong\n")
    env = {name: value for name, value in os.environ.items() if name != "FROM_DOTENV"}
    done = subprocess.run((first, "60000"), cwd=tmp_path, env=env, capture_output=True, text=True, check=False)
    assert (0, "1m undefined\n") == (done.returncode, done.stdout), done.stderr


def test_lock_file_is_law(tmp_path: Path, tools: Path) -> None:
    """A dependency that the lock file does not have ends the build; without the file there is none."""
    repository = project(tmp_path / "one", tools)
    package = (repository.root / "package.json").read_text()
    repository.file("package.json", package.replace('"ms": "2.1.3"', '"ms": "2.1.2"'))
    ran = repository.commit().shipways("build")
    assert (4, True) == (ran.code, "lockfile" in ran.err), ran.err
    (repository.root / "bun.lock").unlink()
    ran = repository.commit().shipways("build")
    assert (2, True) == (ran.code, "bun install --lockfile-only" in ran.err), ran.err


@pytest.mark.long
@pytest.mark.parametrize("target", [ARM, MAC, WINDOWS])
def test_for_another_system(target: str, tmp_path: Path, tools: Path) -> None:
    """A program for another kind of machine is made here, out of its locked runtime; that of Linux runs, emulated."""
    repository = project(tmp_path / "one", tools)
    repository.file("shipways.toml", CONFIG.replace(GNU, target))
    ran = repository.commit().shipways("build", "--step", f"builders/spent/{target}")
    assert 0 == ran.code, ran.err
    (program,) = (repository.root / "dist" / "bin" / f"spent-{target}").iterdir()
    if target == ARM:
        need("qemu-aarch64-static")
        argv = ("qemu-aarch64-static", "-L", "/usr/aarch64-linux-gnu", program, "60000")
        assert "1m undefined\n" == subprocess.run(argv, capture_output=True, text=True, check=True, timeout=120).stdout


@pytest.mark.long
def test_in_a_container(tmp_path: Path, tools: Path, containers: Containers) -> None:
    """By Dagger, in an image without bun, the locked one builds the same program, byte for byte."""
    here = built(project(tmp_path / "one", tools))
    there = project(tmp_path / "two", tools)
    image = "docker.io/library/python:3.13-bookworm"
    there.file("shipways.toml", f'{CONFIG}\n[engine.images]\nbun = "{image}"\n')
    assert 0 == (ran := there.shipways("lock", env=containers.env)).code, ran.err
    there.commit()
    ran = there.shipways("build", "--step", f"builders/spent/{GNU}", env=containers.env)
    assert 0 == ran.code, ran.err
    program = there.root / "dist" / "bin" / f"spent-{GNU}" / "spent"
    assert here.read_bytes() == program.read_bytes()
