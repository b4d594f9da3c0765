"""The deployer by its own Dockerfile and compose file, on a real Docker Engine."""

import json
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from packaging.utils import canonicalize_name

from composing import TENDER, Composed, compose_program, docker_build, docker_import, go_program, program_layer
from pythons import python_image
from registries import docker_engine, need_dockerd
from support import need

pytestmark = [pytest.mark.integration, pytest.mark.long]

ROOT = Path(__file__).parent.parent.parent
HOME = "http://127.0.0.1:8007"
SERVE = ("shipways", "serve", "--config", "/etc/deployer/shipways.toml")


@pytest.fixture(scope="module")
def up(pytestconfig: pytest.Config, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Composed]:
    """Built of what git has, upon a Python and a tender of this machine, and started by the committed file."""
    need_dockerd()
    need("mmdebstrap")
    folder = tmp_path_factory.mktemp("deployer")
    kept = pytestconfig.cache.mkdir("images") if pytestconfig.cache else folder
    program = compose_program(pytestconfig.cache.mkdir("compose") if pytestconfig.cache else folder)
    tree = folder / "tree"
    for name in subprocess.run(
        ("git", "ls-files"), cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout.split():
        (tree / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / name, tree / name)
    with docker_engine() as engine:
        python_image(engine, "docker.io/library/python:3.13-slim", kept, folder)
        layer = program_layer(go_program(TENDER, folder / "tender"))
        docker_import(engine, layer, "ghcr.io/shipways/tender:0.1.0", folder)
        docker_build(engine, tree, "deployer", "deployment/docker/deployer/Dockerfile")
        composed = Composed(
            program, engine, tree / "deployment/docker/docker-compose.yml", {"DEPLOYER_IMAGE": "deployer"}
        )
        try:
            composed("up", "--detach", "--wait")
            yield composed
        finally:
            composed.run("down", "--volumes", "--timeout", "1")


def test_serves(up: Composed) -> None:
    """S1-09, S1-28, S2-06: it is healthy, published on this machine alone; tender is first, and nobody is root."""
    assert up.healthy("deployer")
    assert {"status": "alive"} == httpx.get(f"{HOME}/livez", trust_env=False).json()
    assert "unreachable" == httpx.get(f"{HOME}/health", trust_env=False, timeout=60).json()["ssh_status"]
    bindings = json.loads(up.told("deployer", "json .HostConfig.PortBindings"))
    assert {"8007/tcp": [{"HostIp": "127.0.0.1", "HostPort": "8007"}]} == bindings
    status = up.inside("deployer", "cat", "/proc/1/status").stdout
    assert (True, True) == (status.startswith("Name:\ttender"), "Uid:\t65532\t65532\t65532\t65532" in status)


def test_works(up: Composed) -> None:
    """Its volumes belong to it: a token is made there, and lets somebody in; tender for the hosts is where it is."""
    made = up.inside("deployer", *SERVE, "--new-token", "ann", "--scopes", "read")
    assert 0 == made.returncode, made.stderr
    bearer = {"authorization": f"Bearer {made.stdout.strip()}"}
    assert [] == httpx.get(f"{HOME}/deploy", headers=bearer, trust_env=False).raise_for_status().json()
    assert "shipways_http_requests_total" in httpx.get(f"{HOME}/metrics", headers=bearer, trust_env=False).text
    assert 0 == up.inside("deployer", "tender", "--version").returncode
    written = up.inside("deployer", "sh", "-c", "echo > /etc/deployer/shipways.toml")
    assert "Read-only file system" in written.stderr


def test_as_it_was_locked(up: Composed) -> None:
    """The versions of requirements.txt, the program with its manual pages, and no source."""
    version, pins = up.inside("deployer", "shipways", "--version").stdout, (ROOT / "requirements.txt").read_text()
    listed = up.inside("deployer", "pip", "list", "--format", "freeze").stdout.split()
    installed = {canonicalize_name(name): number for name, _, number in (line.partition("==") for line in listed)}
    assert version.startswith("shipways 0.")
    others = {name: number for name, number in installed.items() if name not in {"shipways", "pip"}}
    assert {} == {name: number for name, number in others.items() if f"\n{name}=={number}" not in f"\n{pins}"}
    assert len(others) > 80
    pages = up.inside("deployer", "find", "/usr/local/share/man", "/src", "-name", "shipways*").stdout.split()
    assert {"/usr/local/share/man/man1/shipways.1", "/usr/local/share/man/man1/shipways-serve.1"} == set(pages)
