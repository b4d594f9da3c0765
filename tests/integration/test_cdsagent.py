"""tests/projects/cdsagent: an index, its command line and an agent, run as their users would."""

import http.server
import json
import plistlib
import re
import secrets
import subprocess
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from cdsagent import KEY, PROJECT, Programs, ask, index, serving
from support import need

pytestmark = pytest.mark.integration

CONFIG = PROJECT / "deployment" / "config"
SERVICES = ("index-service", "cli-tools", "agent")
TREE = (
    *("systemd/README.md", "launchd/README.md", "docker/docker-compose.yml", "volumes/.gitignore"),
    *(f"docker/{service}/Dockerfile" for service in SERVICES),
    *("config/.env.example", "config/prometheus.yml", "config/grafana/dashboards/cdsagent.json"),
    *(f"scripts/{name}.sh" for name in ("install-daemon-linux", "install-daemon-macos", "daemon-ctl")),
    *(f"scripts/{name}.sh" for name in ("health-check", "build-all", "deploy")),
    *(f"docs/{name}.md" for name in ("README", "TROUBLESHOOTING", "PRODUCTION")),
)
"""That of the specification, but for config.toml.example: the programs read variables only."""


@pytest.fixture
def model() -> Iterator[tuple[str, list[str | None]]]:
    """A model that says something; its address, and the keys that it was asked with."""
    keys: list[str | None] = []

    class Model(http.server.BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            keys.append(self.headers["x-api-key"])
            self.send_response(200)
            self.end_headers()
            self.wfile.write(b'{"content": [{"text": "it is in the parser"}]}')

        def log_message(self, *words: object) -> None:
            """Nobody reads it."""

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Model) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}", keys
        server.shutdown()


def agent_of(cdsagent: Programs, folder: Path, address: str) -> dict[str, str]:
    """The variables of an agent that asks this index, with its key in a file."""
    (folder / "key").write_text(f"{KEY}\n")
    return {
        "CDS_PROGRAM": str(cdsagent.cds),
        "CDS_INDEX_URL": f"http://{address}",
        "CDS_AGENT_LOGS": str(folder / "agent_logs"),
        "ANTHROPIC_API_KEY_FILE": str(folder / "key"),
    }


def test_the_chain(cdsagent: Programs, tmp_path: Path) -> None:
    """S1-11, S1-29: the agent runs the command line, that asks the index, whose nonce comes back; all is logged."""
    nonce = secrets.token_hex(8)
    with index(cdsagent, tmp_path) as address:
        instance = ask(address, "/health")[1]["instance"]
        added = ask(address, "/v1/documents", {"id": nonce, "text": f"only {nonce} says it", "links": ["other"]})
        assert (201, nonce, instance) == (added[0], added[1]["id"], added[1]["instance"])
        said = cdsagent.told(cdsagent.cds, "search", nonce, env={"CDS_INDEX_URL": f"http://{address}"})
        direct = json.loads(said.stdout)
        assert (instance, nonce, ["other"]) == (direct["instance"], direct["hits"][0]["id"], direct["hits"][0]["links"])
        with serving(cdsagent.agent, tmp_path / "agent.log", agent_of(cdsagent, tmp_path, address)) as agent:
            assert (200, {"found": direct}) == ask(agent, "/search", {"question": nonce})
    log = (tmp_path / "agent_logs" / "agent.log").read_text()
    assert nonce in log
    assert "stopped" in log
    assert "stopped" in (tmp_path / "index.log").read_text()


def test_a_missing_index_is_told(cdsagent: Programs, tmp_path: Path) -> None:
    """S1-29: without the index the command line ends with 1, the agent answers with 502, both say who is missing."""
    nobody = "127.0.0.1:1"
    done = cdsagent.told(cdsagent.cds, "health", env={"CDS_INDEX_URL": f"http://{nobody}"})
    assert (1, True) == (done.returncode, nobody in done.stderr)
    with serving(cdsagent.agent, tmp_path / "agent.log", agent_of(cdsagent, tmp_path, nobody)) as agent:
        status, body = ask(agent, "/search", {"question": "who"})
        assert (502, True) == (status, nobody in body["error"])


