"""Fly.io: a fly.toml for each service (fly.io/docs/reference/configuration)."""

import posixpath
from collections.abc import Iterator, Mapping
from typing import Final

from shipways.config.kinds import in_bytes
from shipways.config.platforms import Fly
from shipways.config.schema import Config
from shipways.deploy.services import NOTE, fly_volume, one_room, services
from shipways.model.facts import Facts
from shipways.model.rendered import Rendered
from shipways.model.service import CONTAINER, Health, Service
from shipways.render.toml import toml_text

_GIGA: Final = 10**9
_MEGA: Final = 10**6
_STEP: Final = 256
"""Megabytes: a machine's memory is a multiple of it."""
_CHECK: Final = (1_000, 60_000)
"""Milliseconds: Fly.io takes no check that is more often, or slower, than this."""


def rendered(config: Config, facts: Facts) -> Iterator[Rendered]:
    """A file for each service that has a port."""
    pattern = config.deployment.fly.file
    for service in services(config, CONTAINER) if pattern else ():
        if service.port is not None:
            path = pattern.format(service=service.name)
            values = _values(service, config.service[service.name].fly, posixpath.dirname(path) or ".", facts)
            yield Rendered(path=path, text=toml_text(values, note=_told(service)), comment="#")


def _told(service: Service) -> str:
    """The head of the file, with what has to be said once."""
    return "\n".join((NOTE, *(f"A secret: fly secrets set {name}=…" for name in service.secrets)))


def _values(service: Service, fly: Fly, folder: str, facts: Facts) -> Mapping[str, object]:
    """`folder` is where the file lies: the paths in it start there."""
    values: dict[str, object] = {
        "app": fly.app or service.name,
        "primary_region": fly.region,
        "kill_signal": service.stop_signal,
        "kill_timeout": _seconds(service.stop_time),
        "build": {"dockerfile": posixpath.relpath(service.dockerfile, folder)} if service.dockerfile else {},
        "env": {**service.environment, **fly.env},
        "files": _files(service, folder, facts) if fly.files else [],
        "http_service": _http(service, fly),
        "mounts": _mounts(service, fly) if service.data else {},
        "vm": [{"size": fly.size, "memory": f"{_memory(service)}mb"}],
    }
    return {name: value for name, value in values.items() if value}


def _files(service: Service, folder: str, facts: Facts) -> list[Mapping[str, str]]:
    """Config files, written into the machine before it starts; those of a folder one by one."""
    return [
        {
            "guest_path": kept.path + file.path.removeprefix(kept.source),
            "local_path": posixpath.relpath(file.path, folder),
        }
        for kept in service.files
        for file in facts.source.files
        if file.path == kept.source or file.path.startswith(f"{kept.source}/")
    ]


def _http(service: Service, fly: Fly) -> Mapping[str, object]:
    asked = service.health if service.health and service.health.path else None
    return {
        "internal_port": service.port,
        "force_https": True,
        "auto_stop_machines": fly.auto_stop,
        "auto_start_machines": True,
        "min_machines_running": fly.min_machines,
        **({"checks": [_check(asked)]} if asked else {}),
    }


def _check(health: Health) -> Mapping[str, str]:
    """A check of the service, which decides where requests go; one at the top of the file would only be looked at."""
    least, most = _CHECK
    return {
        "grace_period": _seconds(health.start_period),
        "interval": _seconds(min(most, max(least, health.interval))),
        "timeout": _seconds(min(most, max(least, health.timeout))),
        "method": "GET",
        "path": health.path,
    }


def _mounts(service: Service, fly: Fly) -> Mapping[str, str | int]:
    return {
        "source": fly_volume(service),
        "destination": one_room(service, "deployment.fly.file"),
        "initial_size": f"{-(-in_bytes(fly.volume) // _GIGA)}gb",
        "snapshot_retention": fly.snapshots,
    }


def _memory(service: Service) -> int:
    return -(-service.limits.memory // (_MEGA * _STEP)) * _STEP


def _seconds(milliseconds: int) -> str:
    """Whole seconds, rounded up: everything takes them."""
    return f"{-(-milliseconds // 1000)}s"
