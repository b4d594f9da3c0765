"""Fly.io: a fly.toml for each service (fly.io/docs/reference/configuration)."""

import posixpath
from collections.abc import Iterator, Mapping
from typing import Final

import tomlkit
from tomlkit.items import AoT, Table

from shipways.config.kinds import in_bytes
from shipways.config.platforms import Fly
from shipways.config.schema import Config
from shipways.deploy.services import one_room, services
from shipways.model.facts import Facts
from shipways.model.rendered import Rendered
from shipways.model.service import CONTAINER, Health, Service

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
            text = tomlkit.dumps(_document(service, config.service[service.name].fly, posixpath.dirname(path), facts))
            yield Rendered(path=path, text=text, comment="#")


def _document(service: Service, fly: Fly, folder: str, facts: Facts) -> tomlkit.TOMLDocument:
    """`folder` is where the file lies: the paths in it start there."""
    document = tomlkit.document()
    document.add(tomlkit.comment("Rendered by shipways from [service]: edit that, then run `shipways render`."))
    for name in service.secrets:
        document.add(tomlkit.comment(f"A secret: fly secrets set {name}=…"))
    document["app"] = fly.app or service.name
    document["primary_region"] = fly.region
    document["kill_signal"] = service.stop_signal
    document["kill_timeout"] = _seconds(service.stop_time)
    if service.dockerfile:
        document["build"] = {"dockerfile": posixpath.relpath(service.dockerfile, folder or ".")}
    document["env"] = {**service.environment, **fly.env}
    if fly.files and (files := _files(service, folder, facts)):
        document["files"] = files
    document["http_service"] = _http(service, fly)
    if service.data:
        document["mounts"] = _mounts(service, fly)
    document["vm"] = _tables({"size": fly.size, "memory": f"{_memory(service)}mb"})
    return document


def _files(service: Service, folder: str, facts: Facts) -> AoT | None:
    """Config files, written into the machine before it starts; those of a folder one by one."""
    found = [
        (kept.path + file.path.removeprefix(kept.source), file.path)
        for kept in service.files
        for file in facts.source.files
        if file.path == kept.source or file.path.startswith(f"{kept.source}/")
    ]
    tables = ({"guest_path": there, "local_path": posixpath.relpath(here, folder or ".")} for there, here in found)
    return _tables(*tables) if found else None


def _http(service: Service, fly: Fly) -> Table:
    table = tomlkit.table()
    table.update(
        {
            "internal_port": service.port,
            "force_https": True,
            "auto_stop_machines": fly.auto_stop,
            "auto_start_machines": True,
            "min_machines_running": fly.min_machines,
        }
    )
    if service.health and service.health.path:
        table["checks"] = _tables(_check(service.health))
    return table


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
        "source": f"{service.name.replace('-', '_')}_data"[:30],
        "destination": one_room(service, "deployment.fly.file"),
        "initial_size": f"{-(-in_bytes(fly.volume) // _GIGA)}gb",
        "snapshot_retention": fly.snapshots,
    }


def _memory(service: Service) -> int:
    return -(-service.limits.memory // (_MEGA * _STEP)) * _STEP


def _tables(*tables: Mapping[str, str]) -> AoT:
    made = tomlkit.aot()
    for each in tables:
        table = tomlkit.table()
        table.update(each)
        made.append(table)
    return made


def _seconds(milliseconds: int) -> str:
    """Whole seconds, rounded up: everything takes them."""
    return f"{-(-milliseconds // 1000)}s"
