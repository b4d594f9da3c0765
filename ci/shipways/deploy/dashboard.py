"""A dashboard of Grafana for the services that have metrics, by Grafana's own typed builders."""

from collections.abc import Iterator
from dataclasses import dataclass

from shipways.model.service import Service


@dataclass(frozen=True, slots=True, kw_only=True)
class Graph:
    """A panel: what is asked of Prometheus, its legend, and the unit as Grafana names it."""

    title: str
    expr: str
    legend: str
    unit: str


def graphs(service: Service) -> Iterator[Graph]:
    """The panels of one service."""
    name, job = service.name, f'job="{service.name}"'
    yield Graph(title=f"{name}: up", expr=f"up{{{job}}}", legend="{{instance}}", unit="short")
    if series := service.series.requests:
        rate = f"sum by (status) (rate({series}{{{job}}}[5m]))"
        yield Graph(title=f"{name}: requests", expr=rate, legend="{{status}}", unit="reqps")
    if series := service.series.duration:
        slow = f"histogram_quantile(0.95, sum by (le) (rate({series}_bucket{{{job}}}[5m])))"
        yield Graph(title=f"{name}: 95 % take less than", expr=slow, legend="p95", unit="s")
    for series in service.series.gauges:
        yield Graph(title=f"{name}: {series}", expr=f"{series}{{{job}}}", legend="{{instance}}", unit="short")


def dashboard(project: str, found: tuple[Service, ...]) -> str:
    """The JSON that Grafana imports; which Prometheus it asks is chosen there."""
    from grafana_foundation_sdk.builders import dashboard as boards  # noqa: PLC0415 - 0.4 s that only rendering needs
    from grafana_foundation_sdk.builders import prometheus, timeseries  # noqa: PLC0415 - as above
    from grafana_foundation_sdk.cog.encoder import JSONEncoder  # noqa: PLC0415 - as above
    from grafana_foundation_sdk.models.dashboard import DataSourceRef  # noqa: PLC0415 - as above

    source = DataSourceRef(type_val="prometheus", uid="${datasource}")
    built = boards.Dashboard(project).uid(project).refresh("30s").time("now-1h", "now").readonly()
    built.with_variable(boards.DatasourceVariable("datasource").type("prometheus"))
    for each in found:
        for graph in graphs(each):
            asked = prometheus.Dataquery().expr(graph.expr).legend_format(graph.legend).ref_id("A")
            panel = timeseries.Panel().title(graph.title).datasource(source).unit(graph.unit)
            built.with_panel(panel.with_target(asked))
    return JSONEncoder(sort_keys=True, indent=2).encode(built.build()) + "\n"
