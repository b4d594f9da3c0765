"""tests/projects/aegis: a Python service, built by shipways, installed as its users would, and started."""

import contextlib
import os
import re
import shutil
import socket
import sqlite3
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest

from registries import running
from sandbox import Repository
from support import need
from wheelhouse import built
from working import commands, read

pytestmark = pytest.mark.integration

PROJECT = Path(__file__).parent.parent / "projects" / "aegis"
KEYS = {"status", "version", "uptime_seconds", "services_configured", "workflows_configured"}
CONFIG = """
history_db_path: {history}
services:
  itself: {{ url: "http://127.0.0.1:{port}" }}
workflows:
  good: {{ steps: [{{ service: itself }}] }}
  bad: {{ steps: [{{ service: itself, path: /nowhere }}, {{ service: itself }}] }}
"""


@dataclass(frozen=True, kw_only=True)
class Aegis:
    """The project in a repository of its own, with what shipways built of it, and where its wheel is installed."""

    repository: Repository
    programs: Path

    @property
    def version(self) -> str:
        """That of the wheel."""
        (wheel,) = (self.repository.root / "dist").glob("*.whl")
        return wheel.name.split("-")[1]

    def run(self, *words: str, env: dict[str, str] | None = None) -> "subprocess.CompletedProcess[str]":
        """A program of its environment, in the folder of the project."""
        argv = (str(self.programs / words[0]), *words[1:])
        inherited = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
        return subprocess.run(
            argv,
            cwd=self.repository.root,
            env=inherited | (env or {}),
            capture_output=True,
            text=True,
            check=False,
            timeout=300,
        )


@pytest.fixture(scope="session")
def aegis(tmp_path_factory: pytest.TempPathFactory) -> Aegis:
    """Built once; its environment has what requirements-dev.txt pins, and the wheel."""
    need("uv")
    top = tmp_path_factory.mktemp("aegis")
    shutil.copytree(PROJECT, top / "aegis", ignore=shutil.ignore_patterns(".*_cache", "dist", ".venv"))
    steps = ("--step=builders/aegis-qa/sdist", "--step=builders/aegis-qa/wheel")
    repository = built(Repository(top / "aegis", top / "cache").commit(), *steps)
    uv = {"VIRTUAL_ENV": str(top / "venv"), "UV_PYTHON_DOWNLOADS": "never"}
    wheels = tuple(map(str, (repository.root / "dist").glob("*.whl")))
    for words in (
        ("venv", str(top / "venv")),
        ("pip", "sync", "--require-hashes", str(repository.root / "requirements-dev.txt")),
        ("pip", "install", "--no-deps", *wheels),
        ("pip", "check"),
    ):
        subprocess.run(("uv", "--quiet", *words), env=os.environ | uv, check=True)
    return Aegis(repository=repository, programs=top / "venv" / "bin")


@pytest.fixture(scope="module")
def client(aegis: Aegis, tmp_path_factory: pytest.TempPathFactory) -> Iterator[httpx.Client]:
    """Somebody who asks the program, which runs until the last test ends."""
    with serving(aegis, tmp_path_factory.mktemp("served")) as (found, _):
        yield found


