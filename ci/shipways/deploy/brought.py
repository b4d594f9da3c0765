"""Programs of a manifest, as systemd keeps them running on hosts."""

import io
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath

from shipways.deploy import systemd
from shipways.deploy.contents import program, removed, whole
from shipways.deploy.sources import PORT, Release, Wanted
from shipways.deploy.wanted import programs
from shipways.errors import Problem, Unfinished
from shipways.model.daemon import Machine
from shipways.model.item import Item
from shipways.model.manifest import Manifest
from shipways.model.secret import Secret
from shipways.model.service import Service, Variable
from shipways.outside.hosts import Host
from shipways.outside.platforms import Site


@dataclass(frozen=True, slots=True, kw_only=True)
class ProgramSource:
    """The `Source` of a service whose program is an artifact. `kind` is the type of its unit."""

    service: Service
    machine: Machine
    kind: str
    docker: bool = False
    builds: bool = False

    @property
    def name(self) -> str:
        """That of the service."""
        return self.service.name

    @property
    def needs(self) -> tuple[str, ...]:
        """Those of the service."""
        return self.service.needs

    @property
    def port(self) -> int | None:
        """That of the service."""
        return self.service.port

    @property
    def publish(self) -> str:
        """That of the service."""
        return self.service.publish

    @property
    def data(self) -> tuple[str, ...]:
        """Those of the service."""
        return tuple(each.path for each in self.service.data)

    @property
    def mounted(self) -> tuple[str, ...]:
        """None: all are in its environment."""
        return ()

    def wanted(self, manifest: Manifest) -> Wanted:
        """By the program for the machine."""
        (found,) = programs((self.service,), self.machine, manifest)
        version = version_of(self.service, manifest)
        return Wanted(digest=self._release(found.digest, version).digest, path=found.path, version=version)

    async def release(self, site: Site, item: Item) -> Release:
        """Of the program as it lies in dist/."""
        return self._release(site.files.digest(site.artifact(item.path)), item.version)

    async def environment(self, site: Site) -> Mapping[str, Secret]:
        """Those that have no value in the config, of whoever deploys."""
        return given(self.service, site)

    def files(self, site: Site) -> Mapping[str, Path]:
        """Of the repository."""
        return {PurePosixPath(each.path).name: site.root / each.source for each in self.service.files}

    def size(self, site: Site, item: Item) -> int:
        """That of the program; 0 where it is not here."""
        path = site.artifact(item.path)
        if not item.path or not site.files.exists(path):
            return 0
        with site.files.open(path) as stream:
            return stream.seek(0, io.SEEK_END)

    async def present(self, host: Host, release: Release, folder: str) -> bool:
        """By its digest."""
        return await whole(host, release, program(self.service, folder))

    async def bring(self, site: Site, host: Host, item: Item, release: Release, folder: str) -> None:
        """One file; one that is whole is not brought again."""
        if await self.present(host, release, folder):
            return
        source = site.artifact(item.path)
        if site.files.digest(source) != release.content:
            why = "neither on the host nor here is the program of it"
            raise Unfinished(Problem(path=item.id, what=f"{item.want} cannot be brought", why=why))
        await host.put(source, program(self.service, folder), mode=0o755)

    async def built(self, host: Host, release: Release, folder: str) -> bool:
        """There is nothing to build."""
        del host, release, folder
        return True

    async def build(self, site: Site, host: Host, item: Item, release: Release, folder: str) -> None:
        """Nothing."""

    async def discard(self, host: Host, release: Release, folder: str) -> None:
        """All of a program is in the folder; one before may have been an image."""
        await removed(host, release, folder)

    def _release(self, digest: str, version: str) -> Release:
        service = self.service
        if service.port and "PORT" not in {each.name for each in service.variables}:
            service = replace(service, variables=(*service.variables, Variable(name="PORT", value=PORT)))
        return replace(common(service, version), content=digest, texts=systemd.instance(service, self.kind))


def common(service: Service, version: str) -> Release:
    """What a release of a service has, whatever it is: how it is asked, where it is public, what is brought with it."""
    health = service.health if service.health and service.health.path else None
    told = ("--json", f"{health.version}={version}") if health and health.version and version else ()
    host = f"[{service.publish}]" if ":" in service.publish else service.publish
    return Release(
        content="",
        asks=(health.path, *health.flags, *told) if health else (),
        listen=f"{host}:{service.port}" if service.port else "",
        http=health is not None,
        alone=service.alone,
        variables=tuple(each.name for each in service.variables if each.value is None),
    )


def version_of(service: Service, manifest: Manifest) -> str:
    """The version that its program is of; empty where the manifest does not tell."""
    return next((each.version for each in manifest.packages if each.name == service.package), "")


def given(service: Service, site: Site) -> Mapping[str, Secret]:
    """The variables without a value in the config that are set where it is deployed from."""
    names = (each.name for each in service.variables if each.value is None)
    return {name: Secret(site.env[name]) for name in names if name in site.env}
