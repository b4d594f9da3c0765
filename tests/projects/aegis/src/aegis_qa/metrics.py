"""What Prometheus reads."""

from collections.abc import Callable

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest


class Metrics:
    """The series of one application."""

    def __init__(self, uptime: Callable[[], float]) -> None:
        """`uptime` says how many seconds it has run."""
        self._registry = CollectorRegistry()
        self._requests = Counter(
            "aegis_requests", "Requests by status.", labelnames=("status",), registry=self._registry
        )
        self._seconds = Histogram("aegis_request_duration_seconds", "How long requests take.", registry=self._registry)
        self._runs = Counter(
            "aegis_workflow_runs", "Runs of workflows.", labelnames=("workflow", "passed"), registry=self._registry
        )
        Gauge("aegis_uptime_seconds", "Seconds since the start.", registry=self._registry).set_function(uptime)

    def answered(self, status: int, seconds: float) -> None:
        """Count a request."""
        self._requests.labels(status=str(status)).inc()
        self._seconds.observe(seconds)

    def ran(self, workflow: str, *, passed: bool) -> None:
        """Count the run of a workflow."""
        self._runs.labels(workflow=workflow, passed=str(passed).lower()).inc()

    def text(self) -> bytes:
        """Everything, in the text format."""
        return generate_latest(self._registry)
