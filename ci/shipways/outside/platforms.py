"""Deployers: the channels of what runs, and all that they may touch, as Protocols of a few methods."""

from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from shipways.config.schema import Config
from shipways.errors import Problem
from shipways.model.daemon import Machine, Scope
from shipways.model.deployment import Pulse, Running, Terms
from shipways.model.item import Item
from shipways.model.manifest import Manifest
from shipways.model.secret import Secret
from shipways.model.service import Health
from shipways.outside.hosts import Hosts
from shipways.outside.trees import Trees
from shipways.ports import Clock, Files, Process


class Prober(Protocol):
    """Asks services for their health."""

    async def ask(self, url: str, health: Health) -> str:
        """Why an answer is not that of a healthy service; empty when it is."""
        ...


class Services(Protocol):
    """The services of this machine, by name."""

    def lacks(self) -> tuple[Problem, ...]:
        """What they need to be started besides their own programs."""
        ...

    def texts(self, service: str) -> Mapping[str, str]:
        """The files that the config gives it, by their paths."""
        ...

    async def bring(self, service: str, texts: Mapping[str, str]) -> None:
        """Install it with these files, and start it from the program of now. Raises Unfinished, Conflict."""
        ...

    async def standing(self, service: str) -> str:
        """Why it does not run, in the words of its manager; empty when it does."""
        ...

    async def end(self, service: str) -> None:
        """Stop it, and remove its files. Raises Unfinished."""
        ...

    async def log(self, service: str) -> str:
        """The last lines that it printed."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Hosted:
    """A service of Render: the image that it is made from, without one if Render builds it, and where it is reached."""

    image: str
    suspended: bool
    url: str
    owner: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Release:
    """A deploy of a service of Render, whose `status` has the words of its API."""

    id: str
    image: str
    status: str


class RenderApi(Protocol):
    """Services of Render, by their ids. Every method raises Transient, or Unfinished when it is refused."""

    async def service(self, service: str) -> Hosted | None:
        """What it is; None where there is none."""
        ...

    async def releases(self, service: str) -> Sequence[Release]:
        """The last hundred of its deploys, the newest first."""
        ...

    async def release(self, service: str, image: str) -> None:
        """Begin a deploy of an image, which Render brings to its end."""
        ...

    async def cancel(self, service: str, release: str) -> None:
        """End a deploy that is under way; one that has ended stays as it is."""
        ...

    async def suspend(self, service: str) -> None:
        """End what runs."""
        ...

    async def logs(self, service: str, owner: str) -> str:
        """The last lines that it printed."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Site:
    """Everything a deployer may touch."""

    root: Path
    """The top of the repository."""
    env: Mapping[str, str]
    """The environment that programs are run in, with what they know the user by."""
    artifact: Callable[[str], Path]
    """Where the verified bytes of an artifact lie, by its path below `dist/`. Read only."""
    files: Files
    process: Process
    prober: Prober
    services: Callable[[Scope], Services]
    """The services of this machine. Raises PreflightError where nobody keeps services, or not for this user."""
    render: Callable[[], RenderApi]
    hosts: Hosts
    trees: Trees
    login: Callable[[str], Awaitable[tuple[str, Secret] | None]]
    """The user and the password for a registry, of whoever deploys; None for nobody. Raises PreflightError."""
    clock: Clock
    holds: bool = True
    """Whether everybody else is kept out from the preflight on: not where somebody only looks."""


class Deployer(Protocol):
    """Where something runs: a frozen dataclass in `deploy/places/`. It holds no policy: no loop, no retry, no undo."""

    @property
    def name(self) -> str:
        """How its items begin: `deploy.NAME`."""
        ...

    @property
    def terms(self) -> Terms:
        """How long things may take."""
        ...

    def items(self) -> tuple[Item, ...]:
        """What it looks after; `want` is empty, `needs` are what has to be healthy before."""
        ...

    def desired(self, manifest: Manifest) -> tuple[Item, ...]:
        """The items with what should run. Raises ConfigError for what was not made."""
        ...

    async def preflight(self, site: Site) -> tuple[Problem, ...]:
        """Everything that would stop a deployment. Raises Transient, or Unfinished when asking is refused."""
        ...

    async def observe(self, site: Site, items: Sequence[Item]) -> Mapping[str, Running]:
        """What runs, for each of these items by its id. Raises Transient, Unfinished."""
        ...

    async def apply(self, site: Site, item: Item, seen: Running, previous: str) -> str:
        """Let `item.want` run where `seen` did, and remember `previous`, where it can be reached as a URL.

        Raises Moved when something else runs by now, Transient when it is worth another try, Unfinished otherwise.
        """
        ...

    async def probe(self, site: Site, item: Item) -> Pulse:
        """Whether what should run does, and is healthy. Raises Transient, Unfinished."""
        ...

    async def withdraw(self, site: Site, item: Item) -> None:
        """End what was deployed where nothing ran before; there may be little of it, or nothing.

        Raises Transient; Unfinished where that cannot be.
        """
        ...

    async def logs(self, site: Site, item: Item) -> str:
        """The last lines that it printed; empty when they cannot be had."""
        ...


class Place(Protocol):
    """A module of `deploy/places/`. Its plan is as pure as a maker's."""

    def plan(self, config: Config, machine: Machine) -> Iterator[Deployer]:
        """The deployers for this config, on this machine."""
        ...
