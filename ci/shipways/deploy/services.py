"""The services of a project, worked out for one kind of place and one profile."""

import shlex
from collections.abc import Iterator, Mapping
from graphlib import TopologicalSorter
from pathlib import PurePosixPath
from typing import Final

from shipways.config.kinds import in_bytes, milliseconds
from shipways.config.schema import Config
from shipways.config.services import Profile, filled
from shipways.config.services import Service as Table
from shipways.errors import ConfigError, Problem
from shipways.model.facts import Facts
from shipways.model.service import Health, Kept, Limits, Place, Series, Service, Variable

NOTE: Final = "Rendered by shipways from [service]: edit that, then run `shipways render`."
"""The head of everything that is rendered."""
PLATFORMS: Final = ("compose", "fly", "kubernetes", "launchd", "render", "systemd")
"""The tables of [deployment] that services are deployed to; the others are of what goes with them."""
_UID: Final = "1000:1000"
"""Of an image whose Dockerfile says itself who runs it."""
TENDER: Final = "/usr/local/bin/tender"
"""Where it is in every image that has it."""


def services(config: Config, place: Place, profile: Profile = "prod") -> tuple[Service, ...]:
    """Every service, those that others need first."""
    return tuple(_service(config, name, place, profile) for name in _ordered(config))


def asking(service: Service) -> tuple[str, ...]:
    """The command that asks a service for its health in its container and exits 0; empty for one that has none.

    Raises ConfigError where nothing in its image can ask.
    """
    health = service.health
    if health is None or health.command:
        return health.command if health else ()
    if service.tender:
        return (TENDER, "probe", service.health_url, *health.flags)
    if service.build == "python":
        return ("python", "-c", f"import urllib.request; urllib.request.urlopen({service.health_url!r})")
    image, probe = f"image.{service.image}", f"service.{service.name}.probe.command"
    raise ConfigError(
        Problem(
            path=f"service.{service.name}.health",
            what=f"nothing in {image} can ask for it",
            why="Docker asks for the health of a container by a command within it",
            hint=f'{image}.tender = "ghcr.io/shipways/tender:0.1.0", or {probe}',
        )
    )


def _ordered(config: Config) -> tuple[str, ...]:
    return tuple(TopologicalSorter({name: table.needs for name, table in config.service.items()}).static_order())


def _service(config: Config, name: str, place: Place, profile: Profile) -> Service:
    table = config.service[name]
    image = config.image[table.image]
    package = config.package[image.package]
    data = tuple(Kept(name=each, path=_data(place, name, each, path)) for each, path in table.data.items())
    files = tuple(
        Kept(name=each, path=_file(place, name, file.path), source=file.source.replace("{profile}", profile))
        for each, file in table.files.items()
    )
    values = _values(config, name, place, data, files)
    return Service(
        name=name,
        description=package.description or config.project.description,
        image=table.image,
        repository=next(iter(image.repositories), table.image),
        package=image.package,
        build=package.build,
        tender=image.tender or "",
        dockerfile=image.dockerfile or config.deployment.docker.path(name, image, package.build),
        context=image.context,
        command=(
            str(PurePosixPath(place.programs) / (table.program or image.package)),
            *(filled(word, values) for word in table.command or image.command),
        ),
        user=table.user or name,
        uid=_UID if image.dockerfile else image.user,
        port=table.port,
        address=place.address or table.publish,
        publish=table.publish,
        health=_health(table),
        metrics=table.metrics,
        series=Series(**table.series.model_dump()),
        data=data,
        files=files,
        variables=_variables(table, profile, values),
        limits=Limits(
            memory=in_bytes(table.limits.memory),
            cpus=table.limits.cpus,
            processes=table.limits.processes,
            log=in_bytes(table.limits.log),
        ),
        stop_signal=table.stop_signal,
        stop_time=milliseconds(table.stop_time),
        notify=table.notify,
        socket=table.socket,
        replicas=table.replicas,
        needs=table.needs,
        settings=place.files.format(service=name),
        behind=place.port if table.port else "",
        alone=table.strategy == "recreate",
        hook=tuple(filled(word, values) for word in table.backup.hook),
        schedule=table.backup.schedule,
        keep=table.backup.keep,
        metrics_token=table.metrics_token,
    )


def _data(place: Place, service: str, name: str, path: str) -> str:
    return f"{place.data.format(service=service)}/{name}" if place.data else path


def _file(place: Place, service: str, path: str) -> str:
    return f"{place.files.format(service=service)}/{PurePosixPath(path).name}" if place.files else path


def _values(
    config: Config, name: str, place: Place, data: tuple[Kept, ...], files: tuple[Kept, ...]
) -> Mapping[str, str]:
    """What placeholders stand for."""
    table = config.service[name]
    values = {"address": place.address or table.publish, "port": place.port or str(table.port or "")}
    values |= {f"data.{each.name}": each.path for each in data} | {f"file.{each.name}": each.path for each in files}
    for other in table.needs:
        there = config.service[other]
        values[f"service.{other}"] = f"{other if place.named else there.publish}:{there.port}"
    return values


def _health(table: Table) -> Health | None:
    if not table.health and not table.probe.command:
        return None
    probe = table.probe
    return Health(
        path=table.health,
        status=probe.status,
        contains=probe.contains,
        members=tuple(probe.members.items()),
        version=probe.version,
        command=probe.command,
        interval=milliseconds(probe.interval),
        timeout=milliseconds(probe.timeout),
        retries=probe.retries,
        start_period=milliseconds(probe.start_period),
    )


def _variables(table: Table, profile: Profile, values: Mapping[str, str]) -> tuple[Variable, ...]:
    return tuple(
        Variable(
            name=name,
            value=None if (text := setting.value(profile)) is None else filled(text, values),
            description=setting.description,
            required=setting.required,
            secret=setting.secret,
        )
        for name, setting in table.env.items()
    )


def lone(service: Service, facts: Facts) -> frozenset[str]:
    """The names of its config files that are one file each, and no folder of them."""
    return frozenset(kept.name for kept in service.files if facts.source.has(kept.source))


def config_maps(service: Service, facts: Facts) -> Iterator[str]:
    """What `kubectl create configmap` is told for each of its config files; the key of one file is its name there."""
    single = lone(service, facts)
    for kept in service.files:
        key = f"{PurePosixPath(kept.path).name}=" if kept.name in single else ""
        yield f"{service.name}-{kept.name} {shlex.quote(f'--from-file={key}{kept.source}')}"


def fly_volume(service: Service) -> str:
    """The name of a service's volume at Fly.io, which takes 30 letters, digits and underscores."""
    return f"{service.name.replace('-', '_')}_data"[:30]


def one_room(service: Service, key: str) -> str:
    """The folder of all its data. Raises ConfigError where a platform has one volume and they share no folder."""
    if service.room == "/":
        what = f"lies in {', '.join(each.path for each in service.data)}, which share no folder"
        hint = f'let them share one, or set {key} = ""'
        raise ConfigError(Problem(path=f"service.{service.name}.data", what=what, why="there is one volume", hint=hint))
    return service.room
