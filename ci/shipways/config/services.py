"""`[service.NAME]`: a program that runs all the time, described once for every platform."""

import ipaddress
import re
from collections.abc import Iterator, Mapping
from graphlib import CycleError, TopologicalSorter
from typing import Annotated, Final, Literal, Self

from pydantic import AfterValidator, Field, StringConstraints, model_validator

from shipways.config.images import AbsolutePath, Image, Port
from shipways.config.kinds import Binary, Command, Duration, Frozen, Name, RelativePath, Size, Variable, Word, table
from shipways.config.platforms import Fly, Kubernetes, Render

Profile = Literal["dev", "staging", "prod"]
PROFILES: Final[tuple[Profile, ...]] = ("dev", "staging", "prod")

ServiceName = Annotated[str, StringConstraints(pattern=r"^[a-z]([a-z0-9-]{0,38}[a-z0-9])?$")]
"""Everybody takes it: a DNS label (RFC 1123), an account of Linux, a unit of systemd."""
Account = Annotated[str, StringConstraints(pattern=r"^([a-z_][a-z0-9_-]{0,30})?$")]
HttpPath = Annotated[str, StringConstraints(pattern=r"^/[A-Za-z0-9._~!$&'()*+,;=:@%/-]*$")]
MetricName = Annotated[str, StringConstraints(pattern=r"^([a-zA-Z_:][a-zA-Z0-9_:]*)?$")]

_PLACEHOLDER: Final = re.compile(r"\{([a-z][a-z0-9._-]*)\}")
_SECRET: Final = re.compile(r"(TOKEN|SECRET|PASSWORD|PASSWD|API_?KEY|PRIVATE_?KEY|CREDENTIALS?)$")


def _whole(text: str) -> str:
    if text != "/" and text.endswith("/"):
        raise ValueError("expected a path without a slash at its end")
    return text


def _address(text: str) -> str:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        raise ValueError("expected an IP address") from None
    return text


Address = Annotated[str, StringConstraints(pattern=r"^[0-9A-Fa-f.:]+$"), AfterValidator(_address)]


class Probe(Frozen):
    """`[service.NAME.probe]`: what a healthy answer is, and how often it is asked for."""

    command: Command = ()
    status: Annotated[int, Field(ge=100, le=599)] = 200
    contains: str = ""
    members: dict[str, str] = {}
    version: str = ""
    interval: Duration = "30s"
    timeout: Duration = "5s"
    retries: Annotated[int, Field(ge=1, le=100)] = 3
    start_period: Duration = "10s"


class Setting(Frozen):
    """`[service.NAME.env.NAME]`: one variable of the environment, and its value in each profile."""

    description: str = ""
    required: bool = False
    secret: bool = False
    default: Word | None = None
    dev: Word | None = None
    staging: Word | None = None
    prod: Word | None = None

    @model_validator(mode="after")
    def _kept(self) -> Self:
        """A secret stands in no file that is committed."""
        given = [key for key in ("default", *PROFILES) if getattr(self, key) is not None]
        if self.secret and given:
            raise ValueError("\n".join(f"{key} is set, but a secret has no value in a file" for key in given))
        return self

    def value(self, profile: Profile) -> str | None:
        """The value in a profile, with its placeholders; None where somebody has to give one, or none is wanted."""
        mine: str | None = getattr(self, profile)
        return self.default if mine is None else mine


class ConfigFile(Frozen):
    """`[service.NAME.files.NAME]`: a file of the repository that the program reads."""

    path: AbsolutePath
    source: RelativePath


class Limits(Frozen):
    """`[service.NAME.limits]`."""

    memory: Size = "512 MB"
    cpus: Annotated[float, Field(gt=0, le=256)] = 1.0
    processes: Annotated[int, Field(ge=1, le=4_000_000)] = 512
    log: Size = "50 MB"


class Series(Frozen):
    """`[service.NAME.series]`: how the program calls what it measures."""

    requests: MetricName = ""
    duration: MetricName = ""
    gauges: tuple[MetricName, ...] = ()


class Backup(Frozen):
    """`[service.NAME.backup]`: how its data is backed up."""

    hook: Command = ()
    schedule: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9 *,:./~-]*$")] = ""
    keep: Annotated[int, Field(ge=1, le=10_000)] = 7


