"""Python packages with the real tools: this very repository, a setuptools project, a platform wheel."""

import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import pytest

from sandbox import Repository
from support import missing, need
from wheelhouse import STEPS

pytestmark = pytest.mark.integration

OLD = """
[build-system]
requires = ["setuptools==80.9.0"]
build-backend = "setuptools.build_meta"

[project]
name = "Old.Style"
version = "1.0.0"
"""
WRAPPED = """
[project]
name = "hello"
source_archive = false
targets = ["x86_64-unknown-linux-gnu", "x86_64-unknown-linux-musl"]

[toolchain]
go = "GO"

[package.hello]
build = "go"
version = "1.2.3"
tag = "hello-v{version}"

[package.py-hello]
build = "python"
tag = "hello-v{version}"
python.binary = "hello"
"""
MAIN = 'package main\n\nimport "fmt"\n\nvar version string\n\nfunc main() { fmt.Println("hello", version) }\n'


def lock(repository: Repository) -> Repository:
    """Write the lock and commit it; a skip where there is no index to ask."""
    ran = repository.shipways("lock")
    if ran.code == 3:
        missing("index", ran.err)
    assert 0 == ran.code, ran.err
    return repository.commit()


def clone(repository: Repository, root: Path) -> Repository:
    root.parent.mkdir(parents=True, exist_ok=True)
    repository.git("clone", "--quiet", ".", str(root))
    return Repository(root, root.parent / "cache")


def made(repository: Repository) -> dict[str, str]:
    """Digest by name of everything in dist/ that is no record of a run."""
    files = (path for path in (repository.root / "dist").iterdir() if path.name not in {"ledger.jsonl", "report.html"})
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in sorted(files)}


@pytest.mark.slow
def test_own_distributions_are_reproducible(distributions: Repository, tmp_path: Path) -> None:
    """Two clones, another time zone, umask and locale, a planted ignored file and variables: equal bytes."""
    second = clone(distributions, tmp_path / "much" / "deeper" / "two")
    second.file("ci/shipways/__pycache__/planted.pyc", "planted")
    planted = {
        "TZ": "Asia/Tokyo",
        "LC_ALL": "C",
        "PYTHONHASHSEED": "7",
        "HATCH_BUILD_HOOKS_ENABLE": "1",
        "SHIPWAYS_X": "1",
    }
    before = os.umask(0o077)
    try:
        ran = second.shipways("build", *STEPS, env=planted)
    finally:
        os.umask(before)
    assert 0 == ran.code, ran.err
    assert made(distributions) == made(second)
    version = tomllib.loads((second.root / "pyproject.toml").read_text())["project"]["version"]
    built = f"shipways-{version}-py3-none-any.whl"
    assert {"manifest.json", built, f"shipways-{version}.tar.gz"} == set(made(second))
    with zipfile.ZipFile(second.root / "dist" / built) as archive:
        assert not [name for name in archive.namelist() if "planted" in name]


@pytest.mark.long
def test_setuptools_becomes_reproducible(repository: Repository, tmp_path: Path) -> None:
    """Its sdist has the times of the build in it; ours has not. Names are normalized."""
    repository.file("shipways.toml", '[project]\nname = "p"\nsource_archive = false\n[package.old]\nbuild = "python"\n')
    repository.write(pyproject_dot_toml=OLD, old_style____init___dot_py="", README_dot_md="# old\n")
    lock(repository.commit())
    builds = []
    for name in ("one", "two"):
        repository.cache = tmp_path / name
        ran = repository.shipways("build")
        assert 0 == ran.code, ran.err
        builds.append(made(repository))
        shutil.rmtree(repository.root / "dist")
    assert builds[0] == builds[1]
    assert {"manifest.json", "old_style-1.0.0-py3-none-any.whl", "old_style-1.0.0.tar.gz"} == set(builds[0])


def test_wrong_hash_fails_closed(distributions: Repository, tmp_path: Path) -> None:
    """A backend with other bytes than the lock says is not installed, and nothing is made."""
    victim = clone(distributions, tmp_path / "victim")
    text = (victim.root / "shipways.lock").read_text()
    victim.file("shipways.lock", re.sub(r"(hatchling==\S+ --hash=sha256:)[0-9a-f]{64}", r"\g<1>" + "0" * 64, text))
    ran = victim.commit().shipways("build", *STEPS)
    assert 4 == ran.code
    assert "hatchling" in ran.err
    assert not list((victim.root / "dist").glob("*.whl"))


def test_without_a_lock_it_is_a_skip(distributions: Repository, tmp_path: Path) -> None:
    """The plan says what to run; a lock for other requirements counts as none."""
    fresh = clone(distributions, tmp_path / "fresh")
    text = (fresh.root / "pyproject.toml").read_text()
    fresh.file("pyproject.toml", re.sub(r'requires = \["hatchling[^"]*"\]', 'requires = ["hatchling>=1"]', text))
    skips = {skip["id"]: skip for skip in json.loads(fresh.shipways("plan", "--json").out)["skips"]}
    for kind in ("sdist", "wheel"):
        assert "run `shipways lock` and commit shipways.lock" == skips[f"builders/shipways/{kind}"]["hint"]


def test_pip_installs_the_platform_wheel(repository: Repository, tools: Path, tmp_path: Path) -> None:
    """Into a fresh environment, where the program runs."""
    need("go")
    said = subprocess.run(("go", "version"), capture_output=True, text=True, check=True, cwd="/").stdout
    repository.file("shipways.toml", WRAPPED.replace("GO", said.split()[2].removeprefix("go")))
    repository.write(go_dot_mod="module example.org/hello\n\ngo 1.21\n", main_dot_go=MAIN, LICENSE="Free.\n")
    repository.share(tools).commit().git("tag", "hello-v1.2.3")
    ran = repository.shipways("build")
    assert 0 == ran.code, ran.err
    names = [f"py_hello-1.2.3-py3-none-{tag}.whl" for tag in ("manylinux_2_28_x86_64", "musllinux_1_1_x86_64")]
    assert names == sorted(path.name for path in (repository.root / "dist").glob("*.whl"))
    subprocess.run((sys.executable, "-m", "venv", "--without-pip", str(tmp_path / "venv")), check=True)
    pip = (sys.executable, "-m", "pip", "--python", str(tmp_path / "venv/bin/python"))
    subprocess.run((*pip, "install", "--quiet", "--no-index", str(repository.root / "dist" / names[0])), check=True)
    subprocess.run((*pip, "check"), check=True, capture_output=True)
    shown = subprocess.run((*pip, "show", "py-hello"), check=True, capture_output=True, text=True).stdout
    assert "Version: 1.2.3" in shown
    program = subprocess.run((str(tmp_path / "venv/bin/hello"),), check=True, capture_output=True, text=True)
    assert "hello 1.2.3\n" == program.stdout
