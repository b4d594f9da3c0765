"""The HTTP API."""

import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from importlib.metadata import version
from typing import Annotated, Final

from fastapi import FastAPI, HTTPException, Query, Request, Response, status
from prometheus_client import CONTENT_TYPE_LATEST

from aegis_qa.config import AegisConfig
from aegis_qa.history import History
from aegis_qa.metrics import Metrics
from aegis_qa.runner import Ask, ask_http, run

VERSION: Final = version("aegis-qa")
Limit = Annotated[int, Query(ge=1, le=1000)]


def create_app(
    config: AegisConfig, history: History, *, ask: Ask = ask_http, clock: Callable[[], float] = time.monotonic
) -> FastAPI:
    """The application. `clock` is monotonic, in seconds."""

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        history.record_event("server.started", VERSION)
        yield
        history.record_event("server.stopped", VERSION)

    app = FastAPI(title="Aegis", version=VERSION, lifespan=lifespan)
    app.state.start_time = clock()
    metrics = Metrics(lambda: clock() - app.state.start_time)

    @app.middleware("http")
    async def measure(request: Request, call_next: Callable[[Request], Awaitable[Response]]) -> Response:
        began, code = clock(), status.HTTP_500_INTERNAL_SERVER_ERROR
        try:
            response = await call_next(request)
            code = response.status_code
            return response
        finally:
            metrics.answered(code, clock() - began)

    @app.get("/health", tags=["meta"])
    async def health() -> dict[str, object]:
        """Whether it runs, since when, and what it knows."""
        return {
            "status": "ok",
            "version": VERSION,
            "uptime_seconds": round(clock() - app.state.start_time, 1),
            "services_configured": len(config.services),
            "workflows_configured": len(config.workflows),
        }

    @app.get("/metrics", tags=["meta"])
    async def metric() -> Response:
        """What Prometheus reads."""
        return Response(metrics.text(), media_type=CONTENT_TYPE_LATEST)

    _add_api(app, config, history, metrics, ask)
    return app


def _add_api(app: FastAPI, config: AegisConfig, history: History, metrics: Metrics, ask: Ask) -> None:
    def known(name: str) -> None:
        if name not in config.workflows:
            raise HTTPException(status.HTTP_404_NOT_FOUND, f"there is no workflow {name}")

    @app.get("/api/events", tags=["history"])
    def events(limit: Limit = 100) -> list[dict[str, object]]:
        """The last events, the newest first."""
        return history.events(limit)

    @app.get("/api/workflows", tags=["workflows"])
    def workflows() -> list[dict[str, object]]:
        """Every workflow with its steps."""
        return [{"name": name} | workflow.model_dump(mode="json") for name, workflow in config.workflows.items()]

    @app.get("/api/workflows/{name}/runs", tags=["history"])
    def runs(name: str, limit: Limit = 100) -> list[dict[str, object]]:
        """The last runs of a workflow, the newest first."""
        known(name)
        return history.runs(name, limit)

    @app.post("/api/workflows/{name}/runs", status_code=status.HTTP_201_CREATED, tags=["workflows"])
    def start(name: str) -> dict[str, object]:
        """Run a workflow, and say how it went."""
        known(name)
        steps = run(config, name, ask)
        passed = all(step["passed"] for step in steps)
        number = history.record_run(name, passed=passed, steps=steps)
        history.record_event("workflow.passed" if passed else "workflow.failed", name)
        metrics.ran(name, passed=passed)
        return {"id": number, "workflow": name, "passed": passed, "steps": steps}
