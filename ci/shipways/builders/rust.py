"""Rust packages: programs for each target, linked by zig, so that one machine builds for all."""

from collections.abc import Iterator
from pathlib import PurePosixPath
from typing import Final

from shipways.builders import cargo
from shipways.builders.compile import Compile, Expectation, program_spec
from shipways.config.packages import Package
from shipways.config.schema import Config
from shipways.errors import ConfigError, Problem
from shipways.model.build import CLOSED, Build
from shipways.model.facts import Facts, Rust
from shipways.model.names import binary_step
from shipways.model.plan import Skip
from shipways.model.source import SourceTree
from shipways.model.target import BY_TRIPLE, GNULLVM, Target

_BY_SDK: Final = "links with Microsoft's SDK from the cache of cargo-xwin, which no lock pins"
_BY_DEBUG: Final = (
    "its debug information names the folders of zig and of Rust's sources, which are compiled where they lie"
)
_BY_PATH: Final = "its build scripts may run programs of the machine, which no lock pins"


def plan(config: Config, facts: Facts) -> Iterator[Compile | Skip]:
    """A step for each Rust package and target. Raises ConfigError with everything that they lack for it."""
    packages = {name: package for name, package in config.package.items() if package.build == "rust"}
    if wrong := [p for name, package in packages.items() for p in problems(config, facts, name, package.path)]:
        raise ConfigError(*wrong)
    for name in packages:
        for triple in config.targets(name):
            target = BY_TRIPLE[triple]
            chosen = choose(config, facts, name, target)
            if isinstance(chosen, Rust):
                yield _step(config, facts, name, target, chosen)
            else:
                yield Skip(id=binary_step(name, triple), kind=chosen[0], problem=chosen[1])


def source(facts: Facts, package: Package) -> SourceTree:
    """What a package's build sees: the workspace that its lock file is of, or what the config names."""
    root = workspace(facts, package.path)
    return facts.source.below(package.source or (str(root or package.path),))


def pinned(config: Config, facts: Facts, name: str) -> tuple[Rust, ...] | Problem:
    """The compilers of exactly the configured version."""
    version = config.toolchain.rust or ""
    there = facts.compilers(config.toolchain_image(name))
    found = tuple(rust for rust in there if rust.version == version)
    here = ", ".join(dict.fromkeys(rust.version for rust in there))
    where = f"in {config.toolchain_image(name)}, on its" if facts.engine == "dagger" else "on"
    return found or Problem(
        path="toolchain.rust",
        what=f"there is no rustc {version}",
        why=f"{where} PATH, and among rustup's toolchains, there is {here or 'none'}",
        hint=_hint(facts, f"rustup toolchain install {version}") + (f", or set the key to {here}" if here else ""),
    )


def choose(config: Config, facts: Facts, name: str, target: Target) -> Rust | tuple[str, Problem]:
    """The first compiler that can build a package for a target, or the kind of what is missing and how to get it."""
    package, found = config.package[name], pinned(config, facts, name)
    if isinstance(found, Problem):
        return "toolchain", found
    if target.libc == "msvc" and (problem := _sdk(config, facts, name)):
        return "sdk", problem
    build_std = package.rust.build_std
    able = next((rust for rust in found if (rust.sources if build_std else target.triple in rust.targets)), None)
    if able:
        return able
    version = found[0].version
    if build_std:
        return "toolchain", Problem(
            path=f"package.{name}.rust.build_std",
            what=f"rustc {version} comes without the sources of the standard library",
            hint=_hint(facts, f"rustup component add --toolchain {version} rust-src"),
        )
    return "target", Problem(
        path=f"package.{name}.targets",
        what=f"rustc {version} has no standard library for {target.triple}",
        hint=_hint(facts, f"rustup target add --toolchain {version} {target.triple}")
        + f", or set package.{name}.rust.build_std = true",
    )


def _hint(facts: Facts, command: str) -> str:
    """How to get what a compiler lacks."""
    if facts.engine == "dagger":
        return f"let engine.images.rust be a Dockerfile with `RUN {command}`"
    return f"`{command}`"


