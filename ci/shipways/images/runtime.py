"""An image's config JSON: how its container runs, on top of what the base says (image-spec, config.md)."""

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Final

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from shipways.config.images import Healthcheck, Image
from shipways.config.kinds import milliseconds
from shipways.config.schema import Config
from shipways.errors import BuildError, Problem
from shipways.model.digest import Json
from shipways.model.facts import Facts
from shipways.model.names import forge_url

_PATH: Final = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
_ANNOTATION: Final = "org.opencontainers.image."


class _Read(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore", defer_build=True)


class _Execution(_Read):
    env: list[str] | None = Field(default=None, alias="Env")
    ports: dict[str, object] | None = Field(default=None, alias="ExposedPorts")
    volumes: dict[str, object] | None = Field(default=None, alias="Volumes")
    labels: dict[str, str] | None = Field(default=None, alias="Labels")
    stop: str | None = Field(default=None, alias="StopSignal")


class _History(_Read):
    created: str | None = None
    created_by: str | None = None
    author: str | None = None
    comment: str | None = None
    empty_layer: bool | None = None


class _Rootfs(_Read):
    diff_ids: tuple[str, ...] = ()


class BaseConfig(_Read):
    """The part of a base image's config that an image on top of it inherits. Scratch has nothing."""

    config: _Execution | None = None
    history: tuple[_History, ...] = ()
    rootfs: _Rootfs = Field(default_factory=_Rootfs)

    @property
    def execution(self) -> _Execution:
        """Its execution parameters."""
        return self.config or _Execution()


def read_config(data: bytes, name: str) -> BaseConfig:
    """The config of a base image. Raises BuildError for what is none."""
    try:
        return BaseConfig.model_validate_json(data)
    except ValidationError as error:
        why = str(error).splitlines()[0]
        raise BuildError(Problem(path=name, what="has a config that cannot be read", why=why)) from None


def about(config: Config, facts: Facts, name: str) -> dict[str, str]:
    """What is said about an image, as labels and as annotations (image-spec, annotations.md)."""
    table = config.image[name]
    package, project, locked = config.package[table.package], config.project, facts.lock.image(table.base)
    said = {
        "title": name,
        "description": package.description or project.description,
        "version": facts.version(table.package).number,
        "revision": facts.git.commit,
        "created": timestamp(facts.git.epoch),
        "licenses": project.license,
        "source": forge_url(project.repository) if project.repository else "",
        "url": project.homepage,
        "base.name": table.base if locked else "",
        "base.digest": locked.digest if locked else "",
    }
    return {_ANNOTATION + key: value for key, value in said.items() if value}


def timestamp(epoch: int) -> str:
    """Seconds since 1970 as RFC 3339, section 5.6."""
    return datetime.fromtimestamp(epoch, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def execution(table: Image, base: BaseConfig, labels: Mapping[str, str], program: str) -> dict[str, Json]:
    """The `config` object. Environment, ports, volumes and labels add to the base's; its command is not ours."""
    below = base.execution
    entries = [*(below.env or [_PATH]), *(f"{name}={value}" for name, value in table.env.items())]
    env = {entry.partition("=")[0]: entry for entry in entries}
    ports = {*(below.ports or ()), *(f"{port}/tcp" for port in table.ports)}
    value: dict[str, Json] = {
        "User": table.user,
        "Env": list(env.values()),
        "Entrypoint": list(table.entrypoint if table.entrypoint is not None else (program,)),
        "Cmd": list(table.command),
        "WorkingDir": table.workdir,
        "ExposedPorts": {port: {} for port in sorted(ports)},
        "Volumes": {volume: {} for volume in sorted({*(below.volumes or ()), *table.volumes})},
        "Labels": {**(below.labels or {}), **labels, **table.labels},
        "StopSignal": below.stop,
        "Healthcheck": _healthcheck(table.healthcheck) if table.healthcheck else None,
    }
    return {key: entry for key, entry in value.items() if entry}


def history(base: BaseConfig, name: str, created: str) -> list[Json]:
    """A line for each layer; a base that keeps no history gets one for each of its own."""
    below: Iterator[Json]
    if base.history:
        below = (entry.model_dump(mode="json", exclude_none=True) for entry in base.history)
    else:
        below = ({"created_by": f"base {name}"} for _ in base.rootfs.diff_ids)
    return [*below, {"created": created, "created_by": "shipways"}]


def _healthcheck(table: Healthcheck) -> dict[str, Json]:
    """Docker's extension of the config: the command and nanoseconds (Docker Engine API, HealthConfig)."""
    return {
        "Test": ["CMD", *table.test],
        "Interval": milliseconds(table.interval) * 10**6,
        "Timeout": milliseconds(table.timeout) * 10**6,
        "StartPeriod": milliseconds(table.start_period) * 10**6,
        "Retries": table.retries,
    }
