"""A release of two small files, and runs of it against the stand-in for GitHub."""

import contextlib
import hashlib
import ssl
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

import anyio
import httpx

from shipways.adapters import web
from shipways.adapters.github import GithubForge
from shipways.config.manifestfile import FILE_NAME, manifest_text
from shipways.model.manifest import ArtifactEntry, Manifest, PackageEntry
from shipways.model.outcome import Outcome, State
from shipways.model.secret import Secret
from shipways.outside.channels import Checked, Outside
from shipways.ports import Clock
from shipways.publish.github import GithubChannel
from shipways.rehearse.faults import Chooser, Fault, Faulty, Traffic
from shipways.rehearse.forge import Forge
from shipways.rehearse.forgedesk import API, Desk
from shipways.rehearse.forgejson import Release
from shipways.rehearse.serving import served
from shipways.run.reconciler import Around, converge
from shipways.testing.console import ManualClock, RecordingConsole
from shipways.testing.doors import CLOSED
from support import sealed

REPOSITORY = "example/demo"
TOKEN = "canary-of-the-writer"  # noqa: S105 - it opens nothing
READER = "canary-of-the-reader"
ALL = ["v1.0.0/draft", "v1.0.0/a.tar.gz", "v1.0.0/SUMS", "v1.0.0/manifest.json", "v1.0.0/published", "latest"]
"""The items of the release 1.0.0, without the name of the channel."""
WRITES = ("POST", "PATCH", "DELETE")


def manifest(version: str, folder: Path, *, commit: str = "c" * 40, **files: bytes) -> Manifest:
    """A manifest, and its files below the folder; `_` in a name is a dot."""
    named = {name.replace("_", "."): data for name, data in (files or {"a_tar_gz": b"a", "SUMS": b"sums"}).items()}
    entries = []
    for name, data in named.items():
        (folder / name).write_bytes(data)
        digest = f"sha256:{hashlib.sha256(data).hexdigest()}"
        entries.append(ArtifactEntry(path=name, kind="archive", digest=digest, size=len(data)))
    made = sealed(
        PackageEntry(name="demo", version=version, tag=f"v{version}"),
        artifacts=entries,
        project="demo",
        commit=commit,
    )
    (folder / FILE_NAME).write_text(manifest_text(made))
    return made


def never(method: str, path: str) -> Fault:
    """No fault."""
    del method, path
    return Fault.NONE


@dataclass(slots=True)
class Github:
    """The stand-in, served; `fault` decides for each request."""

    forge: Forge
    url: str = ""
    fault: Chooser = never
    traffic: Traffic = field(default_factory=Traffic)
    console: RecordingConsole = field(default_factory=RecordingConsole)
    clock: ManualClock = field(default_factory=ManualClock)

    def converge(self, made: Manifest, folder: Path, *, token: str = TOKEN, apply: bool = True) -> Outcome:
        """A run of its own."""
        self.console, self.clock, self.traffic.requests[:] = RecordingConsole(), ManualClock(time.time()), []
        return anyio.run(lambda: self._converge(made, folder, token, apply=apply))

    def race(self, made: Manifest, folder: Path, runners: int) -> list[Outcome]:
        """Several runs at the same time."""
        return race(lambda: self._converge(made, folder, TOKEN, apply=True), runners)

    async def _converge(self, made: Manifest, folder: Path, token: str, *, apply: bool) -> Outcome:
        async with self.outside(folder, token) as outside:
            around = Around(outside=outside, console=self.console, clock=self.clock)
            return await converge([channel(made)], made, around, apply=apply)

    def preflight(self, made: Manifest, *, token: str = TOKEN) -> str:
        """The problems that there are before a release is built."""
        return problems(channel(made), self.outside(Path(), token))

    @contextlib.asynccontextmanager
    async def outside(self, folder: Path, token: str) -> AsyncIterator[Outside]:
        """What the channel talks to."""
        async with connected(self.url, token, self.clock) as (_, forge):
            yield replace(CLOSED, artifact=lambda path: folder / path, forge=lambda *_: forge)

    def writes(self) -> list[tuple[str, str]]:
        """The requests of the last run that change something."""
        return [(method, path) for method, path in self.traffic.requests if method in WRITES]

    def notes(self) -> str:
        """What the last run told."""
        return "\n".join(self.console.notes)


