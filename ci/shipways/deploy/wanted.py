"""What a deployment of containers should run: the images of its services, by the digests of the manifest."""

from collections.abc import Iterator
from dataclasses import replace

from shipways.config.deploys import Deploy
from shipways.config.kinds import milliseconds
from shipways.config.schema import Config
from shipways.deploy.services import services
from shipways.errors import ConfigError, Problem
from shipways.model.artifact import Kind
from shipways.model.deployment import Terms
from shipways.model.item import Item, ItemKind, Phase
from shipways.model.manifest import Manifest
from shipways.model.names import image_folder
from shipways.model.service import Place, Service


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
    folder = image_folder(service.image)
    found = (each.digest for each in manifest.artifacts if each.kind == Kind.IMAGE and each.path.startswith(folder))
    return next(found, "")
