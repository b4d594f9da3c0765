"""Source trees as releases of hosts: what is brought of them, how it is built, and how it is started."""

import hashlib
import hmac
import json
import re
import shlex
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Final

from shipways.deploy import systemd
from shipways.deploy.bringing import bring, present
from shipways.deploy.builds import APP, VENV, Yard
from shipways.deploy.compose import LOGS
from shipways.deploy.recipes import Way
from shipways.deploy.sources import FOLDER, PORT, RELEASE, Release, Wanted
from shipways.errors import Problem, Unfinished
from shipways.model.item import Item
from shipways.model.manifest import Manifest
from shipways.model.secret import Secret
from shipways.model.service import Service, Variable
from shipways.model.tree import Content, Tree
from shipways.outside.hosts import Host
from shipways.outside.platforms import Site

_COMPOUND: Final = re.compile(r"[;&|<>()`\n]")
"""What a line has that is more than one command."""
_PYTHON: Final = {"PYTHONUNBUFFERED": "1", "PYTHONDONTWRITEBYTECODE": "1"}
_SYSTEM: Final = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


@dataclass(frozen=True, slots=True, kw_only=True)
class Walked:
    """A tree of this machine, and how it becomes something that runs."""

    path: str
    tree: Tree
    way: Way

    @property
    def content(self) -> Content:
        """What is brought of it."""
        return Content(tree=self.tree, recipe=self.way.recipe)


@dataclass(frozen=True, slots=True, kw_only=True)
class TreeSource:
    """The `Source` of a service that comes as a tree; without one, for what is on the hosts already.

    `limit` is in seconds, for a build; `asks` are the words of its health; `values` are those of its variables, and
    `key` is what they are sealed with; `say` hears what is sent and printed, after the step.
    """

    service: Service
    docker: bool
    asks: tuple[str, ...]
    limit: float
    walked: Walked | None = None
    values: Mapping[str, Secret] = field(default_factory=dict)
    key: bytes = b""
    say: Callable[[str, str], None] = lambda step, text: None  # noqa: ARG005 - nobody hears
    builds: bool = True

    @property
    def name(self) -> str:
        """That of the service."""
        return self.service.name

    @property
    def needs(self) -> tuple[str, ...]:
        """None: each comes alone."""
        return ()

    @property
    def port(self) -> int | None:
        """The public one."""
        return self.service.port

    @property
    def publish(self) -> str:
        """That of the service."""
        return self.service.publish

    @property
    def data(self) -> tuple[str, ...]:
        """None: a request names none."""
        return ()

    @property
    def mounted(self) -> tuple[str, ...]:
        """None: all are in its environment."""
        return ()

    def wanted(self, manifest: Manifest) -> Wanted:
        """The release of the tree, whatever was released elsewhere."""
        del manifest
        return Wanted(digest=self.brought.digest)

    @property
    def brought(self) -> Release:
        """Of the tree as it was walked; one without anything where none was."""
        return _release(self, self.walked) if self.walked else Release(content="")

    async def release(self, site: Site, item: Item) -> Release:
        """The one that is brought, if any."""
        del site, item
        return self.brought

    async def environment(self, site: Site) -> Mapping[str, Secret]:
        """Those of the request."""
        del site
        return self.values

    def files(self, site: Site) -> Mapping[str, Path]:
        """None: all of it is in the tree."""
        del site
        return {}

    def size(self, site: Site, item: Item) -> int:
        """That of its files; what is built of them comes besides."""
        del site, item
        return self.walked.tree.size if self.walked else 0

    async def present(self, host: Host, release: Release, folder: str) -> bool:
        """Every file of it, as it was sent."""
        return await present(host, release.content, folder)

    async def bring(self, site: Site, host: Host, item: Item, release: Release, folder: str) -> None:
        """What is not there yet. Raises Transient; Unfinished, and nothing is left, where it cannot be."""
        if await self.present(host, release, folder):
            return
        walked = self.walked
        if walked is None or walked.content.digest != release.content:
            why = "neither on the host nor here is the tree of it, whole"
            raise Unfinished(Problem(path=item.id, what=f"{item.want} cannot be brought", why=why))
        progress = _Progress(say=lambda text: self.say(item.id, text))
        await bring(site, host, (walked.path, walked.content), folder, progress.heard)

    async def built(self, host: Host, release: Release, folder: str) -> bool:
        """By what the build has left: its image, or its mark in the folder."""
        return await self._yard(host, folder).built(release.content)

    async def build(self, site: Site, host: Host, item: Item, release: Release, folder: str) -> None:
        """On the host, in time."""
        del site, release
        await self._yard(host, folder).build(self.limit, lambda text: self.say(item.id, text))

    async def discard(self, host: Host, release: Release, folder: str) -> None:
        """The image; and a build that goes on."""
        await self._yard(host, folder).discard(docker=bool(release.image))

    def _yard(self, host: Host, folder: str) -> Yard:
        return Yard(host=host, service=self.name, folder=folder)


