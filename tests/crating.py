"""What tests of crates share: .crate files as cargo packs them, releases of them, and a registry to publish them to."""

import gzip
import io
import tarfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import anyio

from shipways.adapters.crates import SparseRegistry
from shipways.adapters.cratetokens import CrateTokens
from shipways.errors import Problem
from shipways.model.digest import digest_bytes
from shipways.model.manifest import ArtifactEntry, Manifest, PackageEntry
from shipways.model.outcome import Outcome
from shipways.outside.channels import Outside
from shipways.publish.crates import CratesChannel
from shipways.run.reconciler import Around, converge
from shipways.testing.console import ManualClock, RecordingConsole
from shipways.testing.doors import CLOSED
from support import sealed

CANARY = "canary-0123456789"
"""A token that nothing may print."""
VARIABLE = "CARGO_REGISTRIES_STANDIN_TOKEN"
TWO = """
[project]
name = "pair"
source_archive = false
[toolchain]
rust = "{rust}"
[package.app]
build = "rust"
path = "app"
rust.crate = "pair-app"
targets = []
[package.core]
build = "rust"
path = "core"
rust.crate = "pair-core"
targets = []
[publish.crates]
registry = "standin"
"""
"""The config of two crates, of which one needs the other, for a registry that cargo knows as `standin`."""


def packed(name: str, version: str, *, needs: Sequence[str] = (), index: str = "", more: str = "") -> bytes:
    """A .crate with a normalized Cargo.toml; `needs` are crates of the registry with this index."""
    registry = f'registry-index = "{index}"\n' if index else ""
    tables = "".join(f'[dependencies.{need}]\nversion = "1"\n{registry}' for need in needs)
    manifest = (
        f'[package]\nname = "{name}"\nversion = "{version}"\nedition = "2021"\ndescription = "A crate"\n'
        f'license = "MIT"\nreadme = false\n{more}\n[lib]\npath = "src/lib.rs"\n{tables}'
    )
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w") as archive:
        for path, text in (("Cargo.toml", manifest), ("src/lib.rs", "pub fn one() -> u32 { 1 }\n")):
            entry = tarfile.TarInfo(f"{name}-{version}/{path}")
            entry.size = len(text)
            archive.addfile(entry, io.BytesIO(text.encode()))
    return gzip.compress(stream.getvalue(), mtime=0)


def release(
    folder: Path, version: str, crates: Mapping[str, Sequence[str]], index: str = "", more: str = ""
) -> Manifest:
    """A release of crates, each with those that it needs; the files lie in the folder."""
    data = {name: packed(name, version, needs=needs, index=index, more=more) for name, needs in crates.items()}
    return written(folder, version, {name: (data[name], needs) for name, needs in crates.items()})


def written(folder: Path, version: str, crates: Mapping[str, tuple[bytes, Sequence[str]]]) -> Manifest:
    """The manifest of crates with these bytes, which are laid into the folder."""
    artifacts = []
    for name, (data, _) in crates.items():
        path = f"{name}-{version}.crate"
        (folder / path).write_bytes(data)
        digest = digest_bytes(data)
        artifacts.append(ArtifactEntry(path=path, kind="crate", digest=digest, size=len(data), package=name))
    packages = (
        PackageEntry(name=name, version=version, tag=f"v{version}", needs=tuple(needs))
        for name, (_, needs) in crates.items()
    )
    return sealed(*packages, artifacts=artifacts)


class EventClock(ManualClock):
    """Time goes from one sleeper's end to the next one's, and lets requests that are under way end before."""

    def __init__(self) -> None:
        super().__init__()
        self._ends: list[float] = []

    async def sleep(self, seconds: float) -> None:
        """Until nobody sleeps that should wake up before."""
        end = self.now() + seconds
        self._ends.append(end)
        await anyio.sleep(0.03)
        while end != min(self._ends):  # noqa: ASYNC110 - whoever sleeps may not know who is next
            await anyio.sleep(0.01)
        self._ends.remove(end)
        self.advance(max(0.0, end - self.now()))


@dataclass(frozen=True)
class FixedAddresses:
    """The `Addresses` port for a registry that everybody knows."""

    url: str

    async def index(self, registry: str) -> str:
        """The same for every name."""
        return f"sparse+{self.url}/index/"

    async def crates_io(self, index: str) -> str:
        """A name that is nobody's."""
        return "https://crates.example/index"


@dataclass
class Run:
    """One process that publishes to the registry at a URL."""

    url: str
    folder: Path
    registry: str = "standin"
    env: Mapping[str, str] = field(default_factory=lambda: {VARIABLE: CANARY})
    console: RecordingConsole = field(default_factory=RecordingConsole)
    clock: ManualClock = field(default_factory=ManualClock)

    def outside(self) -> Outside:
        """What the channel talks to."""
        tokens = CrateTokens(self.registry, self.env, self.clock)
        registry = SparseRegistry(self.registry, FixedAddresses(self.url), tokens, self.clock)
        return replace(CLOSED, artifact=lambda path: self.folder / path, crates=lambda _: registry)

    def preflight(self) -> tuple[Problem, ...]:
        """What would stop a release; raises what the channel raises."""
        return anyio.run(CratesChannel(registry=self.registry).preflight, self.outside())

    def foresee(self, *crates: tuple[str, str]) -> tuple[str, ...]:
        """What is worth knowing before a release of these names and versions."""
        return anyio.run(CratesChannel(registry=self.registry, crates=crates).foresee, self.outside())

    def publish(self, manifest: Manifest, *, apply: bool = True) -> Outcome:
        """Converge; what was printed and recorded has no token in it."""
        outside = self.outside()
        around = Around(outside=outside, console=self.console, clock=self.clock)

        async def main() -> Outcome:
            return await converge([CratesChannel(registry=self.registry)], manifest, around, apply=apply)

        outcome = anyio.run(main)
        assert CANARY not in f"{outcome}{self.console.events}{self.console.printed}{outcome.error()}"
        return outcome
