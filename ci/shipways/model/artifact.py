"""What a step makes: files under `dist/`, named by digest."""

from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from shipways.model.target import Target


class Kind(StrEnum):
    """What an artifact is to those who use it."""

    BINARY = "binary"
    ARCHIVE = "archive"
    SOURCE = "source"
    WHEEL = "wheel"
    SDIST = "sdist"
    CRATE = "crate"
    CHECKSUM = "checksum"
    SBOM = "sbom"
    FORMULA = "formula"
    IMAGE = "image"
    BLOB = "blob"
    FILE = "file"


@dataclass(frozen=True, slots=True, kw_only=True)
class Linkage:
    """What a binary says of itself.

    `glibc` is its highest versioned symbol, `system` the oldest OS it declares; `debug`: it holds debug information.
    """

    format: str
    arch: str
    static: bool
    libraries: tuple[str, ...] = ()
    glibc: str = ""
    system: str = ""
    debug: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Output:
    """A file that a step has just made. `name` is its path below the step's folder, with slashes."""

    name: str
    kind: Kind
    path: Path
    executable: bool = False
    linkage: Linkage | None = None
    media_type: str = ""
    varies: str = ""
    """Why its bytes may differ between two builds of the same inputs; empty when they do not."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Blob:
    """An output after it went into the store: known by digest, size in bytes."""

    name: str
    kind: Kind
    digest: str
    size: int
    executable: bool = False
    linkage: Linkage | None = None
    media_type: str = ""
    varies: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Artifact:
    """A blob with its place in the release: its path below `dist/`, the step that made it, its package and target."""

    name: str
    blob: Blob
    step: str
    package: str
    target: Target | None = None

    @property
    def kind(self) -> Kind:
        """What it is."""
        return self.blob.kind

    @property
    def digest(self) -> str:
        """Digest of its bytes."""
        return self.blob.digest
