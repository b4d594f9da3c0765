"""One commit gives one set of bytes, with the tools of the machine and in containers.

Few targets stand for all: `nox -s bench -- containers containers-rust` compares all six, and a Rust program's too.
"""

import json
import shutil
from collections.abc import Mapping
from pathlib import Path

import pytest

from engines import Containers
from sandbox import Repository

pytestmark = pytest.mark.integration

ROOT = Path(__file__).parents[2]
TENDER = """[project]
name = "tender"
repository = "shipways/tender"
targets = ["x86_64-unknown-linux-musl"]

[package.tender]
build = "go"
version = "0.1.0"

[package.shipways-tender]
build = "python"
description = "Health probe and init for containers without a shell"
python = { binary = "tender" }

[image.tender]
package = "tender"
platforms = ["linux/amd64"]
"""


@pytest.fixture
def pulse(repository: Repository) -> Repository:
    """A Go service with archives, bills of materials, an image and a formula."""
    shutil.copytree(ROOT / "tests" / "projects" / "pulse", repository.root, dirs_exist_ok=True)
    config = (repository.root / "shipways.toml").read_text()
    config = config.replace("[image.pulse]", '[image.pulse]\nplatforms = ["linux/amd64"]')
    targets = '["x86_64-unknown-linux-musl", "x86_64-pc-windows-msvc"]'
    repository.file("shipways.toml", config.replace("[project]", f"[project]\ntargets = {targets}"))
    return repository.write(_dot_gitignore="/dist/\n").commit()


@pytest.fixture
def tender(repository: Repository) -> Repository:
    """Our own Go program, and the wheels that carry it."""
    shutil.copytree(ROOT / "ci" / "tender", repository.root, dirs_exist_ok=True)
    shutil.copy(ROOT / "shipways.lock", repository.root)
    return repository.write(shipways_dot_toml=TENDER, _dot_gitignore="/dist/\n").commit()


@pytest.fixture(scope="module")
def stores(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The stores of both engines: a toolchain, and Go's library, are made once in each."""
    return tmp_path_factory.mktemp("stores")


def released(repository: Repository, cache: Path, env: Mapping[str, str]) -> dict[str, str]:
    """The digests of the release's artifacts, made with a store of its own."""
    shutil.rmtree(repository.root / "dist", ignore_errors=True)
    ran = repository.shipways("release", env={"XDG_CACHE_HOME": str(cache), **env})
    assert 0 == ran.code, ran.err
    manifest = json.loads((repository.root / "dist" / "manifest.json").read_text())
    return {artifact["path"]: artifact["digest"] for artifact in manifest["artifacts"]}


@pytest.mark.parametrize("project", ["pulse", pytest.param("tender", marks=pytest.mark.long)])
def test_go(project: str, request: pytest.FixtureRequest, containers: Containers, stores: Path) -> None:
    """Every artifact of a Go release has the same digest, whichever engine made it."""
    repository: Repository = request.getfixturevalue(project)
    locked = repository.shipways("lock", env=containers.env)
    assert 0 == locked.code, locked.err
    repository.commit()
    host = released(repository, stores / "host", {"SHIPWAYS_ENGINE": "host"})
    assert len(host) > 5
    assert host == released(repository, stores / "containers", containers.env)
