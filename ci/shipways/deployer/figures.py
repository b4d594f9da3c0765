"""/metrics: what was asked, how long that took, how jobs stand and what runs, in the format of Prometheus."""

import time
from dataclasses import dataclass
from typing import Final

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, ProcessCollector
from prometheus_client.exposition import generate_latest
from starlette.types import ASGIApp, Message, Receive, Send
from starlette.types import Scope as Asgi

from shipways.deployer.desk import Desk
from shipways.model.job import JobStatus

_METHODS: Final = frozenset({"GET", "HEAD", "POST", "PUT", "DELETE"})


class Figures:
    """The figures of one application, in a registry of their own."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        ProcessCollector(registry=self.registry)
        into = self.registry
        self.requests = Counter(
            "shipways_http_requests", "Requests that were answered.", ("method", "route", "status"), registry=into
        )
        self.seconds = Histogram(
            "shipways_http_seconds",
            "How long an answer took; of events, as long as they were followed.",
            ("route",),
            registry=into,
        )
        self.jobs = Gauge("shipways_jobs", "Jobs in the journal.", ("status",), registry=into)
        self.healthy = Gauge("shipways_service_healthy", "Whether a service is.", ("service", "host"), registry=into)
        self.since = Gauge(
            "shipways_service_since_seconds", "When its release was brought there.", ("service", "host"), registry=into
        )
        self.held = Gauge(
            "shipways_service_held", "Whether nothing may be deployed to it.", ("service", "host"), registry=into
        )

    async def of(self, desk: Desk) -> bytes:
        """All of them, as they are now."""
        tally = await desk.tally()
        for status in JobStatus:
            self.jobs.labels(status).set(tally.get(status, 0))
        for gauge in (self.healthy, self.since, self.held):
            gauge.clear()
        for each in await desk.placed():
            self.healthy.labels(each.service, each.host).set(not each.why)
            self.since.labels(each.service, each.host).set(each.since)
            self.held.labels(each.service, each.host).set(each.hold is not None)
        return generate_latest(self.registry)


@dataclass(frozen=True, slots=True)
class Counted:
    """Counts each answer by its route; what has none is one of "other", so that nobody makes names up."""

    app: ASGIApp
    figures: Figures

    async def __call__(self, scope: Asgi, receive: Receive, send: Send) -> None:
        """One that is broken off counts as 499."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        begin, code = time.monotonic(), 499

        async def counted(message: Message) -> None:
            nonlocal code
            if message["type"] == "http.response.start":
                code = message["status"]
            await send(message)

        try:
            await self.app(scope, receive, counted)
        finally:
            route = getattr(scope.get("route"), "path", "other")
            method = scope["method"] if scope["method"] in _METHODS else "other"
            self.figures.requests.labels(method, route, code).inc()
            self.figures.seconds.labels(route).observe(time.monotonic() - begin)
