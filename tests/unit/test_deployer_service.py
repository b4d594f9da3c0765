"""What the deployer tells of itself: health, capabilities, metrics."""

from collections.abc import Mapping
from dataclasses import replace

import anyio
import httpx
import pytest

from asking import asked, done, wish
from shipways.model.job import Job, JobStatus, Standing
from shipways.testing.console import ManualClock
from shipways.testing.desk import MemoryDesk


def test_healthy() -> None:
    """S2-06: it is healthy when hosts and registry are there, in the words of the specification."""

    async def act(http: httpx.AsyncClient) -> None:
        answer = await http.get("/health")
        said = {"status": "healthy", "ssh_status": "connected", "registry_status": "reachable"}
        assert (200, said) == (answer.status_code, answer.json())

    asked().play(act)


@pytest.mark.parametrize(
    ("ssh", "registry", "status"),
    [
        ("connected", "not configured", 200),
        ("host-1: does not answer", "reachable", 500),
        ("connected", "answers 503", 500),
    ],
)
def test_unhealthy(ssh: str, registry: str, status: int) -> None:
    """S2-06: what is not there makes it unhealthy, and is told: to who may read why, to others only that."""
    here = asked()
    here.desk.stands = Standing(ssh=ssh, registry=registry)

    async def act(http: httpx.AsyncClient) -> None:
        answer = await http.get("/health")
        words = {200: "healthy", 500: "unhealthy"}
        assert (status, words[status]) == (answer.status_code, answer.json()["status"])
        assert (ssh, registry) == (answer.json()["ssh_status"], answer.json()["registry_status"])
        async with here.client("nobody") as other:
            told = await other.get("/health")
        assert (status, False) == (told.status_code, "host-1" in told.text or "503" in told.text)

    here.play(act)


def test_health_is_asked_seldom() -> None:
    """F32: who asks for the health very often does not make it ask the hosts as often; after a while it is new."""
    here = asked()

    async def act(http: httpx.AsyncClient) -> None:
        await http.get("/health")
        here.desk.stands = replace(here.desk.stands, ssh="gone")
        assert 200 == (await http.get("/health")).status_code
        here.clock.advance(5)
        assert 500 == (await http.get("/health")).status_code

    here.play(act)


class Slow(MemoryDesk):
    """A desk whose hosts are silent for a while."""

    looks = 0

    async def standing(self) -> Standing:
        """Longer than an answer is new."""
        self.looks += 1
        assert isinstance(self.clock, ManualClock)
        self.clock.advance(15)
        await anyio.wait_all_tasks_blocked()
        return self.stands


def test_health_of_silent_hosts() -> None:
    """F7: all who wait for the health have one answer, also when that takes longer than it is new."""
    here = asked()
    here.app.state.house.desk = desk = Slow(clock=here.clock)

    async def act(http: httpx.AsyncClient) -> None:
        async with anyio.create_task_group() as group:
            for _ in range(20):
                group.start_soon(http.get, "/health")
        assert 1 == desk.looks

    here.play(act)


def test_capabilities() -> None:
    """S2-07: methods, features as they are configured, and the server; it names no host and no path."""

    async def act(http: httpx.AsyncClient) -> None:
        answer = await http.get("/capabilities")
        said = answer.json()
        assert (200, ["docker", "systemd"]) == (answer.status_code, said["deployment_methods"])
        assert ("shipways", 1, 4, 600.0) == tuple(
            said["server"][name] for name in ("name", "hosts", "concurrent_jobs", "job_timeout_seconds")
        )
        assert {"rollback", "hold"} <= set(said["features"])
        assert {"tls", "verifier"}.isdisjoint(said["features"])
        assert ("host-1" in answer.text, "/srv" in answer.text) == (False, False)

    asked().play(act, who="nobody")
    secure = asked(certificate="/etc/c.pem", key="/etc/k.pem", verifier="http://verifier.example")

    async def tls(http: httpx.AsyncClient) -> None:
        assert {"tls", "verifier"} <= set((await http.get("/capabilities")).json()["features"])

    secure.play(tls)


def test_metrics() -> None:
    """Jobs by status, what runs and what is held, and requests by route: a name that is made up makes no new line."""
    here = asked()

    async def act(http: httpx.AsyncClient) -> None:
        await done(http)
        here.desk.still = True
        await http.post("/deploy", json=wish(service_name="aegis"))
        await http.put("/services/pulse/hold", json={"reason": "x"})
        for path in ("/deploy/none", "/deploy/nobody", "/a", "/b"):
            await http.get(path)
        await http.request("BREW", "/coffee")
        lines = (await http.get("/metrics")).text.splitlines()
        for line in (
            'shipways_jobs{status="completed"} 1.0',
            'shipways_jobs{status="pending"} 1.0',
            'shipways_jobs{status="failed"} 0.0',
            'shipways_service_healthy{host="host-1",service="pulse"} 1.0',
            'shipways_service_held{host="host-1",service="pulse"} 1.0',
            'shipways_http_requests_total{method="POST",route="/deploy",status="202"} 2.0',
            'shipways_http_requests_total{method="GET",route="/deploy/{job_id}",status="404"} 2.0',
            'shipways_http_requests_total{method="GET",route="other",status="404"} 2.0',
            'shipways_http_requests_total{method="other",route="other",status="404"} 1.0',
        ):
            assert line in lines
        assert any(line.startswith("process_resident_memory_bytes ") for line in lines)

    here.play(act)


def test_stopping() -> None:
    """From the moment it is to stop it takes no more jobs by its own words, though it lives."""
    here = asked()

    async def act(http: httpx.AsyncClient) -> None:
        here.app.state.house.stopping.set()
        assert (503, 200) == ((await http.get("/readyz")).status_code, (await http.get("/livez")).status_code)
        here.desk.still = True
        job = (await http.post("/deploy", json=wish())).json()["deploy_job_id"]
        assert "" == (await http.get(f"/deploy/{job}/events")).text

    here.play(act)


class Broken(MemoryDesk):
    """A desk with a bug."""

    async def tally(self) -> Mapping[JobStatus, int]:
        """Something that nobody thought of."""
        raise RuntimeError("canary-inside")

    async def job(self, id: str) -> Job | None:  # noqa: A002 - the word of the model
        """The same."""
        raise RuntimeError(id)


def test_bug(caplog: pytest.LogCaptureFixture) -> None:
    """An error that nobody thought of is 500, tells nothing of what is inside, is logged, and counted."""
    here = asked()
    here.app.state.house.desk = Broken(clock=here.clock)

    async def act(http: httpx.AsyncClient) -> None:
        answer = await http.get("/readyz")
        assert (500, "application/problem+json") == (answer.status_code, answer.headers["content-type"])
        assert ("nosniff", False) == (answer.headers["x-content-type-options"], "canary" in answer.text)
        await http.get("/deploy/x%0aERROR a line of mine")
        here.app.state.house.desk = here.desk
        assert '{method="GET",route="/readyz",status="500"} 1.0' in (await http.get("/metrics")).text

    here.play(act)
    assert "canary-inside" in caplog.text
    assert ["GET '/deploy/x\\nERROR a line of mine'"] == [text for text in caplog.messages if "mine" in text]