def test_not_ready_before_it_is(cdsagent: Programs, tmp_path: Path) -> None:
    """S1-17: while a large index is loaded it is 503, then 200, and never 503 again."""
    (tmp_path / "bm25_index").mkdir()
    text = " ".join(f"word{number}" for number in range(60))
    documents = {f"document-{number}": f"{text} {number}" for number in range(8_000)}
    (tmp_path / "bm25_index" / "documents.json").write_text(json.dumps(documents))
    with index(cdsagent, tmp_path, ready=False) as address:
        seen = [ask(address, "/health")[0]]
        end = time.monotonic() + 30
        while seen[-20:] != [200] * 20:
            assert time.monotonic() < end, seen[-20:]
            time.sleep(0.02)
            seen.append(ask(address, "/health")[0])
        assert {200, 503} == set(seen)
        assert sorted(seen, reverse=True) == seen
        assert len(documents) == ask(address, "/v1/documents", {"id": "document-0", "text": ""})[1]["documents"]


def test_metrics(cdsagent: Programs, tmp_path: Path) -> None:
    """S1-18: promtool finds nothing to improve; requests, their times and sizes are those of what was asked."""
    need("promtool")
    with index(cdsagent, tmp_path) as address:
        ask(address, "/v1/documents", {"id": "a", "text": "b", "links": ["c", "d"]})
        ask(address, "/nowhere")
        status, text = ask(address, "/metrics")
    assert 200 == status
    done = subprocess.run(("promtool", "check", "metrics"), input=text, capture_output=True, text=True, check=False)
    assert (0, "", "") == (done.returncode, done.stdout, done.stderr)
    lines = text.splitlines()
    for line in (
        'cds_index_requests_total{method="POST",route="/v1/documents",status="201"} 1',
        'cds_index_requests_total{method="GET",route="other",status="404"} 1',
        "cds_index_documents 1",
        "cds_index_links 2",
    ):
        assert line in lines
    counted = sum(int(line.rpartition(" ")[2]) for line in lines if line.startswith("cds_index_requests_total{"))
    assert f"cds_index_request_duration_seconds_count {counted}" in lines
    assert f'cds_index_request_duration_seconds_bucket{{le="+Inf"}} {counted}' in lines
    written = (tmp_path / "bm25_index" / "documents.json").stat().st_size
    assert f'cds_index_size_bytes{{index="bm25"}} {written}' in lines


def test_what_is_rendered_names_what_is_there(cdsagent: Programs, tmp_path: Path) -> None:
    """S1-18: every metric that alerts and dashboards ask for is one that the index has."""
    with index(cdsagent, tmp_path) as address:
        ask(address, "/health")
        there = set(re.findall(r"^(cds_index_\w+?)(?:\{| )", ask(address, "/metrics")[1], re.MULTILINE))
    files = [*(PROJECT / "deployment" / "monitoring").glob("alerts.yml"), *(CONFIG / "grafana").rglob("*.json")]
    asked = {name for file in files for name in re.findall(r"cds_index_\w+", file.read_text())}
    assert asked
    assert asked <= there


def read_by(cdsagent: Programs) -> dict[str, dict[str, str]]:
    """The variables that each service's program reads."""
    return {
        "index-service": cdsagent.defaults(cdsagent.index),
        "cli-tools": cdsagent.defaults(cdsagent.cds),
        "agent": cdsagent.defaults(cdsagent.agent),
    }


def test_every_variable_is_documented(cdsagent: Programs) -> None:
    """S1-12: what the programs read is in .env.example and what is in there is read; so in the code itself."""
    keys = {"ANTHROPIC_API_KEY", "OPENAI_API_KEY"}
    said = set(re.findall(r"^(?:# )?([A-Z][A-Z0-9_]+)=", (CONFIG / ".env.example").read_text(), re.MULTILINE))
    read = {name for each in read_by(cdsagent).values() for name in each}
    assert read | keys == said
    sources = [*(PROJECT / "crates").rglob("src/*.rs"), *(PROJECT / "agent" / "src").glob("*.ts")]
    named = {name for file in sources for name in re.findall(r"\b(?:CDS|ENV)_[A-Z0-9_]+[A-Z0-9]\b", file.read_text())}
    assert read == named


def test_tree() -> None:
    """S1-24: the tree of the specification is there."""
    assert [] == [path for path in TREE if not (PROJECT / "deployment" / path).is_file()]


def rendered_for(service: str) -> Iterator[tuple[str, dict[str, str | None]]]:
    """The variables of a service in each file that is rendered for it."""
    top = PROJECT / "deployment"
    unit = (top / "systemd" / f"{service}.service").read_text()
    yield "unit", dict(re.findall(r"^Environment=\"?(\w+)=(.*?)\"?$", unit, re.MULTILINE))
    plist = plistlib.loads((top / "launchd" / f"com.cdsagent.{service}.plist").read_bytes())
    yield "plist", plist["EnvironmentVariables"]
    yield "compose", yaml.safe_load((top / "docker/docker-compose.yml").read_text())["services"][service]["environment"]
    for profile in ("dev", "staging", "prod"):
        lines = (CONFIG / f"{service}.{profile}.env").read_text().splitlines()
        yield profile, dict(line.split("=", 1) for line in lines if "=" in line and not line.startswith("#"))


