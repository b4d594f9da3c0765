"""Releases of a service on hosts: what is brought and how that is started, and where they come from."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any, Final, Protocol

from shipways.model.digest import digest_bytes
from shipways.model.item import Item
from shipways.model.manifest import Manifest
from shipways.model.secret import Secret
from shipways.outside.hosts import Host
from shipways.outside.platforms import Site

_FORMAT: Final = "shipways-host-release/3"
RELEASE: Final = "{release}"
"""In everything of a release but its content: its id."""
PORT: Final = "{port}"
"""… the port on 127.0.0.1 that it has for itself on a host."""
FOLDER: Final = "{folder}"
"""… the folder of its content there."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Release:
    """`content` is the digest of what is brought: of a program or a tree, or of an image by which an engine knows it.

    One with an `image` runs in a container of it: `options` are those of `docker run` besides its name, labels, restart
    policy and `variables`, `command` what comes after the image. Any other is kept running by systemd, from `texts` by
    their paths; the unit is `SERVICE@{release}.service`, and reads its variables by itself. In all of these `{release}`
    and `{port}` stand for its id and its port, and `{folder}` for where its content is. `asks` are a path and flags of
    `tender probe` by which it is healthy, empty without a question. `listen` is the public address, empty without one;
    `http` what comes there. `alone`: the one before has to end before it starts. `variables` are the names of those
    that `Source.environment` has: `{folder}/environment` is a file of a shell with them, which root may read. Those in
    `secrets` are of the same, and files of `{folder}/secrets` besides, for what is mounted. `sealed` tells their values
    apart and nothing of them; without it other values are those of the same release, which is started again.
    """

    content: str
    image: str = ""
    options: tuple[str, ...] = ()
    command: tuple[str, ...] = ()
    texts: Mapping[str, str] = field(default_factory=dict)
    asks: tuple[str, ...] = ()
    listen: str = ""
    http: bool = False
    alone: bool = False
    variables: tuple[str, ...] = ()
    secrets: tuple[str, ...] = ()
    sealed: str = ""

    @property
    def encoded(self) -> bytes:
        """What lies beside its content on a host; the same release has the same bytes."""
        return json.dumps({"format": _FORMAT, **asdict(self)}, indent=1, sort_keys=True).encode() + b"\n"

    @property
    def digest(self) -> str:
        """Which release it is."""
        return digest_bytes(self.encoded)


def told(text: str) -> Release:
    """The release of a file; one without anything where it is none."""
    try:
        found: dict[str, Any] = json.loads(text)
        if found.pop("format") != _FORMAT or set(found) != {each.name for each in fields(Release)}:
            return Release(content="")
        values: dict[str, Any] = {name: tuple(each) if isinstance(each, list) else each for name, each in found.items()}
        return Release(**values)
    except (ValueError, KeyError, TypeError, AttributeError):
        return Release(content="")


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What should run: the digest of a release, the path of its content below `dist/`, and the version it tells."""

    digest: str
    path: str = ""
    version: str = ""


class Source(Protocol):
    """One service of a deployment to hosts: a frozen dataclass.

    It is asked only while its lock on the host is held. `folder` is that of the release, `ROOT/SERVICE/releases/ID`,
    which is made before and where nobody else writes; `release.json`, `tender`, `port`, `environment`, `docker.env`,
    `secrets` and `files` in it are taken. Every method with a host raises Transient, or Unfinished.
    """

    @property
    def name(self) -> str:
        """Of the service: of its folder, unit, container and account."""
        ...

    @property
    def needs(self) -> tuple[str, ...]:
        """Names of services of the same deployment that have to serve on the host before this one starts."""
        ...

    @property
    def port(self) -> int | None:
        """The public one."""
        ...

    @property
    def publish(self) -> str:
        """The address that it is public at, without the port."""
        ...

    @property
    def docker(self) -> bool:
        """Whether its releases are images."""
        ...

    @property
    def data(self) -> tuple[str, ...]:
        """Folders that it is promised to find again, where another method would not have them."""
        ...

    @property
    def mounted(self) -> tuple[str, ...]:
        """Those of `environment` that come as files alone."""
        ...

    @property
    def builds(self) -> bool:
        """Whether anything is built on the host; without, there is no such item."""
        ...

    def wanted(self, manifest: Manifest) -> Wanted:
        """The release that should run. Raises ConfigError for what was not made."""
        ...

    async def release(self, site: Site, item: Item) -> Release:
        """The one that is made of what is here, whatever the item wants; its `path` and `version` are those wanted."""
        ...

    async def environment(self, site: Site) -> Mapping[str, Secret]:
        """Variables that only root of the host and the service itself may see: values of any bytes but NUL."""
        ...

    def files(self, site: Site) -> Mapping[str, Path]:
        """Config files by their names: they lie in `{folder}/files`, and another text is no other release."""
        ...

    def size(self, site: Site, item: Item) -> int:
        """How many bytes the wanted release has on a host at least, as far as that is known before it is there."""
        ...

    async def present(self, host: Host, release: Release, folder: str) -> bool:
        """Whether its content is on the host, whole: that of any release of this service, which may be an old one."""
        ...

    async def bring(self, site: Site, host: Host, item: Item, release: Release, folder: str) -> None:
        """Make it present; what an attempt before has brought need not come again."""
        ...

    async def built(self, host: Host, release: Release, folder: str) -> bool:
        """Whether what it is started from is there."""
        ...

    async def build(self, site: Site, host: Host, item: Item, release: Release, folder: str) -> None:
        """Build it. What a failure leaves is in the folder, or goes with `discard`."""
        ...

    async def discard(self, host: Host, release: Release, folder: str) -> None:
        """Remove what of it is not in the folder: an image. The folder goes then; nothing of it runs."""
        ...
