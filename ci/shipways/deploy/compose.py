"""Docker Compose: all services on one machine."""

from collections.abc import Iterator, Mapping
from pathlib import PurePosixPath

from shipways.config.schema import Config
from shipways.deploy.services import NOTE, services
from shipways.model.facts import Facts
from shipways.model.rendered import Rendered
from shipways.model.service import CONTAINER, Health, Service
from shipways.render.yaml import Yaml, yaml_text


def rendered(config: Config, facts: Facts) -> Iterator[Rendered]:  # noqa: ARG001 - the shape of every renderer
    """One file, where there are services."""
    path = config.deployment.compose.file
    found = services(config, CONTAINER)
    if path and found:
        top = PurePosixPath(*(".." for _ in PurePosixPath(path).parent.parts))
        yield Rendered(path=path, text=yaml_text(_compose(config, found, top), note=NOTE), comment="#")


def _compose(config: Config, found: tuple[Service, ...], top: PurePosixPath) -> Mapping[str, Yaml]:
    """`top` leads from the file to the top of the repository."""
    return {
        "name": config.project.name,
        "services": {each.name: _service(each, top) for each in found},
        "volumes": {_volume(each, kept.name): {} for each in found for kept in each.data},
    }


def _service(service: Service, top: PurePosixPath) -> Mapping[str, Yaml]:
    variable = service.name.upper().replace("-", "_")
    return {
        "image": f"${{{variable}_IMAGE:-{service.repository}:latest}}",
        "command": service.command[1:],
        "restart": "unless-stopped",
        "ports": [f"{service.publish}:{service.port}:{service.port}"] if service.port else [],
        "environment": dict(service.environment),
        "volumes": [f"{_volume(service, kept.name)}:{kept.path}" for kept in service.data]
        + [f"{top / kept.source}:{kept.path}:ro" for kept in service.files],
        "depends_on": {other: {"condition": "service_healthy"} for other in service.needs},
        **({"healthcheck": _healthcheck(service, service.health)} if service.health else {}),
        "stop_signal": service.stop_signal,
    }


def _healthcheck(service: Service, health: Health) -> Mapping[str, Yaml]:
    command = health.command or ("/usr/local/bin/tender", "probe", service.health_url)
    return {"test": ["CMD", *command], "interval": f"{health.interval}ms", "retries": health.retries}


def _volume(service: Service, name: str) -> str:
    return f"{service.name}-{name}"
