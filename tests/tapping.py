"""A release with a formula, and runs that bring it to the stand-ins for GitHub and for a tap there."""

import contextlib
import time
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

import anyio

import forging
from forging import READER, REPOSITORY, TOKEN, WRITES, never
from shipways.adapters.files import DiskFiles
from shipways.adapters.githubtap import GithubTap
from shipways.config.manifestfile import FILE_NAME, manifest_text
from shipways.model.digest import digest_bytes
from shipways.model.formula import BrewTest, Download, Formula
from shipways.model.manifest import ArtifactEntry, Manifest
from shipways.model.outcome import Outcome, State
from shipways.model.secret import Secret
from shipways.model.tap import TapPlace
from shipways.outside.channels import Outside
from shipways.publish.homebrew import HomebrewChannel
from shipways.rehearse.faults import Chooser, Fault, Faulty, Traffic
from shipways.rehearse.forge import Forge
from shipways.rehearse.forgedesk import API, Desk
from shipways.rehearse.forgegit import GitForge
from shipways.rehearse.forgesite import Site
from shipways.rehearse.serving import served
from shipways.render.formula import formula_text
from shipways.run.audit import Disk, Findings, audit, compare
from shipways.run.reconciler import Around, converge
from shipways.testing.console import ManualClock, RecordingConsole
from shipways.testing.doors import CLOSED

TAP = "example/homebrew-tap"
FORK = "helper"
HELPER = "canary-of-the-helper"
README = {"README_dot_md": "A tap.\n"}
ARCHIVE = "aarch64-apple-darwin"


