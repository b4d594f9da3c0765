"""The doors to the outside, as Protocols of a few methods; `adapters/` has the real ones, `testing/` public fakes."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import Field, dataclass
from pathlib import Path
from typing import Any, BinaryIO, ClassVar, Protocol

from shipways.config.schema import Config
from shipways.model.artifact import Artifact, Blob, Linkage, Output
from shipways.model.build import Build
from shipways.model.event import Event
from shipways.model.facts import Facts, Rust
from shipways.model.image import ImageBuild
from shipways.model.plan import Skip
from shipways.model.rendered import Rendered
from shipways.model.source import SourceFile, SourceTree
from shipways.model.step import Inputs, Spec
from shipways.outside.upstream import Images


class Files(Protocol):
    """The file system. Everything written appears whole or not at all."""

    def read(self, path: Path) -> bytes:
        """The bytes of a small file."""
        ...

    def open(self, path: Path) -> BinaryIO:
        """A file to read in pieces."""
        ...

    def create(
        self, path: Path, *, executable: bool = False, private: bool = False
    ) -> AbstractContextManager[BinaryIO]:
        """A file to write in pieces; it takes its name when the block ends without an error.

        A private one is never readable to others.
        """
        ...

    def real(self, path: Path) -> Path:
        """The whole path, with every link followed as far as there is something."""
        ...

    def exists(self, path: Path, *, executable: bool = False) -> bool:
        """Whether there is a file or folder; with `executable`, one that may be run."""
        ...

    def digest(self, path: Path) -> str:
        """The digest of a file; empty when there is none."""
        ...

    def copy(self, source: Path, place: Path) -> None:
        """Copy a file's bytes."""
        ...

    def list(self, folder: Path) -> tuple[Path, ...]:
        """Every regular file below a folder, sorted; empty when there is no such folder."""
        ...

    def remove(self, path: Path) -> None:
        """Remove a file or a whole folder; nothing happens when it is not there."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Completed:
    """A command that ended: its exit status and what it printed."""

    code: int
    stdout: str
    stderr: str


class Process(Protocol):
    """Commands of this machine. A cancelled command is ended with its whole process group."""

    async def run(
        self,
        argv: Sequence[str],
        *,
        cwd: Path | None = None,
        env: Mapping[str, str] | None = None,
        stdin: bytes = b"",
        keep: Sequence[int] = (),
    ) -> Completed:
        """Run to the end. `env` replaces the whole environment; `keep` are descriptors the command inherits.

        Raises FileNotFoundError when there is no such program.
        """
        ...


class Shell(Protocol):
    """The environment of this process."""

    def env(self) -> Mapping[str, str]:
        """Environment variables."""
        ...

    def cwd(self) -> Path:
        """The folder the command was started in."""
        ...

    def find(self, program: str) -> tuple[Path, ...]:
        """Every program of this name on PATH, first wins."""
        ...


class Clock(Protocol):
    """Time. Never part of an artifact."""

    def now(self) -> float:
        """Seconds since 1970."""
        ...

    def monotonic(self) -> float:
        """Seconds for measuring."""
        ...

    async def sleep(self, seconds: float) -> None:
        """Wait."""
        ...


class Console(Protocol):
    """Where people, or programs, read what happens."""

    def emit(self, event: Event) -> None:
        """Show an event."""
        ...

    def print(self, text: str) -> None:
        """The result the user asked for, on standard output."""
        ...


class Sources(Protocol):
    """The repository's objects."""

    def read(self, file: SourceFile) -> bytes:
        """The bytes of a source file; for a symlink, its target."""
        ...

    async def export(self, tree: SourceTree, folder: Path) -> None:
        """Write a tree below an empty folder. Raises PreflightError for a symlink that leaves it, or a submodule."""
        ...


