"""What the API answers."""

from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path

import pytest
from fastapi.testclient import TestClient

from aegis_qa.app import create_app
from aegis_qa.config import AegisConfig
from aegis_qa.history import History

CONFIG = AegisConfig.model_validate(
    {
        "services": {"web": {"url": "http://web:1"}, "shop": {"url": "http://shop:2/base/"}},
        "workflows": {
            "smoke": {"steps": [{"service": "web"}, {"service": "shop", "path": "/cart", "status": 401}]},
            "down": {"steps": [{"service": "web", "path": "/down"}, {"service": "web"}]},
        },
    }
)
ANSWERS = {"http://web:1/health": 200, "http://shop:2/base/cart": 401}


class Clock:
    """A clock that tests turn."""

    now = 100.0

    def __call__(self) -> float:
        """Seconds."""
        return self.now


@pytest.fixture
def clock() -> Clock:
    """A clock that stands still."""
    return Clock()


@pytest.fixture
def client(tmp_path: Path, clock: Clock) -> Iterator[TestClient]:
    """An application that has started, with two services and two workflows."""
    with TestClient(create_app(CONFIG, History(tmp_path / "h.db"), ask=ANSWERS.get, clock=clock)) as client:
        yield client


def test_health(client: TestClient, clock: Clock) -> None:
    """Status, version of the package, uptime with one decimal, and what is configured."""
    clock.now = 112.3456
    assert client.get("/health").json() == {
        "status": "ok",
        "version": version("aegis-qa"),
        "uptime_seconds": 12.3,
        "services_configured": 2,
        "workflows_configured": 2,
    }


def test_workflows(client: TestClient) -> None:
    """Each has a name, a description and its steps."""
    found = client.get("/api/workflows").json()
    assert [workflow["name"] for workflow in found] == ["smoke", "down"]
    assert found[0]["steps"][1] == {"service": "shop", "path": "/cart", "status": 401}


def test_run_that_passes(client: TestClient) -> None:
    """Every step is run; the run is kept, and told as an event."""
    said = client.post("/api/workflows/smoke/runs")
    assert (said.status_code, said.json()["passed"]) == (201, True)
    assert [step["status"] for step in said.json()["steps"]] == [200, 401]
    (kept,) = client.get("/api/workflows/smoke/runs").json()
    assert said.json() == {key: kept[key] for key in ("id", "workflow", "passed", "steps")}
    kinds = [(event["kind"], event["detail"]) for event in client.get("/api/events").json()]
    assert [("workflow.passed", "smoke"), ("server.started", version("aegis-qa"))] == kinds


def test_run_that_fails(client: TestClient) -> None:
    """The first wrong answer ends it."""
    said = client.post("/api/workflows/down/runs").json()
    assert said["steps"] == [{"service": "web", "path": "/down", "status": None, "passed": False}]
    assert said["passed"] is False
    assert client.get("/api/events", params={"limit": 1}).json()[0]["kind"] == "workflow.failed"


def test_unknown_workflow(client: TestClient) -> None:
    """It is not found, neither to run nor to look at."""
    assert client.get("/api/workflows/none/runs").status_code == client.post("/api/workflows/none/runs").status_code
    assert client.get("/api/workflows/none/runs").json() == {"detail": "there is no workflow none"}


@pytest.mark.parametrize("limit", ["0", "1001", "x"])
def test_limit(client: TestClient, limit: str) -> None:
    """It is a number from 1 to 1000."""
    assert client.get("/api/events", params={"limit": limit}).status_code == 422


def test_metrics(client: TestClient, clock: Clock) -> None:
    """Requests by status, their times, runs, and the uptime."""
    client.get("/health")
    client.get("/nowhere")
    client.post("/api/workflows/smoke/runs")
    clock.now = 107.0
    said = client.get("/metrics")
    assert said.headers["content-type"].startswith("text/plain; version=")
    assert {
        'aegis_requests_total{status="200"} 1.0',
        'aegis_requests_total{status="404"} 1.0',
        "aegis_request_duration_seconds_count 3.0",
        'aegis_workflow_runs_total{passed="true",workflow="smoke"} 1.0',
        "aegis_uptime_seconds 7.0",
    } <= set(said.text.splitlines())


def test_failure_is_counted(tmp_path: Path) -> None:
    """A request that ends in an exception counts with 500."""

    def broken(_: str) -> int:
        raise RuntimeError

    app = create_app(CONFIG, History(tmp_path / "h.db"), ask=broken)
    client = TestClient(app, raise_server_exceptions=False)
    assert client.post("/api/workflows/smoke/runs").status_code == 500
    assert 'aegis_requests_total{status="500"} 1.0' in client.get("/metrics").text
