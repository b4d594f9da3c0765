"""`[package.NAME]`: what one package is built from, and how."""

from typing import Annotated, Literal, Self

from pydantic import StringConstraints, model_validator

from shipways.config.engines import Language, ToolchainImage
from shipways.config.kinds import Binary, Frozen, Name, Program, RelativePath, TargetTriple, Variable, Variables, table
from shipways.model.names import COMPILED

Builder = Literal["rust", "go", "zig", "bun", "python", "maturin", "command", "prebuilt"]
ArchiveFormat = Literal["tar.gz", "tar.xz", "tar.zst", "zip"]
NativeTriple = Literal["x86_64-apple-darwin", "aarch64-apple-darwin", "x86_64-pc-windows-msvc"]
Tag = Annotated[str, StringConstraints(pattern=r"^[\w./-]*\{version\}[\w./-]*$")]


class Go(Frozen):
    """`[package.NAME.go]`."""

    main: RelativePath = "."
    version_variable: str = "main.version"
    tags: tuple[str, ...] = ()
    ldflags: tuple[str, ...] = ()


class Rust(Frozen):
    """`[package.NAME.rust]`."""

    crate: str | None = None
    features: tuple[str, ...] = ()
    default_features: bool = True
    profile: str = "release"
    build_std: bool = False
    glibc: Annotated[str, StringConstraints(pattern=r"^2\.\d+$")] = "2.28"
    accept_license: bool = False
    publish_crate: bool = True


class Zig(Frozen):
    """`[package.NAME.zig]`."""

    main: RelativePath | None = None
    optimize: Literal["ReleaseSafe", "ReleaseSmall", "ReleaseFast"] = "ReleaseSafe"
    glibc: Annotated[str, StringConstraints(pattern=r"^2\.\d+$")] = "2.28"
    options: tuple[str, ...] = ()


class Bun(Frozen):
    """`[package.NAME.bun]`."""

    main: RelativePath = "index.ts"
    options: tuple[str, ...] = ()


class Python(Frozen):
    """`[package.NAME.python]`."""

    binary: Name | None = None
    distribution: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$")] | None = None
    sdist: bool = True
    wheel: bool = True


class CommandTable(Frozen):
    """`[package.NAME.command]`."""

    run: tuple[Program, ...] = ()
    outputs: tuple[RelativePath, ...] = ()
    tools: tuple[Literal["go", "zig"], ...] = ()
    per_target: bool = False


class Prebuilt(Frozen):
    """`[package.NAME.prebuilt]`."""

    files: dict[TargetTriple, RelativePath] = {}


class Archive(Frozen):
    """`[package.NAME.archive]`."""

    format: ArchiveFormat = "tar.gz"
    windows: ArchiveFormat = "zip"
    files: tuple[RelativePath, ...] = ("README*", "LICENSE*", "CHANGELOG*")
    completions: tuple[RelativePath, ...] = ()
    man: tuple[RelativePath, ...] = ()


class Package(Frozen):
    """One thing that has a version of its own and is released as a whole."""

    build: Builder
    path: RelativePath = "."
    tag: Tag = "v{version}"
    version: str | None = None
    description: str = ""
    targets: tuple[TargetTriple, ...] | None = None
    substitute: dict[Literal["x86_64-pc-windows-msvc"], Literal["x86_64-pc-windows-gnullvm"]] = {}
    native: tuple[NativeTriple, ...] = ()
    binaries: tuple[Binary, ...] | None = None
    source: tuple[RelativePath, ...] | None = None
    env: Variables = {}
    secrets: tuple[Variable, ...] = ()
    image: Language | ToolchainImage | None = None
    test: Program | None = None
    sbom: bool = True
    archive: Archive = table()
    go: Go = table()
    rust: Rust = table()
    zig: Zig = table()
    bun: Bun = table()
    python: Python = table()
    command: CommandTable = table()
    prebuilt: Prebuilt = table()

    @property
    def makes_programs(self) -> bool:
        """Whether it makes programs for each target, which go into archives."""
        return self.build in COMPILED or (self.build == "command" and self.command.per_target)

    @model_validator(mode="after")
    def _own_table(self) -> Self:
        """Only the table of the chosen builder may be set, and what it cannot do without is there."""
        builders = ("go", "rust", "zig", "bun", "python", "command", "prebuilt")
        own = ("rust", "python") if self.build == "maturin" else (self.build,)
        foreign = [name for name in builders if name in self.model_fields_set and name not in own]
        if foreign:
            raise ValueError(f'[.{foreign[0]}] is set, but build is "{self.build}"')
        if self.build == "command" and not (self.command.run and self.command.outputs):
            raise ValueError('build = "command" needs command.run and command.outputs')
        if self.build == "maturin" and self.python.binary:
            raise ValueError('python.binary wraps the programs of another package; its build is "python"')
        if self.build == "prebuilt" and not self.prebuilt.files:
            raise ValueError('build = "prebuilt" needs prebuilt.files')
        if self.native and (self.build == "prebuilt" or not self.makes_programs):
            raise ValueError("native is set, but nothing is built for targets")
        return self
