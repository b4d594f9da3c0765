"""aegis by its own Dockerfile and compose file, on a real Docker Engine."""

import json
import re
import shutil
import sqlite3
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest

from composing import Composed, compose_program, docker_build, seconds_until
from pythons import python_image
from registries import docker_engine, need_dockerd
from support import need

pytestmark = [pytest.mark.integration, pytest.mark.slow, pytest.mark.long]

PROJECT = Path(__file__).parent.parent / "projects" / "aegis"
BASE = "docker.io/library/python:3.11-slim"
HOME = "http://127.0.0.1:8000"
TOOLS = re.compile(r"bin/(gcc|cc|ld|make|cargo|rustc|pytest|mypy|ruff)$")


@dataclass(frozen=True)
class Built:
    """The image, and the services of it. `seconds` is what its first build took."""

    up: Composed
    root: Path
    seconds: float

    def docker(self, *words: str) -> str:
        """What a command of docker prints."""
        return self.up.engine.docker(*words)

    def size(self, image: str) -> int:
        """Bytes of an image, unpacked, with all below it."""
        return int(self.docker("image", "inspect", "--format", "{{.Size}}", image))


@pytest.fixture(scope="module")
def built(pytestconfig: pytest.Config, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Built]:
    """Built by the committed Dockerfile, and started by the committed compose file."""
    need_dockerd()
    need("mmdebstrap")
    folder = tmp_path_factory.mktemp("aegis")
    kept = pytestconfig.cache.mkdir("images") if pytestconfig.cache else folder
    program = compose_program(pytestconfig.cache.mkdir("compose") if pytestconfig.cache else folder)
    root = folder / "aegis"
    shutil.copytree(PROJECT, root, ignore=shutil.ignore_patterns(".*_cache", "dist", ".venv"))
    with docker_engine() as engine:
        python_image(engine, BASE, kept, folder)
        begin = time.monotonic()
        docker_build(engine, root, "aegis")
        seconds = time.monotonic() - begin
        up = Composed(program, engine, root / "docker-compose.yml", {"AEGIS_IMAGE": "aegis"})
        try:
            up("up", "--detach", "--wait")
            yield Built(up, root, seconds)
        finally:
            up.run("down", "--volumes", "--timeout", "1")


def told(path: str) -> Any:
    """What it answers."""
    return httpx.get(f"{HOME}{path}", trust_env=False, timeout=5).raise_for_status().json()


def test_small(built: Built) -> None:
    """S4-04, S1-P3: less than 200 MB with all below it, of which less than 50 are its own; built in < 5 min."""
    assert 200_000_000 > built.size("aegis")
    assert 50_000_000 > built.size("aegis") - built.size(BASE)
    assert 300 > built.seconds


def test_only_what_runs(built: Built) -> None:
    """S4-01: packages and the program, in the versions that are locked; no build tool, no source, no test tool."""
    listed = built.docker("run", "--rm", "--user", "0", "aegis", "find", "/", "-xdev").splitlines()
    assert "/usr/local/bin/aegis" in listed
    assert [] == [path for path in listed if TOOLS.search(path)]
    assert [] == [path for path in listed if path.startswith("/src") or "test_api" in path or "pyproject.toml" in path]
    installed = built.docker("run", "--rm", "aegis", "pip", "list", "--format", "freeze").splitlines()
    locked = re.findall(r"^([\w.-]+==\S+) ", (built.root / "requirements.txt").read_text(), re.MULTILINE)
    assert {line.replace("_", "-").lower() for line in locked} <= {line.replace("_", "-").lower() for line in installed}
    assert len(locked) + 2 == len([line for line in installed if not line.startswith("setuptools")])  # aegis and pip