@contextlib.contextmanager
def serving(aegis: Aegis, folder: Path, **env: str) -> Iterator[tuple[httpx.Client, "subprocess.Popen[bytes]"]]:
    """`aegis serve` with one service, itself, two workflows, and its history in the folder."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    (folder / "aegis.yaml").write_text(CONFIG.format(history=folder / "own.db", port=port))
    argv = (str(aegis.programs / "aegis"), "serve", "--port", str(port), "--config", str(folder / "aegis.yaml"))
    with httpx.Client(base_url=f"http://127.0.0.1:{port}", trust_env=False) as client:

        def ready() -> bool:
            with contextlib.suppress(httpx.TransportError):
                return client.get("/health").status_code == 200
            return False

        with running(argv, folder / "log", ready, env=env) as process:
            yield client, process


def events(client: httpx.Client) -> list[str]:
    """The kinds of events that it tells of, the newest first."""
    return [event["kind"] for event in client.get("/api/events").json()]


def kept(path: Path) -> list[str]:
    """The kinds of events in a database, the newest first."""
    with contextlib.closing(sqlite3.connect(path)) as database:
        return [kind for (kind,) in database.execute("SELECT kind FROM events ORDER BY id DESC")]


def test_distributions(aegis: Aegis) -> None:
    """`shipways build` makes the sdist, and the wheel with the program."""
    names = {path.name for path in (aegis.repository.root / "dist").iterdir()}
    assert {f"aegis_qa-{aegis.version}.tar.gz", f"aegis_qa-{aegis.version}-py3-none-any.whl"} <= names
    assert f"aegis {aegis.version}\n" == aegis.run("aegis", "--version").stdout


@pytest.mark.long
@pytest.mark.parametrize(
    "words",
    [("pytest", "--cov"), ("mypy", "--strict"), ("ruff", "check"), ("ruff", "format", "--check")],
    ids=" ".join,
)
def test_gate(aegis: Aegis, words: tuple[str, ...]) -> None:
    """S4-AC: its own tests pass and cover 85 % at least; mypy and ruff find nothing."""
    done = aegis.run(*words)
    assert 0 == done.returncode, done.stdout + done.stderr
    if words[0] == "pytest":
        covered = re.search(r"Required test coverage of 85\.0% reached", done.stdout)
        assert covered, done.stdout


def test_health(aegis: Aegis, client: httpx.Client) -> None:
    """S4-08: five members, the version is that of the wheel, and the uptime grows, in seconds with one decimal."""
    first = client.get("/health").json()
    assert KEYS == set(first)
    assert ("ok", aegis.version) == (first["status"], first["version"])
    assert (1, 2) == (first["services_configured"], first["workflows_configured"])
    began = time.monotonic()
    time.sleep(0.5)
    second = client.get("/health").json()
    grown = second["uptime_seconds"] - first["uptime_seconds"]
    assert 0.3 <= grown <= time.monotonic() - began + 0.2
    said = [each["uptime_seconds"] for each in (first, second)]
    assert [round(uptime, 1) for uptime in said] == said


def test_workflows_and_metrics(client: httpx.Client) -> None:
    """A workflow asks services; runs and events are told, and counted for Prometheus."""
    ran: Any = {name: client.post(f"/api/workflows/{name}/runs").json() for name in ("good", "bad")}
    assert {"good": True, "bad": False} == {name: run["passed"] for name, run in ran.items()}
    assert [404] == [step["status"] for step in ran["bad"]["steps"]]
    assert ["good", "bad"] == [workflow["name"] for workflow in client.get("/api/workflows").json()]
    assert ["workflow.failed", "workflow.passed", "server.started"] == events(client)
    lines = client.get("/metrics").text.splitlines()
    assert 'aegis_workflow_runs_total{passed="true",workflow="good"} 1.0' in lines
    assert 'aegis_requests_total{status="404"} 1.0' in lines


def test_series_are_measured(client: httpx.Client) -> None:
    """What shipways.toml says of the metrics is what the program calls them."""
    text = (PROJECT / "shipways.toml").read_text()
    names = re.findall(r'"(aegis_[a-z_]+)"', text)
    measured = dict(re.findall(r"^# TYPE (\S+) (\S+)$", client.get("/metrics").text, re.MULTILINE))
    assert ["counter", "histogram", "gauge"] == [measured.get(name) for name in names]


def test_variable_wins(aegis: Aegis, tmp_path: Path) -> None:
    """S4-06: the history is where AEGIS_DB_PATH says, and the file that the config names is not even made."""
    with serving(aegis, tmp_path, AEGIS_DB_PATH=str(tmp_path / "data" / "other.db")) as (client, _):
        assert ["server.started"] == events(client)
    assert ["server.stopped", "server.started"] == kept(tmp_path / "data" / "other.db")
    assert not (tmp_path / "own.db").exists()


def test_history_survives_and_sigterm_ends(aegis: Aegis, tmp_path: Path) -> None:
    """SIGTERM ends it with 0; the next one has what this one kept, in the file that the config names."""
    with serving(aegis, tmp_path) as (client, process):
        client.post("/api/workflows/good/runs")
        process.terminate()
        assert 0 == process.wait(10)
    with serving(aegis, tmp_path) as (client, _):
        assert ["server.started", "server.stopped", "workflow.passed", "server.started"] == events(client)
        assert [True] == [run["passed"] for run in client.get("/api/workflows/good/runs").json()]


@pytest.mark.parametrize(
    ("text", "env", "said"),
    [
        ("servces: {}\n", {}, "aegis.yaml: servces: Extra inputs are not permitted"),
        (None, {}, "aegis.yaml: [Errno 2] No such file or directory"),
        ("", {"AEGIS_DB_PATH": "/dev/null/h.db"}, "history /dev/null/h.db: "),
    ],
    ids=["unknown key", "no file", "no folder"],
)
def test_bad_config(aegis: Aegis, tmp_path: Path, text: str | None, env: dict[str, str], said: str) -> None:
    """It does not start, says which file is wrong, and exits 78."""
    if text is not None:
        (tmp_path / "aegis.yaml").write_text(text)
    done = aegis.run("aegis", "serve", env=env | {"AEGIS_CONFIG": str(tmp_path / "aegis.yaml")})
    assert 78 == done.returncode, done.stderr
    assert said in done.stderr


def test_readme(client: httpx.Client) -> None:
    """S4-10: "Deployment" follows "Quick Start", the table has every operation that OpenAPI has, and a diagram."""
    text = (PROJECT / "README.md").read_text()
    headings = re.findall(r"^## (.*)$", text, re.MULTILINE)
    assert ["Quick Start", "Deployment", "API", "Architecture"] == headings[:4]
    paths = client.get("/openapi.json").json()["paths"]
    operations = {(method.upper(), path) for path, methods in paths.items() for method in methods}
    assert operations == set(re.findall(r"^\| (GET|POST) \| `(\S+)` \|", text, re.MULTILINE))
    assert {("GET", "/api/events"), ("GET", "/api/workflows")} <= operations
    assert "```mermaid\nflowchart" in text


def test_ci_builds_the_image() -> None:
    """S4-09: CI builds the image for pull requests and on main, beside the other jobs; nothing can push it."""
    workflow = read((PROJECT / ".github" / "workflows" / "ci.yml").read_text())
    assert {"pull_request": None, "push": {"branches": ["main"]}} == workflow["on"]
    assert {"lint", "types", "tests", "image-aegis"} <= set(workflow["jobs"])
    job = workflow["jobs"]["image-aegis"]
    assert "nox -s build -- --step images/aegis" == commands(job)[-1]
    assert ({"contents": "read"}, False) == (job["permissions"], "needs" in job)
    assert not [step for step in job["steps"] if "login" in str(step) or "secrets." in str(step)]