def _step(config: Config, facts: Facts, name: str, target: Target, rust: Rust) -> Compile:
    package, step = config.package[name], binary_step(name, target.triple)
    binaries, build_std = package.binaries or (name,), package.rust.build_std
    scripts = cargo.programs(rust, target)
    is_open = "PATH" in package.env or not scripts
    image = config.toolchain_image(name)
    surroundings = facts.surroundings(image) if is_open else ""
    env = (*cargo.environment(), *cargo.compile_environment(package, target))
    return Compile(
        spec=program_spec(name, target, tuple(binary + target.exe for binary in binaries)),
        build=Build(
            name=step,
            image=image,
            surroundings=surroundings,
            secrets=package.secrets,
            tools=cargo.tools(config.toolchain, rust, target, build_std=build_std),
            source=source(facts, package),
            workdir=package.path,
            commands=(
                cargo.fetch(build_std=build_std),
                cargo.compile_command(package, package.rust.crate or name, target, binaries),
            ),
            outputs=tuple(cargo.result(package, target, binary) for binary in binaries),
            env=tuple((dict((*env, *((CLOSED,) if scripts else ()))) | _own(package)).items()),
            caches=(*cargo.CACHES, ("ZIG_GLOBAL_CACHE_DIR", f"zig-{config.toolchain.zig}")),
            programs=scripts,
        ),
        expected=Expectation(
            target=target,
            static=target.libc == "musl",
            glibc=package.rust.glibc if target.libc == "gnu" else "",
        ),
        varies=_BY_SDK if target.libc == "msvc" else _BY_PATH if is_open and not surroundings else "",
        varies_with_debug=_BY_DEBUG,
    )


def _own(package: Package) -> dict[str, str]:
    """The package's variables. Its RUSTFLAGS are among our own."""
    return {name: value for name, value in package.env.items() if name != "RUSTFLAGS"}


def problems(config: Config, facts: Facts, name: str, path: str) -> Iterator[Problem]:
    """What no other machine could mend of a package whose crate lies in this folder."""
    package = config.package[name]
    if not config.toolchain.rust:
        here = ", ".join(dict.fromkeys(rust.version for rust in facts.rust))
        yield Problem(
            path="toolchain.rust",
            what="is not set",
            why=f"package.{name} is built by exactly one Rust release, the same one everywhere",
            hint="set it to what `rustc --version` says" + (f": {here}" if here else ""),
        )
    manifest = PurePosixPath(path, "Cargo.toml")
    root = workspace(facts, path)
    if not facts.source.has(str(manifest)):
        yield Problem(path=f"package.{name}.path", what=f"there is no {manifest}")
    elif root is None:
        yield Problem(
            path=f"package.{name}.path",
            what=f"there is no Cargo.lock in {path}" + (" or above" if path != "." else ""),
            why="the lock file says which dependencies are built",
            hint="`cargo generate-lockfile`, and let git have the file",
        )
    elif not source(facts, package).has(str(root / "Cargo.lock")):
        yield Problem(
            path=f"package.{name}.source",
            what=f"leaves out {root / 'Cargo.lock'}",
            hint="add the file, or leave the key out to build the whole workspace",
        )


def workspace(facts: Facts, path: str) -> PurePosixPath | None:
    """The nearest folder at or above a package's that has a lock file."""
    start = PurePosixPath(path)
    return next((folder for folder in (start, *start.parents) if facts.source.has(str(folder / "Cargo.lock"))), None)


def _sdk(config: Config, facts: Facts, name: str) -> Problem | None:
    """What is missing for windows-msvc itself."""
    lacking = {
        f"set package.{name}.rust.accept_license = true": not config.package[name].rust.accept_license,
        "set toolchain.cargo-xwin": not config.toolchain.cargo_xwin,
        "run `cargo xwin cache xwin` with XWIN_CACHE_DIR set": not facts.xwin,
    }
    steps = [step for step, is_lacking in lacking.items() if is_lacking]
    if not steps:
        return None
    substitute = f'package.{name}.substitute = {{ x86_64-pc-windows-msvc = "{GNULLVM.triple}" }}'
    return Problem(
        path=f"package.{name}.rust.accept_license",
        what="there is no SDK of Microsoft's to link with",
        why="windows-msvc needs it, and it comes under a licence of its own",
        hint=f"{', '.join(steps)}; or declare {substitute}",
    )
