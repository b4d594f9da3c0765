"""`[service.NAME.fly]`, `kubernetes`, `render`: what only one platform wants to know of a service."""

from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from shipways.config.kinds import Frozen, Size, Variable, Word

FlyName = Annotated[str, StringConstraints(pattern=r"^([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?)?$")]
Host = Annotated[
    str,
    StringConstraints(pattern=r"^([a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)+)?$", max_length=253),
]
FlyRegion = Annotated[str, StringConstraints(pattern=r"^[a-z]{3}$")]
FlySize = Annotated[str, StringConstraints(pattern=r"^(shared-cpu|performance)-\d+x$")]


class Fly(Frozen):
    """`[service.NAME.fly]`."""

    app: FlyName = ""
    region: FlyRegion = "iad"
    size: FlySize = "shared-cpu-1x"
    auto_stop: Literal["off", "stop", "suspend"] = "stop"
    min_machines: Annotated[int, Field(ge=0, le=1000)] = 0
    volume: Size = "1 GB"
    snapshots: Annotated[int, Field(ge=1, le=60)] = 5
    files: bool = True
    env: dict[Variable, Word] = {}


class Kubernetes(Frozen):
    """`[service.NAME.kubernetes]`."""

    host: Host = ""
    max_replicas: Annotated[int, Field(ge=1, le=10_000)] = 1
    busy: Annotated[int, Field(ge=1, le=100)] = 70
    storage: Size = "1 GB"


class Render(Frozen):
    """`[service.NAME.render]`."""

    region: Literal["frankfurt", "ohio", "oregon", "singapore", "virginia"] = "oregon"
    plan: Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_ ]*$")] = "starter"
    disk: Size = "1 GB"
