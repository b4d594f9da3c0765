"""Local stand-ins of every place of a config, and the config and tokens that lead to them and nowhere else."""

import contextlib
import time
from collections.abc import AsyncIterator, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import anyio.lowlevel
from starlette.types import ASGIApp, Receive, Scope, Send

from shipways import doors
from shipways.config.publish import Publish
from shipways.config.schema import Config
from shipways.model.manifest import Manifest
from shipways.model.names import site_of
from shipways.outside.channels import Outside
from shipways.rehearse.berth import Berth, Builder
from shipways.rehearse.berths import attest, crates, files, github, homebrew, pypi, registry
from shipways.rehearse.faults import Chooser, Fault, Faulty, Traffic
from shipways.rehearse.serving import served
from shipways.testing.console import ManualClock

_NOWHERE: Final = "http://127.0.0.1:1"
"""Where nobody answers."""
_TICK: Final = 0.001
"""Seconds that the shortest sleep takes."""
BERTHS: Final[Sequence[Builder]] = (
    attest,  # a key that signs
    crates,  # a registry of crates
    files,  # a folder
    github,  # a GitHub with the repository and its tags
    homebrew,  # a tap, and the fork that pull requests come from
    pypi,  # an index of Python packages
    registry,  # a registry for each host that images go to
)


class HarbourClock(ManualClock):
    """The `Clock` port: waiting takes no time, and never none, or who waits until a moment would never reach it."""

    async def sleep(self, seconds: float) -> None:
        """Let that time pass."""
        await anyio.lowlevel.checkpoint()
        self.advance(max(seconds, _TICK))


def calm(method: str, path: str) -> Fault:
    """No fault."""
    del method, path
    return Fault.NONE


@dataclass(slots=True)
class Quay:
    """A server of its own, whose application is another one in each case: to start one takes longer than a case."""

    app: ASGIApp

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request, to the application of the moment."""
        await self.app(scope, receive, send)


@dataclass(slots=True, kw_only=True)
class Moored:
    """A berth with its servers: what came to them, and which faults come next."""

    berth: Berth
    fault: Chooser = calm
    traffic: Traffic = field(default_factory=Traffic)
    quays: Sequence[Quay] = ()
    urls: Sequence[str] = ()

    def choose(self, method: str, path: str) -> Fault:
        """The fault for a request."""
        return self.fault(method, path)


@dataclass(slots=True, kw_only=True)
class Harbour:
    """Where a release is rehearsed. `config` names stand-ins; `absent` are the config's channels that have none.

    `folder` is the one that commands run in.
    """

    config: Config
    moored: Mapping[str, Moored]
    absent: tuple[str, ...]
    env: Mapping[str, str]
    clock: HarbourClock
    ways: doors.Ways
    folder: Path

    def clear(self) -> None:
        """Let nothing be anywhere."""
        self.clock = HarbourClock(time.time())
        for each in self.moored.values():
            for quay, app in zip(each.quays, each.berth.fresh(self.clock), strict=True):
                quay.app = app

    def arm(self, faults: Mapping[str, Chooser]) -> None:
        """Choose the faults of the next run, by channel; nothing goes wrong anywhere else. Forget what has come."""
        for name, each in self.moored.items():
            each.fault = faults.get(name, calm)
            each.traffic.requests.clear()

    def writes(self) -> int:
        """How many requests have come that change something."""
        return sum(len(each.traffic.writes()) for each in self.moored.values())

    def holds(self, channels: Collection[str]) -> Mapping[str, object]:
        """What the places of these channels have."""
        return {name: each.berth.holds() for name, each in self.moored.items() if name in channels}

    @contextlib.asynccontextmanager
    async def outside(self, folder: Path) -> AsyncIterator[Outside]:
        """The doors of a process of its own, which all lead here."""
        async with doors.outside(folder, _Shell(self.env, self.folder), self.clock, self.ways) as opened:
            yield opened


@contextlib.contextmanager
def harbour(
    config: Config, manifest: Manifest, folder: Path, builders: Sequence[Builder] = BERTHS
) -> Iterator[Harbour]:
    """One that is empty, for as long as the block runs. A channel that no berth is for is in no config of it."""
    folder.mkdir(parents=True, exist_ok=True)
    found = [berth for module in builders if (berth := module.berth(config, manifest, folder))]
    wanted = {name for name, table in config.publish if table is not None}
    led, clock = config.model_copy(update={"publish": Publish()}), HarbourClock(time.time())
    env: dict[str, str] = {}
    moored: dict[str, Moored] = {}
    with contextlib.ExitStack() as opened:
        for berth in found:
            here = Moored(berth=berth, quays=[Quay(app) for app in berth.fresh(clock)])
            here.urls = [opened.enter_context(served(Faulty(q, here.choose, here.traffic))) for q in here.quays]
            moored[berth.channel] = here
            led = berth.lead(led, here.urls)
            env |= berth.tokens(here.urls)
        absent = tuple(sorted(wanted - moored.keys()))
        site = site_of(config.publish.github.api) if config.publish.github else ""
        ways = doors.Ways(addresses=_Addresses(_url(moored, "crates")), fetched=_Files(site, _url(moored, "github")))
        yield Harbour(config=led, moored=moored, absent=absent, env=env, clock=clock, ways=ways, folder=folder)


def _url(moored: Mapping[str, Moored], channel: str) -> str:
    """Where the first server of a channel is; nowhere for a channel that the config has not."""
    return moored[channel].urls[0] if channel in moored else _NOWHERE


@dataclass(frozen=True, slots=True)
class _Shell:
    """The `Shell` port of nobody: it has made-up tokens, and nothing of the user's."""

    tokens: Mapping[str, str]
    folder: Path

    def env(self) -> Mapping[str, str]:
        """The tokens."""
        return self.tokens

    def cwd(self) -> Path:
        """Where nothing is but what berths keep."""
        return self.folder

    def find(self, program: str) -> tuple[Path, ...]:
        """No program."""
        del program
        return ()


@dataclass(frozen=True, slots=True)
class _Files:
    """Where the files lie that formulas download from a site: at the stand-in for it, and others nowhere."""

    site: str
    url: str

    def __call__(self, url: str) -> str:
        """The URL to ask for."""
        return f"{self.url}{url.removeprefix(self.site)}" if url.startswith(f"{self.site}/") else _NOWHERE


@dataclass(frozen=True, slots=True)
class _Addresses:
    """The `Addresses` port: every registry of crates is the one at this URL."""

    url: str

    async def index(self, registry: str) -> str:
        """Its index."""
        del registry
        return f"sparse+{self.url}/index/"

    async def crates_io(self, index: str) -> str:
        """A name of crates.io, which is another one."""
        del index
        return f"{self.url}/crates-io"
