"""Image registries to rehearse with."""

import base64
import json
import shutil
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

from starlette.types import ASGIApp

from shipways.adapters.files import DiskFiles
from shipways.config.publish import RegistryTable
from shipways.config.schema import Config
from shipways.model.manifest import Manifest
from shipways.model.oci import parse_reference
from shipways.ports import Clock
from shipways.rehearse.berth import made_up, with_tables
from shipways.rehearse.oci import OciRegistry
from shipways.rehearse.ocigate import Account

_USER: Final = "rehearsal"


class RegistryBerth:
    """A registry for each that the images go to; everybody pulls, one user pushes."""

    channel = "registry"

    def __init__(self, table: RegistryTable, config: Config, folder: Path) -> None:
        self._table = table
        names = [name for image in config.made.values() for name in image.repositories]
        self._hosts = tuple(dict.fromkeys(parse_reference(name).host for name in names))
        self._password = made_up()
        self._folder = folder
        self._registries: tuple[OciRegistry, ...] = ()

    def fresh(self, clock: Clock) -> Sequence[ASGIApp]:
        """One registry for each host."""
        del clock
        shutil.rmtree(self._folder / "blobs", ignore_errors=True)
        (self._folder / "blobs").mkdir(parents=True)
        account = {_USER: Account(password=self._password)}
        self._registries = tuple(
            OciRegistry(Path(tempfile.mkdtemp(dir=self._folder / "blobs")), account) for _ in self._hosts
        )
        return tuple(registry.app for registry in self._registries)

    def lead(self, config: Config, urls: Sequence[str]) -> Config:
        """Other hosts in the names of repositories."""
        hosts = dict(zip(self._hosts, map(_netloc, urls), strict=True))
        images = {
            name: image.model_copy(update={"repositories": tuple(_moved(each, hosts) for each in image.repositories)})
            for name, image in config.made.items()
        }
        return with_tables(config.model_copy(update={"image": {**config.image, **images}}), registry=self._table)

    def tokens(self, urls: Sequence[str]) -> Mapping[str, str]:
        """A folder with the config.json that `docker login` would have written."""
        auth = base64.b64encode(f"{_USER}:{self._password}".encode()).decode()
        text = json.dumps({"auths": {_netloc(url): {"auth": auth} for url in urls}})
        with DiskFiles().create(self._folder / "config.json") as stream:
            stream.write(text.encode())
        return {"DOCKER_CONFIG": str(self._folder)}

    def holds(self) -> object:
        """Blobs, manifests and tags of every repository."""
        return [
            {
                name: (sorted(stored.blobs), sorted(stored.manifests), sorted(stored.tags.items()))
                for name, stored in sorted(registry.repositories.items())
            }
            for registry in self._registries
        ]


def berth(config: Config, manifest: Manifest, folder: Path) -> RegistryBerth | None:
    """Those that the images go to."""
    del manifest
    return RegistryBerth(config.publish.registry, config, folder / "registry") if config.publish.registry else None


def _netloc(url: str) -> str:
    return url.partition("//")[2]


def _moved(name: str, hosts: Mapping[str, str]) -> str:
    meant = parse_reference(name)
    return f"{hosts[meant.host]}/{meant.repository}"
