"""Render: a Blueprint for all services (render.com/docs/blueprint-spec)."""

from collections.abc import Iterator, Mapping
from typing import Final

from shipways.config.kinds import in_bytes
from shipways.config.platforms import Render
from shipways.config.schema import Config
from shipways.deploy.services import NOTE, one_room, services
from shipways.model.facts import Facts
from shipways.model.rendered import Rendered
from shipways.model.service import CONTAINER, Service
from shipways.render.yaml import Yaml, yaml_text

_GIGA: Final = 10**9
_SHUTDOWN: Final = (1, 300)
"""Seconds that Render waits for a service to end."""


def rendered(config: Config, facts: Facts) -> Iterator[Rendered]:  # noqa: ARG001 - the shape of every renderer
    """One file, where there are services."""
    path = config.deployment.render.file
    found = services(config, CONTAINER)
    if path and found:
        whole = any(each.kind == "render" for each in config.deploy.values())
        document = {"services": [_service(each, config.service[each.name].render, whole=whole) for each in found]}
        yield Rendered(path=path, text=yaml_text(document, note=NOTE), comment="#")


def _service(service: Service, table: Render, *, whole: bool) -> Mapping[str, Yaml]:
    """A web service where there is a port, else a worker. With `whole` images are deployed, not what Render builds."""
    made: dict[str, Yaml] = {
        "type": "web" if service.port else "worker",
        "name": service.name,
        **_source(service, whole=whole),
        "region": table.region,
        "plan": table.plan,
        "autoDeployTrigger": "off",
        "numInstances": service.replicas,
        "envVars": _variables(service),
    }
    if service.port and service.health and service.health.path:
        made["healthCheckPath"] = service.health.path
    if service.data:
        gigabytes = -(-in_bytes(table.disk) // _GIGA)
        room = one_room(service, "deployment.render.file")
        made["disk"] = {"name": f"{service.name}-data", "mountPath": room, "sizeGB": gigabytes}
    else:  # a service with a disk takes no such time
        least, most = _SHUTDOWN
        made["maxShutdownDelaySeconds"] = min(most, max(least, -(-service.stop_time // 1000)))
    return made


def _source(service: Service, *, whole: bool) -> Mapping[str, Yaml]:
    """What it runs: what its Dockerfile builds, or the image that was pushed."""
    if service.dockerfile and not whole:
        return {"runtime": "docker", "dockerfilePath": f"./{service.dockerfile}", "dockerContext": "."}
    return {"runtime": "image", "image": {"url": f"{service.repository}:latest"}}


def _variables(service: Service) -> list[Yaml]:
    """What is set, the port that Render asks at, and what somebody has to say in its dashboard."""
    port = {"PORT": str(service.port)} if service.port else {}
    said: list[Yaml] = [{"key": name, "value": value} for name, value in (port | dict(service.environment)).items()]
    return said + [{"key": each.name, "sync": False} for each in service.variables if each.value is None]
