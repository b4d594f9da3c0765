"""A release with an image, and how it is brought to registries, for the tests of their channel."""

import json
from dataclasses import dataclass, field, replace
from pathlib import Path

import anyio
import httpx

from imaging import Bench
from shipways.adapters.dockerauth import DockerLogins
from shipways.adapters.process import OsProcess
from shipways.adapters.registryhttp import RegistryHttp
from shipways.adapters.registrypush import PushRegistries
from shipways.adapters.registryupload import Uploads
from shipways.model.digest import digest_bytes
from shipways.model.manifest import ArtifactEntry, Manifest, PackageEntry
from shipways.model.outcome import Outcome
from shipways.publish.registry import RegistryChannel, Shipped
from shipways.run.reconciler import Around, converge
from shipways.run.record import entry_of
from shipways.testing.console import ManualClock, RecordingConsole
from shipways.testing.doors import CLOSED
from support import sealed

MOVING = ("latest", "{major}", "{major}.{minor}")
AMD64 = "x86_64-unknown-linux-gnu"


@dataclass
class Release:
    """What one version has in `dist`."""

    dist: Path
    manifest: Manifest

    @property
    def index(self) -> ArtifactEntry:
        """The image."""
        return next(entry for entry in self.manifest.artifacts if entry.kind == "image")

    @property
    def blobs(self) -> set[str]:
        """The digests of configs and layers."""
        return {
            entry.digest
            for entry in self.manifest.artifacts
            if entry.path.startswith("images/")
            and "manifest" not in entry.media_type
            and "index" not in entry.media_type
            if "/blobs/" in entry.path
        }


def release(root: Path, version: str = "1.2.3", *, sbom: bool = False, extra: str = "") -> Release:
    """Make the image of a version for two platforms, and perhaps a bill of materials of one."""
    bench = Bench(root / version, version=version, data=version.encode())
    entries = [entry_of(artifact) for artifact in bench.release(extra).artifacts]
    if sbom:
        text, path = json.dumps({"bomFormat": "CycloneDX", "version": version}).encode(), f"pulse-{version}.cdx.json"
        (bench.dist / path).write_bytes(text)
        told = {"kind": "sbom", "media_type": "application/vnd.cyclonedx+json", "target": AMD64, "package": "pulse"}
        entries.append(ArtifactEntry(path=path, digest=digest_bytes(text), size=len(text), **told))
    package = PackageEntry(name="pulse", version=version, tag=f"v{version}")
    return Release(bench.dist, sealed(package, artifacts=entries, project="pulse"))


@dataclass
class Shell:
    """The `Shell` port of a user whose Docker config lies in a folder."""

    folder: Path

    def env(self) -> dict[str, str]:
        return {"DOCKER_CONFIG": str(self.folder)}


@dataclass
class Run:
    """One process that brings releases to repositories, with what it prints."""

    repositories: tuple[str, ...]
    login: Path = Path("/nonexistent")
    transport: httpx.AsyncBaseTransport | None = None
    uploads: Uploads = field(default_factory=Uploads)
    moving: tuple[str, ...] = MOVING
    console: RecordingConsole = field(default_factory=RecordingConsole)

    @property
    def channel(self) -> RegistryChannel:
        return RegistryChannel(
            images=(Shipped(name="pulse", package="pulse", repositories=self.repositories),), moving=self.moving
        )

    def registries(self) -> PushRegistries:
        """The adapter itself."""
        logins = DockerLogins(OsProcess(), Shell(self.login))
        return PushRegistries(RegistryHttp(logins, ManualClock(), transport=self.transport), self.uploads)

    def preflight(self) -> str:
        """The problems that there are before a release is built."""
        registries = self.registries()
        outside = replace(CLOSED, registries=lambda: registries)
        return "\n".join(map(str, anyio.run(self.channel.preflight, outside)))

    def __call__(self, made: Release, *, apply: bool = True) -> Outcome:
        registries = self.registries()
        outside = replace(CLOSED, artifact=lambda path: made.dist / path, registries=lambda: registries)
        around = Around(outside=outside, console=self.console, clock=ManualClock())
        return anyio.run(lambda: converge([self.channel], made.manifest, around, apply=apply))


def states(outcome: Outcome) -> list[str]:
    """The state of every item, in its order."""
    return [row.state.value for row in outcome.rows]
