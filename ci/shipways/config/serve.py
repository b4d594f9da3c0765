"""`[serve]`: the deployer service, which brings services to hosts when its API is asked to."""

from collections.abc import Iterator
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, StringConstraints

from shipways.config.deploys import Address, Kept, LocalFile, SshScope, with_port
from shipways.config.images import AbsolutePath
from shipways.config.kinds import Duration, Frozen, Size, Word, table
from shipways.config.services import HttpPath, ServiceName

Listen = Annotated[
    str, StringConstraints(pattern=r"^([A-Za-z0-9.-]+|\[[0-9a-f:]+\]):[0-9]{1,5}$"), AfterValidator(with_port)
]
Url = Annotated[str, StringConstraints(pattern=r"^https?://[^\s/?#@]+(/[^\s?#]*)?$")]


class Access(Frozen):
    """`[serve.access]`: who may ask."""

    tokens: AbsolutePath = "/etc/shipways/tokens"
    loopback: bool = False
    certificate: AbsolutePath | Literal[""] = ""
    key: AbsolutePath | Literal[""] = ""
    rate: Annotated[int, Field(ge=1)] = 120
    body: Size = "1 MB"


class Registry(Frozen):
    """`[serve.registry]`: where services are registered when they run."""

    url: Url | Literal[""] = ""
    entry: Annotated[str, StringConstraints(pattern=r"^(/[A-Za-z0-9._~{}/-]*)?$")] = ""
    wait: Duration = "10s"


class Verifier(Frozen):
    """`[serve.verifier]`: who is asked about a service before it is registered."""

    url: Url | Literal[""] = ""
    wait: Duration = "30s"


class Served(Frozen):
    """`[serve.service.NAME]`: what is known of a service beside what its source tree says."""

    command: Word = ""
    build: tuple[Word, ...] = ()
    health: HttpPath | Literal[""] = "/health"
    contains: str = ""
    members: dict[str, str] = {}
    release: str = ""
    strategy: Literal["beside", "recreate", ""] = ""
    memory: Size = "512 MB"
    cpus: Annotated[float, Field(gt=0, le=256)] = 1.0


class Reached(SshScope):
    """`[serve.ssh]`."""

    tender: LocalFile = "/usr/local/bin/tender"


class Serve(Frozen):
    """The whole table."""

    listen: Listen = "127.0.0.1:8007"
    state: AbsolutePath = "/var/lib/shipways"
    sources: Annotated[tuple[AbsolutePath, ...], Field(min_length=1)]
    hosts: Annotated[tuple[Address, ...], Field(min_length=1)]
    public: Word = ""
    timeout: Duration = "10m"
    wait: Duration = "30s"
    retries: Annotated[int, Field(ge=1, le=100)] = 3
    watch: Duration = "0s"
    concurrent: Annotated[int, Field(ge=1, le=100)] = 4
    ssh: Reached = table()
    access: Access = table()
    registry: Registry = table()
    verifier: Verifier = table()
    kept: Kept = table()
    service: dict[ServiceName, Served] = {}


def serve_problems(serve: Serve | None) -> Iterator[str]:
    """What goes together in it."""
    if serve and not serve.ssh.tender:
        yield "serve.ssh.tender: hosts need it; name the program that is brought to them"
    if serve and bool(serve.access.certificate) != bool(serve.access.key):
        yield "serve.access: certificate and key need each other"