def test_defaults_agree(cdsagent: Programs) -> None:
    """S1-07: what a program does by itself is what unit, property list, compose and the files of variables tell it."""
    for service, defaults in read_by(cdsagent).items():
        # Folders and addresses are of a place, and the profile is what those files differ in.
        same = {name for name in defaults if not re.search(r"(_INDEX|_LOGS|_BIND|_URL|PROFILE)$", name)}
        for where, told in rendered_for(service):
            found = {name: value for name, value in told.items() if name in same and value is not None}
            assert found, (service, where)
            assert {name: defaults[name] for name in found} == found, (service, where)


def test_defaults_of_the_specification(cdsagent: Programs) -> None:
    """S1-07: 127.0.0.1:3030, 100 connections, 30 seconds, /health and /metrics."""
    wanted = {"CDS_BIND": "127.0.0.1", "CDS_PORT": "3030", "CDS_MAX_CONNECTIONS": "100", "CDS_REQUEST_TIMEOUT": "30"}
    assert wanted.items() <= cdsagent.defaults(cdsagent.index).items()
    for where, told in rendered_for("index-service"):
        if where in ("unit", "plist"):
            assert wanted.items() <= told.items()
    unit = (PROJECT / "deployment/systemd/index-service.service").read_text()
    assert "http://127.0.0.1:3030/health" in unit
    assert "metrics_path: /metrics" in (CONFIG / "prometheus.yml").read_text()


@pytest.mark.parametrize("profile", ["dev", "staging", "prod"])
def test_profiles(cdsagent: Programs, tmp_path: Path, profile: str) -> None:
    """S1-15: each program starts in each profile; in dev the index logs what it only counts elsewhere."""
    env = {"ENV_PROFILE": profile}
    with index(cdsagent, tmp_path, **env) as address:
        assert 0 == cdsagent.told(cdsagent.cds, "health", env=env | {"CDS_INDEX_URL": f"http://{address}"}).returncode
        with serving(cdsagent.agent, tmp_path / "agent.log", env | agent_of(cdsagent, tmp_path, address)) as agent:
            assert 200 == ask(agent, "/health")[0]
    assert (profile == "dev") == ('"/health" status=200' in (tmp_path / "index.log").read_text())
    assert f'"profile":"{profile}"' in (tmp_path / "agent.log").read_text()


def test_unknown_profile(cdsagent: Programs) -> None:
    """S1-15: each program ends with 78 and says which there are."""
    for program, words in ((cdsagent.index, ()), (cdsagent.cds, ("health",)), (cdsagent.agent, ())):
        done = cdsagent.told(program, *words, env={"ENV_PROFILE": "production", "ANTHROPIC_API_KEY": KEY})
        assert 78 == done.returncode
        assert re.search(r"ENV_PROFILE: expected one of dev, staging, prod, got .production", done.stderr)


def test_key_from_a_file(cdsagent: Programs, tmp_path: Path, model: tuple[str, list[str | None]]) -> None:
    """S1-16: the model is asked with the key of the file; the command line does not get it, and no log has it."""
    url, keys = model
    with index(cdsagent, tmp_path) as address:
        env = agent_of(cdsagent, tmp_path, address) | {"CDS_MODEL_URL": url}
        with serving(cdsagent.agent, tmp_path / "agent.log", env) as agent:
            status, body = ask(agent, "/ask", {"question": f"where is {KEY}?"})
    assert (200, "it is in the parser", [KEY]) == (status, body["answer"], keys)
    logs = [(tmp_path / name).read_text() for name in ("agent.log", "agent_logs/agent.log", "index.log")]
    assert "where is ***?" in logs[0]
    assert not [log for log in logs if KEY in log]


def test_a_missing_key_is_told(cdsagent: Programs, tmp_path: Path) -> None:
    """S1-13, S1-16: without the key of its provider the agent ends with 78, and shows no other one."""
    for env in ({}, {"CDS_PROVIDER": "openai"}, {"ANTHROPIC_API_KEY_FILE": str(tmp_path / "gone")}):
        wanted = "OPENAI_API_KEY" if "CDS_PROVIDER" in env else "ANTHROPIC_API_KEY"
        other = "ANTHROPIC_API_KEY" if "CDS_PROVIDER" in env else "OPENAI_API_KEY"
        done = cdsagent.told(cdsagent.agent, env={**env, other: KEY})
        assert (78, True, False) == (done.returncode, wanted in done.stderr, KEY in done.stderr)
