"""dist/manifest.json: what was made. Equal bytes wherever it is made, so it has no seconds, host names or URLs."""

from dataclasses import dataclass
from typing import Final, Literal

from shipways.model.artifact import Linkage

FORMAT: Final = "shipways-manifest/1"


@dataclass(frozen=True, slots=True, kw_only=True)
class PackageEntry:
    """A released package: its version number and the git tag that names it."""

    name: str
    version: str
    tag: str


@dataclass(frozen=True, slots=True, kw_only=True)
class StepEntry:
    """A step: the digest of its inputs, and the paths of its artifacts."""

    id: str
    key: str
    artifacts: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ArtifactEntry:
    """An artifact: its path below `dist/`, digest, size in bytes. `varies` says why it is not reproducible."""

    path: str
    kind: str
    digest: str
    size: int
    package: str = ""
    target: str = ""
    media_type: str = ""
    linkage: Linkage | None = None
    varies: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Manifest:
    """The sealed record of one run of make."""

    format: Literal["shipways-manifest/1"]
    project: str
    shipways: str
    commit: str
    epoch: int
    make_digest: str
    packages: tuple[PackageEntry, ...]
    steps: tuple[StepEntry, ...]
    artifacts: tuple[ArtifactEntry, ...]