@contextlib.contextmanager
def github(*, apart: bool = False, **more: object) -> Iterator[Github]:
    """The stand-in; `apart`: its storage has a port of its own."""
    made = Github(Forge(desk=Desk(REPOSITORY, {TOKEN: "write", READER: "read"}), **more))  # type: ignore[arg-type]

    def choose(method: str, path: str) -> Fault:
        return made.fault(method, path)

    app = made.forge.app()
    with contextlib.ExitStack() as opened:
        made.url = opened.enter_context(served(Faulty(app, choose, made.traffic)))
        made.forge.storage = opened.enter_context(served(app)) if apart else ""
        yield made


@contextlib.asynccontextmanager
async def connected(url: str, token: str, clock: Clock) -> AsyncIterator[tuple[httpx.AsyncClient, GithubForge]]:
    """Connections to the stand-in at this address, and the forge of the repository there."""
    bare = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)  # reading the authorities takes longer than a whole run
    async with web.client(transport=httpx.AsyncHTTPTransport(verify=bare)) as http:
        with contextlib.closing(GithubForge(f"{url}{API}", REPOSITORY, Secret(token), http, clock)) as forge:
            yield http, forge


def race(run: Callable[[], Awaitable[Outcome]], runners: int) -> list[Outcome]:
    """As many runs at the same time."""
    outcomes: list[Outcome] = []

    async def one() -> None:
        outcomes.append(await run())

    async def main() -> None:
        async with anyio.create_task_group() as group:
            for _ in range(runners):
                group.start_soon(one)

    anyio.run(main)
    return outcomes


def problems(checked: Checked, doors: contextlib.AbstractAsyncContextManager[Outside]) -> str:
    """What a channel says before a release is built."""

    async def main() -> str:
        async with doors as outside:
            return "\n".join(map(str, await checked.preflight(outside)))

    return anyio.run(main)


def channel(made: Manifest) -> GithubChannel:
    """The channel of a release."""
    notes = tuple((package.tag, f"What is new in {package.version}.\n") for package in made.packages)
    return GithubChannel(repository=REPOSITORY, commit=made.commit, notes=notes, patterns=("v{version}",))


def at(number: int, fault: Fault) -> Callable[[str, str], Fault]:
    """This fault at the request of that number, from 0, and none else."""
    count = iter(range(1_000_000))
    return lambda *_: fault if next(count) == number else Fault.NONE


def gone_after(number: int, fault: Fault) -> Callable[[str, str], Fault]:
    """This fault at that request, and then nobody answers: to the place it looks as if the program had ended."""
    count = iter(range(1_000_000))

    def choose(method: str, path: str) -> Fault:
        del method, path
        now = next(count)
        return Fault.NONE if now < number else fault if now == number else Fault.ERROR

    return choose


def states(outcome: Outcome) -> dict[str, State]:
    """The state of every item, without the name of the channel."""
    return {row.item.id.removeprefix("github/"): row.state for row in outcome.rows}


def check(hub: Github, folder: Path, version: str = "1.0.0") -> None:
    """One release of the version, public, with exactly the files of the folder."""
    assert [f"v{version}"] == [release.tag for release in hub.forge.releases.values() if release.tag == f"v{version}"]
    release = hub.forge.published(f"v{version}")
    assert release is not None
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == {
        asset.name: asset.data for asset in release.assets.values()
    }
    assert {"uploaded"} == {asset.state for asset in release.assets.values()}


def told(outcome: Outcome) -> str:
    """The error that a run ends with."""
    return str(outcome.error())


def draft(hub: Github, tag: str = "v1.0.0", **more: object) -> Release:
    """A draft that was there before."""
    fields: dict[str, object] = {"name": tag, "body": "x", "commit": "main", "draft": True, "prerelease": False}
    number = max(hub.forge.releases, default=0) + 1
    made = Release(id=number, tag=tag, created=float(number), **(fields | more))  # type: ignore[arg-type]
    hub.forge.releases[made.id] = made
    return made
