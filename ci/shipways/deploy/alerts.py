"""What people are woken for: alert rules of Prometheus, and cases that prove when each fires and when not."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from shipways.model.service import Service
from shipways.render.yaml import Yaml


@dataclass(frozen=True, slots=True, kw_only=True)
class Alert:
    """A rule. `fires` and `silent` are series (name → values a minute apart) with which it does and does not."""

    name: str
    expr: str
    minutes: int
    severity: str
    summary: str
    fires: Mapping[str, str]
    silent: Mapping[str, str]


def alerts(service: Service) -> Iterator[Alert]:
    """The rules of a service that has metrics."""
    job, name = f'job="{service.name}"', _camel(service.name)
    up = f"up{{{job}}}"
    yield Alert(
        name=f"{name}Down",
        expr=f"{up} == 0",
        minutes=1,
        severity="critical",
        summary=f"{service.name} does not answer",
        fires={f'{up[:-1]}, instance="a"}}': "0x10"},
        silent={f'{up[:-1]}, instance="a"}}': "1x10"},
    )
    if series := service.series.duration:
        bucket = f"{series}_bucket{{{job}"
        yield Alert(
            name=f"{name}Slow",
            expr=f"histogram_quantile(0.95, sum by (le) (rate({bucket}}}[5m]))) > 1",
            minutes=5,
            severity="warning",
            summary=f"one of twenty requests to {service.name} takes more than a second",
            fires={
                f'{bucket}, le="1"}}': "0+1x20",
                f'{bucket}, le="5"}}': "0+60x20",
                f'{bucket}, le="+Inf"}}': "0+60x20",
            },
            silent={
                f'{bucket}, le="1"}}': "0+60x20",
                f'{bucket}, le="5"}}': "0+60x20",
                f'{bucket}, le="+Inf"}}': "0+60x20",
            },
        )
    if series := service.series.requests:
        good, bad = f'{series}{{{job}, status="200"}}', f'{series}{{{job}, status="500"}}'
        yield Alert(
            name=f"{name}Failing",
            expr=f'sum(rate({series}{{{job}, status=~"5.."}}[5m])) / sum(rate({series}{{{job}}}[5m])) > 0.1',
            minutes=5,
            severity="critical",
            summary=f"one of ten requests to {service.name} fails",
            fires={good: "0+60x20", bad: "0+20x20"},
            silent={good: "0+60x20", bad: "0+1x20"},
        )


def rules(found: tuple[Service, ...]) -> Mapping[str, Yaml]:
    """The file of rules, a group for each service."""
    return {"groups": [{"name": each.name, "rules": [_rule(alert) for alert in alerts(each)]} for each in found]}


def cases(found: tuple[Service, ...], file: str) -> Mapping[str, Yaml]:
    """A test of `promtool test rules`, two for each rule of `file`."""
    tests = [
        _case(alert, series, fires=fires)
        for each in found
        for alert in alerts(each)
        for series, fires in ((alert.fires, True), (alert.silent, False))
    ]
    return {"rule_files": [file], "evaluation_interval": "1m", "tests": tests}


def _rule(alert: Alert) -> Mapping[str, Yaml]:
    return {
        "alert": alert.name,
        "expr": alert.expr,
        "for": f"{alert.minutes}m",
        "labels": {"severity": alert.severity},
        "annotations": {"summary": alert.summary},
    }


def _case(alert: Alert, series: Mapping[str, str], *, fires: bool) -> Mapping[str, Yaml]:
    return {
        "interval": "1m",
        "name": f"{alert.name} {'fires' if fires else 'is silent'}",
        "input_series": [{"series": name, "values": values} for name, values in series.items()],
        "alert_rule_test": [
            {
                "eval_time": f"{alert.minutes + 6}m",
                "alertname": alert.name,
                "exp_alerts": [_expected(alert, series)] if fires else [],
            }
        ],
    }


def _expected(alert: Alert, series: Mapping[str, str]) -> Mapping[str, Yaml]:
    """Only the alert of `up` keeps labels of a series: the others are sums."""
    (first, *_) = series
    kept = {"job": first.split('"')[1], "instance": "a"} if first.startswith("up{") else {}
    return {"exp_labels": {"severity": alert.severity, **kept}, "exp_annotations": {"summary": alert.summary}}


def _camel(name: str) -> str:
    return "".join(part.capitalize() for part in name.split("-"))