@dataclass(slots=True, kw_only=True)
class _Progress:
    """Says how far something is: once for each percent."""

    say: Callable[[str], None]
    last: int = -1

    def heard(self, done: int, size: int) -> None:
        """So many bytes of it are there."""
        percent = 100 * done // size
        if percent > self.last:
            self.last = percent
            self.say(f"{percent} % of {size:,} bytes")


def _release(source: TreeSource, walked: Walked) -> Release:
    """How it is started. Of the values of its variables it has what tells them apart."""
    service, way = source.service, walked.way
    release = Release(
        content=walked.content.digest,
        asks=source.asks,
        listen=f"{service.publish}:{service.port}",
        http=bool(source.asks),
        alone=way.alone,
        variables=tuple(sorted(source.values)),
        sealed=_sealed(source) if source.values else "",
    )
    if source.docker:
        image = f"{service.name}:{RELEASE}"
        return replace(
            release, image=image, options=tuple(_options(service, way)), command=(*shlex.split(way.command),)
        )
    ours = {"PATH": f"{FOLDER}/{VENV}/bin:{_SYSTEM}", "PORT": PORT, "SHIPWAYS_RELEASE": RELEASE, **_PYTHON}
    variables = [Variable(name=name, value=value) for name, value in ours.items() if name not in source.values]
    variables += [Variable(name=name, value=None) for name in sorted(source.values)]
    line = way.command if _COMPOUND.search(way.command) else f"exec env {way.command}"
    command = ("/bin/sh", "-c", f"cd {FOLDER}/{APP} && {line}")
    started = replace(service, command=command, variables=tuple(variables), behind=PORT, alone=way.alone)
    return replace(release, texts=systemd.instance(started, "simple"))


def _sealed(source: TreeSource) -> str:
    """Of each service other words, so that nobody sees which of them have the same values."""
    values = {name: value.open() for name, value in source.values.items()}
    told = json.dumps([source.name, values], sort_keys=True).encode(errors="surrogatepass")
    return hmac.new(source.key, told, hashlib.sha256).hexdigest()


def _options(service: Service, way: Way) -> Iterator[str]:
    """Of `docker run`. An image of somebody's Dockerfile may write, and be whom it wants, in its container."""
    yield from ("--security-opt", "no-new-privileges:true", "--init")
    yield from ("--memory", str(service.limits.memory), "--cpus", str(service.limits.cpus))
    yield from ("--pids-limit", str(service.limits.processes), "--log-driver", "json-file")
    yield from ("--log-opt", f"max-size={service.limits.log // LOGS // 1000}k", "--log-opt", f"max-file={LOGS}")
    yield from ("--stop-timeout", str(-(-service.stop_time // 1000)))
    yield from ("--publish", f"127.0.0.1:{PORT}:{way.port}")
    yield from ("--env", f"PORT={way.port}", "--env", f"SHIPWAYS_RELEASE={RELEASE}")