def test_in_its_own_words(built: Built) -> None:
    """S4-02, S4-03: user, port, command and check; it runs as the account aegis."""
    config = json.loads(built.docker("image", "inspect", "--format", "{{json .Config}}", "aegis"))
    assert ({"8000/tcp": {}}, {"/app/data": {}}) == (config["ExposedPorts"], config["Volumes"])
    assert "aegis serve --host 0.0.0.0 --port 8000" == " ".join(config["Cmd"])
    check = config["Healthcheck"]
    assert (30, 5, 3) == (check["Interval"] // 10**9, check["Timeout"] // 10**9, check["Retries"])
    assert "urllib.request.urlopen" in check["Test"][-1]
    assert "uid=1000(aegis)" in built.up.inside("aegis", "id").stdout


def test_healthy(built: Built) -> None:
    """S4-03, S4-05, S4-08: Docker says so; the answer has the version of the package, and its time grows."""
    assert built.up.healthy("aegis")
    first = told("/health")
    time.sleep(0.3)
    assert told("/health")["uptime_seconds"] > first["uptime_seconds"]
    version = re.search(r'^version = "(.*)"$', (built.root / "pyproject.toml").read_text(), re.MULTILINE)
    assert version
    assert ("ok", version[1], 1, 1) == (
        first["status"],
        first["version"],
        first["services_configured"],
        first["workflows_configured"],
    )


def test_row_survives(built: Built, tmp_path: Path) -> None:
    """S4-05, S4-06: a row that SQLite has kept is in a new container, in the file that AEGIS_DB_PATH names."""
    httpx.post(f"{HOME}/api/workflows/itself/runs", trust_env=False, timeout=30).raise_for_status()
    before = built.up.container("aegis")
    runs = told("/api/workflows/itself/runs")
    built.up("down", "--timeout", "10")
    built.up("up", "--detach")
    after = built.up.container("aegis")
    assert before != after
    seconds_until(_answers, 30)
    assert runs == told("/api/workflows/itself/runs")
    built.docker("cp", f"{after}:/app/data/.", str(tmp_path))
    with sqlite3.connect(tmp_path / "aegis_history.db") as kept:
        assert ("ok",) == kept.execute("pragma integrity_check").fetchone()
    assert "1000:1000\n" == built.up.inside("aegis", "stat", "-c", "%u:%g", "/app/data").stdout


def test_config_is_read_only(built: Built) -> None:
    """S4-05: neither the config nor the root can be written from within."""
    for path in ("/app/.aegis.yaml", "/app/new", "/usr/local/bin/aegis"):
        done = built.up.run("exec", "-T", "--user", "0", "aegis", "sh", "-c", f"echo x >> {path}")
        assert (True, True) == (done.returncode != 0, "Read-only file system" in done.stderr), done.stderr


def test_what_is_sent(built: Built) -> None:
    """S4-07: of everything that lies about only what the image needs is sent to the engine."""
    for path in (
        *("data/aegis_history.db", "deployment/volumes/aegis-data/x", "tests/more.py", "docs/index.md", ".env"),
        *(".venv/bin/python", "coverage.xml", ".ruff_cache/x", ".mypy_cache/x", "src/aegis_qa/__pycache__/x.pyc"),
        *("src/aegis_qa.egg-info/PKG-INFO", ".git/HEAD", "dist/aegis.whl"),
    ):
        (built.root / path).parent.mkdir(parents=True, exist_ok=True)
        (built.root / path).write_text("left about\n")
    (built.root / "Look").write_text(f"FROM {BASE}\nCOPY . /context\nRUN find /context -type f\n")
    said = docker_build(built.up.engine, built.root, "look", "Look")
    sent = set(re.findall(r"^/context/(.*)$", said, re.MULTILINE))
    assert {"pyproject.toml", "requirements.txt", "README.md", "src/aegis_qa/cli.py"} <= sent
    assert [] == [path for path in sent if "left about" in (built.root / path).read_text()]


def test_dependencies_are_cached(built: Built) -> None:
    """S1-08: a changed source installs the program anew, and not what it depends on."""
    path = built.root / "src/aegis_qa/__init__.py"
    path.write_text(path.read_text() + "\n# changed\n")
    said = docker_build(built.up.engine, built.root, "changed")
    steps = re.split(r"^Step \d+/\d+ : ", said, flags=re.MULTILINE)[1:]
    cached = {step.splitlines()[0]: "Using cache" in step for step in steps}
    assert [True] == [used for line, used in cached.items() if "--require-hashes" in line]
    assert [False] == [used for line, used in cached.items() if line.startswith("RUN pip") and "--no-deps" in line]


def _answers() -> bool:
    try:
        return bool(told("/health")["status"] == "ok")
    except httpx.TransportError:
        return False
