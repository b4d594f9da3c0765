"""The desk of the deployer over a platform in memory: six items on each host, as real hosts have them."""

import contextlib
import itertools
import tempfile
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Final, cast

import anyio

from desks import Office, Opened, memory
from shipways.adapters.book import DiskBook
from shipways.adapters.jobjournal import opened
from shipways.adapters.shell import OsClock
from shipways.errors import Problem, Transient, Unfinished
from shipways.model.deployment import Terms
from shipways.model.digest import digest_bytes
from shipways.model.event import Printed
from shipways.model.item import Item, ItemKind, Phase
from shipways.model.job import CONNECTED, REACHABLE, Hold, JobRequest, Registration, Standing
from shipways.outside.hosts import Hosts
from shipways.outside.jobs import Book, JobJournal, Requested
from shipways.outside.platforms import Site
from shipways.ports import Clock, Console
from shipways.run.jobs import Jobs
from shipways.run.jobtools import Tools
from shipways.run.trail import Trail
from shipways.testing.doors import CLOSED_SITE
from shipways.testing.jobs import MemoryBook, MemoryJournal
from shipways.testing.place import Fault
from shipways.testing.platform import Platform, PlatformDeployer

STEPS: Final = ("transfer", "build", "start", "verify", "switch", "register")
SOURCES: Final = "/srv/services"
_TERMS: Final = Terms(wait=0.2, interval=0.05, watch=0)


class Nowhere:
    """Hosts that nobody reaches, whose connections end."""

    async def aclose(self) -> None:
        """At once."""


@dataclass(slots=True)
class MemoryBringer:
    """The `Bringer` port over a platform; a folder is what it is called."""

    platform: Platform
    clock: Clock
    hosts: Sequence[str] = ("host-1",)
    fault: Callable[[Item], Fault] = lambda _: Fault.NONE
    terms: Terms = _TERMS
    deployer: type[PlatformDeployer] = PlatformDeployer
    held: dict[str, dict[str, Hold]] = field(default_factory=dict)
    silent: set[str] = field(default_factory=set)
    open: anyio.Event | None = None
    """Until it is set, nothing that is asked for is begun."""

    def problems(self, request: JobRequest) -> Sequence[Problem]:
        """Below the sources alone."""
        if request.service_path.startswith(f"{SOURCES}/"):
            return ()
        return (Problem(path="service_path", what=f"is not below {SOURCES}"),)

    async def requested(self, request: JobRequest, console: Console) -> Requested:
        """The digest of its path."""
        if self.open:
            await self.open.wait()
        made = self._made(request, digest(request.service_path))
        console.emit(Printed(step=made.items[0].id, text="100 %"))
        return made

    def standing(self, request: JobRequest, console: Console) -> Requested:
        """Without a want."""
        del console
        return self._made(request, "")

    async def reached(self, site: Site) -> Standing:
        """Always."""
        del site
        return Standing(ssh=CONNECTED, registry=REACHABLE)

    async def holds(self, site: Site, host: str) -> Mapping[str, Hold]:
        """A host that is `silent` does not say."""
        del site
        self._ask(host)
        return dict(self.held.get(host, {}))

    async def hold(self, site: Site, host: str, hold: Hold) -> None:
        """At once."""
        del site
        self._ask(host)
        self.held.setdefault(host, {})[hold.service] = hold

    async def release(self, site: Site, host: str, service: str) -> None:
        """At once."""
        del site
        self._ask(host)
        self.held.get(host, {}).pop(service, None)

    def _ask(self, host: str) -> None:
        if host in self.silent:
            raise Transient(Problem(path=host, what="does not answer"))

    def _made(self, request: JobRequest, want: str) -> Requested:
        items: list[Item] = []
        steps = STEPS if request.auto_register else STEPS[:-1]
        for host in self.hosts:
            before: tuple[str, ...] = ()
            for step in steps:
                name = f"deploy.test/{host}/{request.service_name}/{step}"
                items.append(Item(id=name, kind=ItemKind.MOVING, phase=Phase.DEPLOY, want=want, needs=before))
                before = (name,)
        deployer = self.deployer(self.platform, items, self.fault, self.terms)
        endpoint = f"memory:{items[-1].id}"
        told = Registration(
            droplet_id=request.droplet_id,
            service_name=request.service_name,
            endpoint=endpoint,
            registered=self.clock.now(),
            response={"status": "registered"},
        )
        return Requested(
            deployer=deployer,
            items=tuple(items),
            registration=lambda: told if request.auto_register else None,
        )


def digest(folder: str) -> str:
    """Of the release that a folder is."""
    return digest_bytes(folder.encode())


def tools(bringer: MemoryBringer, journal: JobJournal, book: Book, clock: Clock, *, timeout: float = 60.0) -> Tools:
    """What a desk works with."""
    ids = itertools.count(len(journal.jobs(limit=1_000_000)) + 1)
    return Tools(
        journal=journal,
        trail=Trail(book, journal, clock),
        bringer=bringer,
        clock=clock,
        site=lambda: replace(CLOSED_SITE, hosts=cast(Hosts, Nowhere())),
        name=lambda: f"job-{next(ids):06}",
        timeout=timeout,
        concurrent=4,
        grace=0.5,
    )


@contextlib.asynccontextmanager
async def in_memory() -> AsyncIterator[Office]:
    """Jobs, over fakes."""
    journal = MemoryJournal()

    def full(what: str) -> None:
        raise Unfinished(Problem(path=what, what="the disk is full"))

    async with _office(journal, MemoryBook(), lambda: setattr(journal, "before", full)) as office:
        yield office


@contextlib.asynccontextmanager
async def on_disk() -> AsyncIterator[Office]:
    """Jobs, with their real journal and trail."""
    with tempfile.TemporaryDirectory() as name, opened(Path(name)) as journal:
        fill = partial(journal._base.read, "PRAGMA query_only = 1")
        async with _office(journal, DiskBook(Path(name) / "trail.jsonl"), fill) as office:
            yield office


@contextlib.asynccontextmanager
async def _office(journal: JobJournal, book: Book, fill: Callable[[], object]) -> AsyncIterator[Office]:
    clock = OsClock()
    bringer = MemoryBringer(Platform(), clock)

    def sicken(service: str) -> None:
        for folder in ("two", "three"):
            bringer.platform.sick.add((f"deploy.test/host-1/{service}/verify", digest(f"{SOURCES}/{folder}")))

    def halt() -> None:
        bringer.open = anyio.Event()

    def resume() -> None:
        if bringer.open:
            bringer.open.set()

    async with Jobs(tools(bringer, journal, book, clock)).opened() as desk:
        yield Office(desk=desk, sources=SOURCES, sicken=sicken, halt=halt, resume=resume, fill=fill)


KINDS: Final[Mapping[str, Opened]] = {"memory": memory, "jobs": in_memory, "jobs on disk": on_disk}
"""How each kind of desk is opened."""