class Store(Protocol):
    """Results by the digest of their inputs, verified whenever they are read."""

    async def load(self, key: str) -> tuple[Blob, ...] | None:
        """The result of these inputs, every byte of it verified; None when it must be made (again)."""
        ...

    async def save(self, key: str, outputs: Sequence[Output]) -> tuple[Blob, ...]:
        """Move the outputs into the store. Raises BuildError when the disk is full."""
        ...

    async def receive(self, blob: Blob, source: Path) -> str:
        """Copy a file that was made elsewhere, if its bytes are the blob's.

        Returns the digest that was found, empty when there is no file.
        """
        ...

    def path(self, blob: Blob) -> Path:
        """Where its bytes lie. Read only."""
        ...

    def scratch(self) -> AbstractContextManager[Path]:
        """An empty folder that is gone when the block, or the process, ends."""
        ...

    async def deliver(self, artifacts: Sequence[Artifact], folder: Path) -> None:
        """Lay artifacts by name below a folder; what already has the right bytes is left alone."""
        ...


class Inspector(Protocol):
    """Reads executables."""

    def linkage(self, path: Path) -> Linkage | None:
        """What a binary says of itself; None when it is no ELF, Mach-O or PE file."""
        ...

    def build_information(self, path: Path) -> str:
        """The version of Go that made a program, and lines of fields about its modules; empty when it tells none."""
        ...

    def section(self, path: Path, offset: int) -> str:
        """The section of a binary that has the byte at this offset; empty outside of all, and in any other file."""
        ...


class Inbox(Protocol):
    """What a step is given: the artifacts of its needs, and an empty folder for what it makes."""

    @property
    def scratch(self) -> Path:
        """An empty folder; what is left in it vanishes."""
        ...

    def artifacts(self) -> tuple[Artifact, ...]:
        """All artifacts of the step's needs, in the order of its needs."""
        ...

    def say(self, text: str) -> None:
        """Tell what a command of the step has printed."""
        ...

    def path(self, artifact: Artifact) -> Path:
        """The verified bytes of one of them. Read only."""
        ...


class Engine(Protocol):
    """Runs builds, in containers or with the tools of this machine."""

    @property
    def name(self) -> str:
        """`host` or `dagger`."""
        ...

    @property
    def width(self) -> int:
        """How many builds it runs at once."""
        ...

    @property
    def host(self) -> str:
        """What builds run on: `linux-x86_64`, `darwin-aarch64` …"""
        ...

    async def rust(self, version: str, image: str) -> tuple[Rust, ...]:
        """The Rust compilers that a build in this image may find, of this release those beside the default too."""
        ...

    async def run(self, build: Build, inbox: Inbox) -> tuple[Path, ...]:
        """The files that match `build.outputs`, moved into the inbox's scratch folder, sorted.

        Raises BuildError with the command and the end of what it printed, or for a pattern without a file;
        Unavailable when a tool cannot be had.
        """
        ...

    async def shell(self, build: Build, inbox: Inbox) -> None:
        """A shell for the user where `run` would run the commands, until it ends. Raises BuildError, Unavailable."""

    async def image(self, build: ImageBuild, inbox: Inbox) -> Path:
        """An OCI image layout as a tar in the scratch folder. Raises as `run` does, Unavailable without containers."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class World:
    """Everything a step may touch."""

    engine: Engine
    files: Files
    sources: Sources
    inspector: Inspector
    images: Images


class Step(Protocol):
    """One thing to make: a frozen dataclass in a stage module, with a field `spec`."""

    __dataclass_fields__: ClassVar[dict[str, Field[Any]]]

    @property
    def spec(self) -> Spec:
        """Its place in the plan."""
        ...

    def inputs(self, inbox: Inbox) -> Inputs:
        """Everything its result depends on; must not touch the world."""
        ...

    async def run(self, world: World, inbox: Inbox) -> tuple[Output, ...]:
        """Make it: files in the inbox's scratch folder."""
        ...


class Maker(Protocol):
    """A stage module. Its plan is pure: it gets no World, so no I/O is possible."""

    def plan(self, config: Config, facts: Facts) -> Iterator[Step | Skip]:
        """The steps for this config, and those that cannot be, with reasons."""
        ...


class Renderer(Protocol):
    """A module whose files are committed. As pure as a maker's plan."""

    def rendered(self, config: Config, facts: Facts) -> Iterator[Rendered]:
        """The files for this config."""
        ...
