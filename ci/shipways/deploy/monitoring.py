"""Prometheus, Alertmanager and Grafana: who is measured, what somebody is woken for, and what is shown."""

import posixpath
from collections.abc import Iterator, Mapping
from typing import Final

from shipways.config.schema import Config
from shipways.deploy.alerts import cases, rules
from shipways.deploy.dashboard import dashboard
from shipways.deploy.services import NOTE, services
from shipways.model.facts import Facts
from shipways.model.rendered import Rendered
from shipways.model.service import CONTAINER, Service
from shipways.render.yaml import Yaml, yaml_text

_RULES: Final = "alerts.yml"
_YOURS: Final = """
receivers:
  - name: everybody
    # yours: receiver
    # end of yours: receiver
"""


def rendered(config: Config, facts: Facts) -> Iterator[Rendered]:  # noqa: ARG001 - the shape of every renderer
    """Where a service has metrics: prometheus.yml and the dashboard lie with the other config files."""
    folder, beside = config.deployment.monitoring.folder, config.deployment.config.folder or "."
    found = tuple(each for each in services(config, CONTAINER) if each.metrics)
    if not folder or not found:
        return
    yield _yaml(f"{beside}/prometheus.yml", _prometheus(found, posixpath.relpath(f"{folder}/{_RULES}", beside)))
    yield _yaml(f"{folder}/{_RULES}", rules(found))
    yield _yaml(f"{folder}/alerts.test.yml", cases(found, _RULES))
    route = yaml_text(_ALERTMANAGER, note=f"{NOTE}\nWho is told, and how, stands between the comments at the end.")
    yield Rendered(path=f"{folder}/alertmanager.yml", text=route.rstrip("\n") + _YOURS, comment="#")
    name = config.project.name
    yield Rendered(path=f"{beside}/grafana/dashboards/{name}.json", text=dashboard(name, found))


def _yaml(path: str, body: Mapping[str, Yaml]) -> Rendered:
    return Rendered(path=path, text=yaml_text(body, note=NOTE), comment="#")


def _prometheus(found: tuple[Service, ...], rules_file: str) -> Mapping[str, Yaml]:
    """Services by the names that they have in a network of containers."""
    return {
        "global": {"scrape_interval": "10s", "evaluation_interval": "10s"},
        "rule_files": [rules_file],
        "alerting": {"alertmanagers": [{"static_configs": [{"targets": ["alertmanager:9093"]}]}]},
        "scrape_configs": [
            {
                "job_name": each.name,
                "metrics_path": each.metrics,
                **({"authorization": {"credentials_file": each.metrics_token}} if each.metrics_token else {}),
                "static_configs": [{"targets": [f"{each.name}:{each.port}"]}],
            }
            for each in found
        ],
    }


_ALERTMANAGER: Final[Mapping[str, Yaml]] = {
    "route": {
        "receiver": "everybody",
        "group_by": ["alertname"],
        "group_wait": "30s",
        "group_interval": "5m",
        "repeat_interval": "4h",
        "routes": [{"receiver": "everybody", "matchers": ['severity="critical"'], "repeat_interval": "1h"}],
    },
    # A service that is down is not slow and failing besides.
    "inhibit_rules": [
        {"source_matchers": ['severity="critical"'], "target_matchers": ['severity="warning"'], "equal": ["job"]}
    ],
}
