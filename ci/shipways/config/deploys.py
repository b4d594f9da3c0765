"""`[deploy.NAME]`: where services are brought to when somebody asks for it."""

import itertools
from collections.abc import Collection, Iterator, Mapping
from pathlib import PurePosixPath
from typing import Annotated, Final, Literal, Self

from pydantic import AfterValidator, Field, StringConstraints, model_validator

from shipways.config.deployment import Deployment
from shipways.config.images import AbsolutePath
from shipways.config.kinds import Duration, Frozen, Size, Word, inside, table
from shipways.config.services import Profile, Service, ServiceName

Kind = Literal["compose", "fly", "hosts", "kubernetes", "launchd", "render", "systemd"]
_LAST: Final = 65535


def with_port(text: str) -> str:
    """An address whose port, where it says one, there is. Raises ValueError for any other."""
    _, _, port = text.rpartition(":")
    if ":" in text and int(port) > _LAST:
        raise ValueError(f"expected a port of at most {_LAST}, found {port}")
    return text


Address = Annotated[
    str,
    StringConstraints(pattern=r"^([a-z_][a-z0-9_-]*@)?[A-Za-z0-9][A-Za-z0-9.-]*(:[0-9]{1,5})?$"),
    AfterValidator(with_port),
]
_PLAIN: Final = frozenset({"compose", "fly", "render"})
"""What is rendered with the values of production alone."""


_MACHINES: Final = frozenset({"launchd", "systemd"})
"""What runs programs, and no images."""
_RENDERED: Final = {"hosts": "systemd"}
"""By the files of which other platform a kind is deployed."""


def _local(text: str) -> str:
    return text if not text or PurePosixPath(text).is_absolute() else inside(text)


LocalFile = Annotated[Word, AfterValidator(_local)]
"""A file of the repository, or anywhere on this machine; empty for none."""


class MachineScope(Frozen):
    """`[deploy.NAME.machine]`: for kind = "systemd" and "launchd"."""

    system: bool = True
    programs: AbsolutePath = "/usr/local/bin"


class Cluster(Frozen):
    """`[deploy.NAME.kubernetes]`."""

    context: Annotated[str, StringConstraints(pattern=r"^[^\s-]?\S*$")] = ""
    namespace: Annotated[str, StringConstraints(pattern=r"^([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?)?$")] = ""


RenderId = Annotated[str, StringConstraints(pattern=r"^srv-[a-z0-9]+$")]


class Hosting(Frozen):
    """`[deploy.NAME.render]`."""

    services: dict[ServiceName, RenderId] = {}


class SshScope(Frozen):
    """`[deploy.NAME.ssh]`: for kind = "hosts"."""

    batch: Annotated[int, Field(ge=1)] = 1
    root: AbsolutePath = "/opt/shipways"
    arch: Literal["x86_64", "aarch64"] = "x86_64"
    tender: LocalFile = ""
    key: Word = ""
    known_hosts: Word = ""
    drain: Duration = "30s"


class Kept(Frozen):
    """`[deploy.NAME.kept]` and `[serve.kept]`: what stays of each service on a host, and for how long."""

    age: Duration = "168h"
    quota: Size = "2 GB"


class Deploy(Frozen):
    """One deployment: services that stand and fall together."""

    kind: Kind
    services: tuple[ServiceName, ...] = ()
    profile: Profile = "prod"
    wait: Duration = "2m"
    watch: Duration = "0s"
    machine: MachineScope = table()
    kubernetes: Cluster = table()
    render: Hosting = table()
    hosts: tuple[Address, ...] = ()
    method: Literal["systemd", "docker"] = "systemd"
    ssh: SshScope = table()
    kept: Kept = table()

    @property
    def machines(self) -> tuple[str, ...]:
        """The hosts, whoever logs in."""
        return tuple(each.rpartition("@")[2].removesuffix(":22") for each in self.hosts)

    @model_validator(mode="after")
    def _rendered(self) -> Self:
        if self.kind in _PLAIN and self.profile != "prod":
            raise ValueError(f'profile: {self.kind} is rendered for "prod" alone')
        for kind, said in (("kubernetes", self.kubernetes != Cluster()), ("render", self.render != Hosting())):
            if said and self.kind != kind:
                raise ValueError(f"{kind}: this one is of the kind {self.kind}")
        return self

    @model_validator(mode="after")
    def _reached(self) -> Self:
        if (self.kind == "hosts") != bool(self.hosts):
            raise ValueError('hosts: kind = "hosts" has some, and no other kind has any')
        if len(self.machines) != len(set(self.machines)):
            raise ValueError("hosts: each is named once")
        if self.kind == "hosts" and not self.ssh.tender:
            raise ValueError("ssh.tender: hosts need it; name the program that is brought to them")
        return self


def deploy_problems(
    deploys: Mapping[str, Deploy], services: Mapping[str, Service], deployment: Deployment
) -> Iterator[str]:
    """What a deployment says of services and of files."""
    for name, deploy in deploys.items():
        for service in deploy.services or services:
            yield from _service_problems(name, deploy, service, services)
        if not services:
            yield f"deploy.{name}: there is no [service.NAME]"
        if not deployment.places[_RENDERED.get(deploy.kind, deploy.kind)]:
            yield f'deploy.{name}.kind: deployment.{deploy.kind} is "", so there is nothing to deploy by'
    yield from _names(deploys, services)


def image_deploy_problems(
    deploys: Mapping[str, Deploy], services: Mapping[str, Service], made: Collection[str]
) -> Iterator[str]:
    """A deployment that takes images has services whose images are made."""
    for name, deploy in deploys.items():
        programs = deploy.kind in _MACHINES or (deploy.kind == "hosts" and deploy.method == "systemd")
        for service in () if programs else deploy.services or services:
            if service in services and services[service].image not in made:
                yield f"image.{services[service].image}.platforms: there are none, and deploy.{name} deploys its image"


def _names(deploys: Mapping[str, Deploy], services: Mapping[str, Service]) -> Iterator[str]:
    """On a host the public port of a service is held by a unit of its name with `-proxy`, which has a state."""

    def hosts(service: str) -> frozenset[str]:
        named = (each for each in deploys.values() if service in (each.services or services))
        return frozenset(itertools.chain.from_iterable(each.machines for each in named))

    for name, service in services.items():
        other = f"{name}-proxy"
        if service.port is not None and other in services and (shared := hosts(name) & hosts(other)):
            yield f"service.{other}: holds the public port of {name} already, by this name, on {min(shared)}"


def _service_problems(name: str, deploy: Deploy, service: str, services: Mapping[str, Service]) -> Iterator[str]:
    if service not in services:
        yield f"deploy.{name}.services: there is no [service.{service}]"
    elif deploy.kind == "fly" and services[service].port is None:
        yield f"service.{service}.port: Fly.io has only services with one, and deploy.{name} deploys there"
    if deploy.kind == "render" and service not in deploy.render.services:
        yield f"deploy.{name}.render.services.{service}: is not said; Render shows it as srv-…"