class Service(Frozen):
    """One service."""

    image: Name
    program: Binary | Literal[""] = ""
    command: Command = ()
    user: Account = ""
    port: Port | None = None
    publish: Address = "127.0.0.1"
    health: Annotated[HttpPath, AfterValidator(_whole)] | Literal[""] = ""
    probe: Probe = table()
    metrics: HttpPath | Literal[""] = ""
    metrics_token: AbsolutePath | Literal[""] = ""
    series: Series = table()
    data: dict[Name, AbsolutePath] = {}
    files: dict[Name, ConfigFile] = {}
    env: dict[Variable, Setting] = {}
    limits: Limits = table()
    backup: Backup = table()
    stop_signal: Literal["SIGTERM", "SIGINT", "SIGQUIT"] = "SIGTERM"
    stop_time: Duration = "10s"
    notify: bool = False
    socket: bool = False
    strategy: Literal["beside", "recreate"] = "beside"
    replicas: Annotated[int, Field(ge=1, le=1000)] = 1
    needs: tuple[ServiceName, ...] = ()
    fly: Fly = table()
    kubernetes: Kubernetes = table()
    render: Render = table()

    @model_validator(mode="after")
    def _whole(self) -> Self:
        """What needs a port has one, and no two things have one place."""
        wrong = [
            f"{key} is set, but port is not"
            for key in ("health", "metrics", "socket")
            if getattr(self, key) and self.port is None
        ]
        if self.metrics_token and not self.metrics:
            wrong.append("metrics_token is set, but metrics is not")
        places = [*self.data.values(), *(file.path for file in self.files.values())]
        wrong += [
            f"data, files: {place} is there twice" for place in sorted({p for p in places if places.count(p) > 1})
        ]
        wrong += [f"env.{name}: looks like a secret, but secret is not true" for name in self.env if self._bare(name)]
        if max(self.replicas, self.kubernetes.max_replicas) > 1 and self.data:
            wrong.append("replicas: one copy only may write to data")
        if self.kubernetes.host and self.port is None:
            wrong.append("kubernetes.host is set, but port is not")
        wrong += [
            f"backup.{key} is set, but there is no data"
            for key in ("hook", "schedule")
            if getattr(self.backup, key) and not self.data
        ]
        if wrong:
            raise ValueError("\n".join(wrong))
        return self

    def _bare(self, name: str) -> bool:
        setting = self.env[name]
        return bool(_SECRET.search(name)) and not setting.secret and any(map(setting.value, PROFILES))


def placeholders(service: Service) -> Iterator[tuple[str, str]]:
    """Each placeholder of commands and of the environment, with the key of the table where it stands."""
    for key, words in (("command", service.command), ("backup.hook", service.backup.hook)):
        yield from ((found, key) for word in words for found in _PLACEHOLDER.findall(word))
    for name, setting in service.env.items():
        for key in ("default", *PROFILES):
            text: str | None = getattr(setting, key)
            yield from ((found, f"env.{name}.{key}") for found in _PLACEHOLDER.findall(text or ""))


def filled(text: str, values: Mapping[str, str]) -> str:
    """A text with its placeholders replaced. Braces around anything else stay."""
    return _PLACEHOLDER.sub(lambda found: values.get(found[1], found[0]), text)


def service_problems(services: Mapping[str, Service], images: Mapping[str, Image]) -> Iterator[str]:
    """What one service says about another, about images, and with placeholders that mean nothing."""
    for name, service in services.items():
        if service.image not in images:
            yield f"service.{name}.image: there is no [image.{service.image}]"
        for other in service.needs:
            if other not in services:
                yield f"service.{name}.needs: there is no [service.{other}]"
        known = {"port", "address"} if service.port else {"address"}
        known |= {f"data.{each}" for each in service.data} | {f"file.{each}" for each in service.files}
        known |= {f"service.{other}" for other in service.needs if other in services and services[other].port}
        for found, key in placeholders(service):
            here = known | ({f"snapshot.{each}" for each in service.data} if key == "backup.hook" else set())
            if found not in here:
                may = ", ".join(f"{{{each}}}" for each in sorted(here))
                yield f"service.{name}.{key}: {{{found}}} stands for nothing; there are {may}"
        yield from _bare_data(name, service, images.get(service.image))
    yield from _shared_ports(services)
    try:
        TopologicalSorter({name: service.needs for name, service in services.items()}).prepare()
    except CycleError as error:
        round_trip = error.args[1]
        yield f"service.{round_trip[0]}.needs: goes round: {' → '.join(round_trip)}"


def _bare_data(name: str, service: Service, image: Image | None) -> Iterator[str]:
    """A volume at a place that an assembled image does not have belongs to root, and its user cannot write there."""
    for each, path in service.data.items():
        if image and image.dockerfile is None and path not in image.volumes:
            why = "so that its user could not write there"
            yield f"service.{name}.data.{each}: {path} is not in image.{service.image}.volumes, {why}"


def _shared_ports(services: Mapping[str, Service]) -> Iterator[str]:
    taken: dict[int, str] = {}
    for name, service in services.items():
        if service.port is not None and taken.setdefault(service.port, name) != name:
            yield f"service.{name}.port: {service.port} is that of service.{taken[service.port]}"
