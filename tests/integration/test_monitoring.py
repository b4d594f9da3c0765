"""What is rendered for Prometheus and Grafana, in the real programs."""

import json
import shutil
import socket
import subprocess
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import httpx
import pytest

from deploying import METERED, rendered
from engines import wait_for
from registries import running
from shipways.deploy import monitoring
from support import need

pytestmark = pytest.mark.integration
OURS = Path(__file__).parent.parent.parent / "deployment"


class Metered(BaseHTTPRequestHandler):
    """Answers with metrics that grow with time."""

    def do_GET(self) -> None:
        """The text exposition format, version 0.0.4."""
        count = int(time.monotonic() * 10)
        lines = (
            f'shop_requests_total{{status="200"}} {count}',
            f'shop_request_seconds_bucket{{le="0.1"}} {count}',
            f'shop_request_seconds_bucket{{le="+Inf"}} {count}',
            f"shop_request_seconds_sum {count / 100}",
            f"shop_request_seconds_count {count}",
            "shop_items 7",
        )
        self.send_response(200)
        self.send_header("Content-Type", "text/plain; version=0.0.4")
        self.end_headers()
        self.wfile.write("\n".join((*lines, "")).encode())

    def log_message(self, *words: object) -> None:
        """Nobody reads it."""


@pytest.fixture
def measured() -> Iterator[str]:
    """The host and port of a program with the metrics of the service."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), Metered)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def files(tmp_path: Path) -> Path:
    """The rendered files of a service with all kinds of metrics, on disk."""
    for path, text in rendered(monitoring, METERED).items():
        place = tmp_path / path
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(text)
    return tmp_path / "deployment"


def run(*argv: str | Path) -> str:
    """A command that has to end well; what it printed."""
    done = subprocess.run(argv, capture_output=True, text=True, check=False)
    assert 0 == done.returncode, done.stdout + done.stderr
    return done.stdout


def test_promtool(files: Path) -> None:
    """S1-19: the config and the rules are right, and each rule fires when it has to and not otherwise."""
    need("promtool")
    run("promtool", "check", "config", files / "config" / "prometheus.yml")
    run("promtool", "check", "rules", files / "monitoring" / "alerts.yml")
    run("promtool", "test", "rules", files / "monitoring" / "alerts.test.yml")


def test_ours(tmp_path: Path) -> None:
    """S1-18, S1-19: what is committed for the deployer is right too; its metrics are read with a token."""
    need("promtool", "amtool")
    shutil.copytree(OURS, tmp_path / "deployment")
    config, token = tmp_path / "deployment/config/prometheus.yml", "/etc/prometheus/deployer.token"
    (tmp_path / "token").write_text("x")
    assert f"credentials_file: {token}\n" in config.read_text()
    config.write_text(config.read_text().replace(token, str(tmp_path / "token")))
    run("promtool", "check", "config", config)
    run("promtool", "test", "rules", tmp_path / "deployment/monitoring/alerts.test.yml")
    run("amtool", "check-config", tmp_path / "deployment/monitoring/alertmanager.yml")


def test_a_wrong_rule_is_noticed(files: Path) -> None:
    """S1-19: the tests of the rules fail for a rule that never fires."""
    need("promtool")
    rules = files / "monitoring" / "alerts.yml"
    rules.write_text(rules.read_text().replace("> 0.1", "> 1.1"))
    done = subprocess.run(("promtool", "test", "rules", files / "monitoring" / "alerts.test.yml"), check=False)
    assert 0 != done.returncode


def test_amtool(files: Path) -> None:
    """Alertmanager takes its config, and asks nobody until the user has said whom."""
    need("amtool")
    assert "SUCCESS" in run("amtool", "check-config", files / "monitoring" / "alertmanager.yml")


@pytest.fixture
def prometheus(files: Path, tmp_path: Path, measured: str) -> Iterator[str]:
    """A real Prometheus that scrapes a program with the metrics of the service; its address."""
    need("prometheus")
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    config = files / "config" / "prometheus.yml"
    config.write_text(config.read_text().replace("shop:8080", measured).replace("10s", "1s"))
    argv = (
        *("prometheus", f"--config.file={config}", f"--storage.tsdb.path={tmp_path / 'tsdb'}"),
        f"--web.listen-address=127.0.0.1:{port}",
    )
    url = f"http://127.0.0.1:{port}"
    with running(argv, tmp_path / "prometheus.log", lambda: ready(f"{url}/-/ready")):
        yield url


def ready(url: str) -> bool:
    """Whether it answers."""
    try:
        return httpx.get(url, trust_env=False).is_success
    except httpx.TransportError:
        return False


def values(prometheus: str, query: str) -> list[str]:
    """What a query finds now."""
    answer = httpx.get(f"{prometheus}/api/v1/query", params={"query": query}, trust_env=False).json()
    return [found["value"][1] for found in answer["data"]["result"] if found["value"][1] != "NaN"]


def test_every_panel_has_data(prometheus: str, files: Path) -> None:
    """S1-18, S1-21: the service is up, and each query of the dashboard has an answer."""
    board = json.loads((files / "config" / "grafana" / "dashboards" / "shop.json").read_text())
    queries = [target["expr"] for panel in board["panels"] for target in panel["targets"]]
    assert 4 == len(queries)
    wait_for(lambda: ["1"] == values(prometheus, queries[0]))
    wait_for(lambda: all(values(prometheus, query) for query in queries))