@dataclass(slots=True)
class Tapped:
    """The stand-in with three repositories: that of the releases, the tap, and a fork of it."""

    forge: Forge
    tap: GitForge
    fork: GitForge
    url: str = ""
    pull_request: bool = False
    owner: str = ""
    """Whose fork is used."""
    fault: Chooser = never
    traffic: Traffic = field(default_factory=Traffic)
    console: RecordingConsole = field(default_factory=RecordingConsole)
    clock: ManualClock = field(default_factory=ManualClock)

    def release(self, folder: Path, version: str = "1.0.0", *, names: tuple[str, ...] = ("demo",)) -> "Release":
        """A release of an archive, and of formulas for it."""
        place = folder / version
        (place / "formula").mkdir(parents=True)
        data = f"archive of {version}".encode()
        made = forging.manifest(version, place, demo_tar_gz=data)
        entries = list(made.artifacts)
        for name in names:
            formula = Formula(
                name=name,
                description="Demo",
                homepage="https://example.com",
                license="MIT",
                repository=REPOSITORY,
                programs=("demo",),
                test=(BrewTest(run=("demo",)),),
                version=version,
                tag=f"v{version}",
                downloads=(Download(name="demo.tar.gz", digest=digest_bytes(data), target=ARCHIVE),),
                site=self.url,
            )
            text = formula_text(formula).encode()
            (place / "formula" / f"{name}.rb").write_bytes(text)
            entries.append(
                ArtifactEntry(
                    path=f"formula/{name}.rb",
                    kind="formula",
                    digest=digest_bytes(text),
                    size=len(text),
                    package="demo",
                )
            )
        made = replace(made, artifacts=tuple(entries))
        (place / FILE_NAME).write_text(manifest_text(made))
        return Release(made, place)

    @property
    def channel(self) -> HomebrewChannel:
        """The channel of the tap."""
        place = TapPlace(tap=TAP, branch="main", fork=self.owner, api=f"{self.url}{API}")
        patterns = ("v{version}",)
        return HomebrewChannel(place=place, project="demo", pull_request=self.pull_request, patterns=patterns)

    def converge(self, made: "Release", *, token: str = TOKEN, apply: bool = True) -> Outcome:
        """A run of its own."""
        self.console, self.clock, self.traffic.requests[:] = RecordingConsole(), ManualClock(time.time()), []
        return anyio.run(lambda: self._converge(made, token, apply=apply))

    def race(self, made: "Release", runners: int) -> list[Outcome]:
        """Several runs at the same time."""
        return forging.race(lambda: self._converge(made, TOKEN, apply=True), runners)

    async def _converge(self, made: "Release", token: str, *, apply: bool) -> Outcome:
        async with self.outside(made.folder, token) as outside:
            around = Around(outside=outside, console=self.console, clock=self.clock)
            channels = [forging.channel(made.manifest), self.channel]
            return await converge(channels, made.manifest, around, apply=apply)

    def audit(self, made: "Release", downloads: Path) -> Findings:
        """What `verify` finds at the tap."""

        async def main() -> Findings:
            async with self.outside(made.folder, TOKEN) as outside:
                around = Around(outside=outside, console=self.console, clock=self.clock)
                channels = [forging.channel(made.manifest), self.channel]
                outcome = await converge(channels, made.manifest, around, apply=False)
                disk = Disk(files=DiskFiles(), folder=downloads)
                found = await audit([self.channel], made.manifest, outcome, around, disk)
                return replace(found, wrong=(*compare(outcome).wrong, *found.wrong))

        return anyio.run(main)

    def preflight(self, *, token: str = TOKEN) -> str:
        """The problems that there are before a release is built."""
        return forging.problems(self.channel, self.outside(Path(), token))

    def foresee(self) -> tuple[str, ...]:
        """What is worth knowing then."""

        async def main() -> tuple[str, ...]:
            async with self.outside(Path(), TOKEN) as outside:
                return await self.channel.foresee(outside)

        return anyio.run(main)

    @contextlib.asynccontextmanager
    async def outside(self, folder: Path, token: str) -> AsyncIterator[Outside]:
        """What the channels talk to; the token is that of the tap."""
        async with forging.connected(self.url, TOKEN, self.clock) as (http, forge):
            with contextlib.closing(GithubTap(self.channel.place, Secret(token), http, self.clock)) as tap:
                doors = replace(CLOSED, artifact=lambda path: folder / path)
                yield replace(doors, forge=lambda *_: forge, tap=lambda _: tap)

    def writes(self) -> list[tuple[str, str]]:
        """The requests of the last run that change something."""
        return [
            (method, path.removeprefix(f"{API}/repos/")) for method, path in self.traffic.requests if method in WRITES
        ]

    def notes(self) -> str:
        """What the last run told."""
        return "\n".join(self.console.notes)

    def empty(self) -> None:
        """Let the tap, and its fork, be as they were at first."""
        self.fork.refs.clear()
        self.tap.refs.clear()
        self.tap.pulls.clear()
        self.tap.put("first", **README)
        self.fork.refs |= self.tap.refs

    def merge(self) -> None:
        """What a person does with the last pull request; the branch is deleted."""
        pull = self.tap.pulls[-1]
        branch = f"heads/{pull.head.partition(':')[2]}"
        side = self.fork if self.owner else self.tap
        self.tap.refs["heads/main"] = side.refs.pop(branch)
        pull.state, pull.merged = "closed", True


@dataclass(frozen=True, slots=True)
class Release:
    """A manifest, and where its files are."""

    manifest: Manifest
    folder: Path

    def formula(self, name: str = "demo") -> bytes:
        """The text of a formula."""
        return (self.folder / "formula" / f"{name}.rb").read_bytes()


@contextlib.contextmanager
def tapped(*, pull_request: bool = False, fork: bool = False) -> Iterator[Tapped]:
    """The stand-in, served."""
    tokens = {TOKEN: "write", READER: "read"}
    tap = GitForge(Desk(TAP, tokens | {HELPER: "read"}))
    tap.put("first", **README)
    other = tap.fork(Desk(f"{FORK}/homebrew-tap", {HELPER: "write", TOKEN: "read"}))
    made = Tapped(Forge(desk=Desk(REPOSITORY, tokens | {HELPER: "read"})), tap, other)
    made.pull_request, made.owner = pull_request, FORK if fork else ""

    def choose(method: str, path: str) -> Fault:
        return made.fault(method, path)

    apps = {TAP: tap.app(), other.desk.name: other.app()}
    with served(Faulty(Site(made.forge.app(), apps), choose, made.traffic)) as made.url:
        yield made


def states(outcome: Outcome) -> dict[str, State]:
    """The state of the items of the tap, without the name of the channel."""
    prefix = "homebrew/"
    return {row.item.id.removeprefix(prefix): row.state for row in outcome.rows if row.item.id.startswith(prefix)}
