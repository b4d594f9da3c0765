"""An `Outside` and a `Site` whose doors are closed; `dataclasses.replace` opens those that a channel needs."""

from pathlib import Path
from typing import Final, NoReturn, cast

from shipways.outside.channels import Outside
from shipways.outside.hosts import Hosts
from shipways.outside.platforms import Prober, Site
from shipways.outside.trees import Trees
from shipways.ports import Clock, Files, Process


def closed(*address: object) -> NoReturn:
    """A door that nobody may open."""
    raise AssertionError(address)


CLOSED: Final = Outside(
    artifact=closed,
    bucket=closed,
    crates=closed,
    forge=closed,
    notary=closed,
    pypi=closed,
    read=closed,
    registries=closed,
    tags=closed,
    tap=closed,
)

CLOSED_SITE: Final = Site(
    root=Path(),
    env={},
    artifact=closed,
    files=cast(Files, closed),
    process=cast(Process, closed),
    prober=cast(Prober, closed),
    services=closed,
    render=closed,
    hosts=cast(Hosts, closed),
    trees=cast(Trees, closed),
    login=closed,
    clock=cast(Clock, closed),
)
