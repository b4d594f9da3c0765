"""What the world was when the run began, asked once."""

from dataclasses import dataclass
from pathlib import Path

from shipways.model.formula import Formula
from shipways.model.lock import Lock
from shipways.model.source import SourceTree
from shipways.model.version import Version


@dataclass(frozen=True, slots=True, kw_only=True)
class Git:
    """The commit, its time in seconds since 1970, tags that point at it, and whether the tree differs from it.

    `new` are those of the tags that this release brings to the remote itself.
    """

    commit: str
    epoch: int
    tags: tuple[str, ...]
    dirty: bool
    new: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Ci:
    """A continuous integration run; `tag` is set when a tag event started it."""

    provider: str
    tag: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rust:
    """A rustc, on this machine or in an image.

    `identity` is the digest of all that `rustc -vV` says, `host` the triple it runs on, `targets` those with an
    installed std; `sources` is the digest of the lock file of std's sources, empty where they are not there; `image` is
    the image that it is in, empty for this machine.
    """

    version: str
    identity: str
    host: str
    targets: tuple[str, ...]
    sources: str = ""
    image: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Crate:
    """The crate of a Rust package in `path`; `private`: config or manifest say that it is never published.

    `needs` are the packages of the config whose crates it depends on, which a registry must have before.
    """

    package: str
    path: str
    name: str
    private: bool
    needs: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class LocalFile:
    """A file that a prebuilt package names: its path in the repository, where it lies, and its digest."""

    path: str
    place: Path
    digest: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PythonProject:
    """What pyproject.toml of a package says: normalized names for files, and the PEP 517 build requirements.

    `scm`: its backend takes the version from git. `crate` is the Cargo.toml that maturin builds; empty without it.
    `lock` is the requirements.txt beside it, where that has hashes: then pip installs nothing but what it names.
    """

    package: str
    name: str
    requires: tuple[str, ...]
    scm: bool = False
    crate: str = ""
    lock: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """Everything a plan may depend on besides the config."""

    git: Git
    source: SourceTree
    versions: tuple[tuple[str, Version], ...]
    lock: Lock
    host: str
    """What builds run on: `linux-x86_64`, `darwin-aarch64` …"""
    engine: str = "host"
    ci: Ci | None = None
    rust: tuple[Rust, ...] = ()
    crates: tuple[Crate, ...] = ()
    python: tuple[PythonProject, ...] = ()
    local: tuple[LocalFile, ...] = ()
    released: tuple[Formula, ...] = ()
    """The formulas of the last published release."""
    dockerfiles: tuple[tuple[str, str], ...] = ()
    """Path and text of the Dockerfiles that the config names, and of the .dockerignore files that go for them."""
    grounds: tuple[tuple[str, str], ...] = ()
    """The digest of each image to build in that comes of a Dockerfile, where all that it names is locked."""
    notes: tuple[tuple[str, str], ...] = ()
    """What is new, by tag: a text that only a real release asks for."""
    depending: frozenset[str] = frozenset()
    """Bun packages that have dependencies: bun makes no lock file for others."""
    xwin: bool = False
    """Whether cargo-xwin has the Microsoft SDK in its cache."""

    def compilers(self, image: str) -> tuple[Rust, ...]:
        """The Rust compilers that a build in this image has: on the host, those of the machine."""
        return tuple(rust for rust in self.rust if rust.image in ("", image))

    def surroundings(self, image: str) -> str:
        """The digest of the image whose programs a build may use; empty on the host, where they are the machine's."""
        locked = self.lock.image(image)
        digest = locked.digest if locked else dict(self.grounds).get(image, "")
        return digest if self.engine == "dagger" else ""

    def tagged(self, package: str) -> bool:
        """Whether a tag of the commit releases this package; of a commit without such tags, any would be."""
        tags = {version.tag for _, version in self.versions} & set(self.git.tags)
        return not tags or self.version(package).tag in tags

    def version(self, package: str) -> Version:
        """The version of a package (KeyError for one that is not in the config)."""
        return dict(self.versions)[package]
