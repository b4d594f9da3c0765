"""What a deployment should run: the images or the programs of its services, by the digests of the manifest."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import PurePosixPath
from typing import Final

from shipways.config.deploys import Deploy
from shipways.config.kinds import milliseconds
from shipways.config.schema import Config
from shipways.deploy.services import services
from shipways.errors import ConfigError, Problem
from shipways.model.artifact import Kind
from shipways.model.daemon import Machine
from shipways.model.deployment import Terms
from shipways.model.item import Item, ItemKind, Phase
from shipways.model.manifest import ArtifactEntry, Manifest
from shipways.model.service import Place, Service

_TRIPLES: Final = {
    "linux": ("{arch}-unknown-linux-musl", "{arch}-unknown-linux-gnu"),
    "darwin": ("{arch}-apple-darwin",),
}
"""What runs on a system; first what needs nothing that is on it."""


def chosen(config: Config, name: str, place: Place) -> tuple[Service, ...]:
    """The services of a deployment as they are at a place, those that others need first."""
    table = config.deploy[name]
    return tuple(
        each for each in services(config, place, table.profile) if not table.services or each.name in table.services
    )


def terms(table: Deploy, interval: float) -> Terms:
    """How long things may take, asked for every `interval` seconds."""
    return Terms(wait=milliseconds(table.wait) / 1000, interval=interval, watch=milliseconds(table.watch) / 1000)


def items(name: str, found: tuple[Service, ...]) -> tuple[Item, ...]:
    """An item for each service, which needs those of the deployment that the service needs."""
    names = {service.name for service in found}
    return tuple(
        Item(
            id=f"{name}/{service.name}",
            kind=ItemKind.MOVING,
            phase=Phase.DEPLOY,
            want="",
            needs=tuple(f"{name}/{need}" for need in service.needs if need in names),
        )
        for service in found
    )


def images(name: str, found: tuple[Service, ...], manifest: Manifest) -> tuple[Item, ...]:
    """The items, each wanting its image. Raises ConfigError with each that was not made, or is pushed nowhere."""
    problems = [problem for service in found for problem in _missing(service, manifest)]
    if problems:
        raise ConfigError(*problems)
    return tuple(
        replace(item, want=_digest(service, manifest)) for item, service in zip(items(name, found), found, strict=True)
    )


def programs(found: tuple[Service, ...], machine: Machine, manifest: Manifest) -> tuple[ArtifactEntry, ...]:
    """The program of each service for a machine. Raises ConfigError with each that was not built."""
    made = [(service, _program(service, machine, manifest)) for service in found]
    problems = [_unbuilt(service, machine) for service, program in made if program is None]
    if problems:
        raise ConfigError(*problems)
    return tuple(program for _, program in made if program)


def service_of(item: Item, found: tuple[Service, ...]) -> Service:
    """The service that an item is."""
    name = item.id.rpartition("/")[2]
    return next(service for service in found if service.name == name)


def reference(service: Service, digest: str) -> str:
    """The image of a service as every platform takes it: by digest; one that `version` gives whole is whole."""
    return f"{service.repository}@{digest}" if digest.startswith("sha256:") else digest


def version(service: Service, image: str) -> str:
    """What runs, by the reference that a platform tells: its digest, or all of it where it is not one of ours."""
    return image.removeprefix(f"{service.repository}@")


def _missing(service: Service, manifest: Manifest) -> Iterator[Problem]:
    path = f"image.{service.image}"
    if not _digest(service, manifest):
        yield Problem(path=path, what="is not in the manifest", hint="release it first: `nox -s release`")
    if "/" not in service.repository:
        why = "a platform takes it from a registry"
        yield Problem(path=path, what="is pushed nowhere", why=why, hint=f'{path}.repositories = ["HOST/NAME"]')


def _digest(service: Service, manifest: Manifest) -> str:
    index = manifest.image(service.image)
    return index.digest if index else ""


def _program(service: Service, machine: Machine, manifest: Manifest) -> ArtifactEntry | None:
    triples = [each.format(arch=machine.arch) for each in _TRIPLES.get(machine.system, ())]
    name = PurePosixPath(service.command[0]).name
    built = {
        each.target: each
        for each in manifest.artifacts
        if each.kind == Kind.BINARY and each.package == service.package and each.name == name
    }
    return next((built[triple] for triple in triples if triple in built), None)


def _unbuilt(service: Service, machine: Machine) -> Problem:
    return Problem(
        path=f"package.{service.package}",
        what=f"has no program {PurePosixPath(service.command[0]).name} for this machine in the manifest",
        why=f"it is {machine.system} on {machine.arch}",
        hint="services of scripts run in containers: deploy them by compose",
    )
