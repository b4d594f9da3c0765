"""Images of a manifest, as a Docker Engine keeps containers of them running on hosts."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath
from typing import Final

from shipways.deploy.brought import common, given, version_of
from shipways.deploy.compose import LOGS, entry, watched
from shipways.deploy.contents import program, removed, whole
from shipways.deploy.sources import FOLDER, PORT, Release, Wanted
from shipways.deploy.wanted import images, reference
from shipways.errors import Problem, Unfinished
from shipways.model.item import Item
from shipways.model.manifest import Manifest
from shipways.model.secret import Secret
from shipways.model.service import Service
from shipways.outside.hosts import Host
from shipways.outside.platforms import Site

_PULL: Final = (
    "config=$(mktemp -d) && trap 'rm -rf \"$config\"' EXIT && "
    'docker --config "$config" login --username "$1" --password-stdin "$2" >&2 && '
    'docker --config "$config" pull --quiet "$3"'
)
"""The login is one of this pull alone, and its password comes by standard input."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ImageSource:
    """The `Source` of a service whose image is pulled by its digest."""

    service: Service
    docker: bool = True
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
        """Its secrets."""
        return self.service.secrets

    def wanted(self, manifest: Manifest) -> Wanted:
        """By the digest of its image."""
        (item,) = images("", (self.service,), manifest)
        version = version_of(self.service, manifest)
        return Wanted(digest=self._release(item.want, version).digest, path=item.want, version=version)

    async def release(self, site: Site, item: Item) -> Release:
        """Of the image, whose digest is the path of the item."""
        del site
        return self._release(item.path, item.version)

    async def environment(self, site: Site) -> Mapping[str, Secret]:
        """Those that have no value in the config, of whoever deploys."""
        return given(self.service, site)

    def files(self, site: Site) -> Mapping[str, Path]:
        """Of the repository."""
        return {PurePosixPath(each.path).name: site.root / each.source for each in self.service.files}

    def size(self, site: Site, item: Item) -> int:
        """Nobody knows: a registry tells what is sent, and layers that are there already are not."""
        del site, item
        return 0

    async def present(self, host: Host, release: Release, folder: str) -> bool:
        """Whether the engine has it."""
        return await whole(host, release, program(self.service, folder))

    async def bring(self, site: Site, host: Host, item: Item, release: Release, folder: str) -> None:
        """By the host itself, with the login of whoever deploys."""
        if await self.present(host, release, folder):
            return
        login = await site.login(release.image.partition("/")[0])
        pull: tuple[str, ...] = ("docker", "pull", "--quiet", release.image)
        if login:
            pull = ("sh", "-c", _PULL, "sh", login[0], release.image.partition("/")[0], release.image)
        done = await host.run(pull, login[1].open().encode() if login else b"")
        if done.code:
            hint = "`docker login` where you deploy, or look whether the host reaches the registry"
            what = f"{release.image} could not be pulled"
            raise Unfinished(Problem(path=item.id, what=what, why=done.stderr.strip(), hint=hint))

    async def built(self, host: Host, release: Release, folder: str) -> bool:
        """There is nothing to build."""
        del host, release, folder
        return True

    async def build(self, site: Site, host: Host, item: Item, release: Release, folder: str) -> None:
        """Nothing."""

    async def discard(self, host: Host, release: Release, folder: str) -> None:
        """The image too."""
        await removed(host, release, folder)

    def _release(self, image: str, version: str) -> Release:
        service = self.service
        return replace(
            common(service, version),
            variables=tuple(each.name for each in service.variables if each.value is None and not each.secret),
            secrets=service.secrets,
            content=image,
            image=reference(service, image),
            options=tuple(_options(service)),
            command=(*entry(service)[1:], *service.command[1:]),
        )


def _options(service: Service) -> Iterator[str]:
    """Of `docker run`: what the container may have, and that it may do nothing else."""
    yield from ("--read-only", "--tmpfs", "/tmp", "--cap-drop", "ALL", "--security-opt", "no-new-privileges:true")  # noqa: S108 - the container's own
    yield from ("--memory", str(service.limits.memory), "--cpus", str(service.limits.cpus))
    yield from ("--pids-limit", str(service.limits.processes), "--log-driver", "json-file")
    yield from ("--log-opt", f"max-size={service.limits.log // LOGS // 1000}k", "--log-opt", f"max-file={LOGS}")
    yield from ("--stop-signal", service.stop_signal, "--stop-timeout", str(-(-service.stop_time // 1000)))
    yield from () if watched(service) else ("--init",)
    if service.port:
        yield from ("--publish", f"127.0.0.1:{PORT}:{service.port}")
    for need in service.needs:  # its proxy holds the port on the host, whichever release it leads to
        yield from ("--add-host", f"{need}:host-gateway")
    if service.port and "PORT" not in service.environment:
        yield from ("--env", f"PORT={service.port}")
    for name, value in service.environment.items():
        yield from ("--env", f"{name}={value}")
    for each in service.data:
        yield from ("--volume", f"{service.name}-{each.name}:{each.path}")
    for each in service.files:
        source = f"{FOLDER}/files/{PurePosixPath(each.path).name}"
        yield from ("--mount", f"type=bind,source={source},target={each.path},readonly")
    for name in service.secrets:
        yield from ("--env", f"{name}_FILE=/run/secrets/{name}")
        yield from ("--mount", f"type=bind,source={FOLDER}/secrets/{name},target=/run/secrets/{name},readonly")
    yield from ("--entrypoint", entry(service)[0])
