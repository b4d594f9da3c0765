"""What Rust is on this machine: the compilers themselves, never rustup's proxies, whose answer depends on settings."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from shipways.model.digest import digest_bytes
from shipways.model.facts import Rust
from shipways.ports import Process, Shell

SOURCES: Final = "lib/rustlib/src/rust"
"""Below a sysroot: the sources of the standard library, where rustup's component rust-src puts them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Installed:
    """A Rust and the folder it lies in, which holds bin/rustc and bin/cargo."""

    rust: Rust
    sysroot: Path


async def installed(process: Process, shell: Shell, version: str) -> tuple[Installed, ...]:
    """Every rustc on PATH, then those of this version that rustup has beside its default."""
    env = dict(shell.env()) | {"RUSTUP_AUTO_INSTALL": "0"}  # to ask must not download
    asked = [await _sysroot(process, program, env) for program in shell.find("rustc")]
    found: list[Installed] = []
    for sysroot in dict.fromkeys([*asked, *_kept(env, version)]):
        if (sysroot / "bin" / "rustc").exists():
            answer = await process.run((str(sysroot / "bin" / "rustc"), "-vV"), env=env)
            if answer.code == 0:
                found.append(Installed(rust=_rust(sysroot, answer.stdout), sysroot=sysroot))
    return tuple(found)


async def _sysroot(process: Process, program: Path, env: Mapping[str, str]) -> Path:
    """A proxy is not in the folder that it stands for, so it has to be asked."""
    own = program.resolve().parent.parent
    if (own / "lib" / "rustlib").is_dir():
        return own
    answer = await process.run((str(program), "--print", "sysroot"), env=env)
    return Path(answer.stdout.strip() or "/nowhere")


def _kept(env: Mapping[str, str], version: str) -> Iterator[Path]:
    home = env.get("RUSTUP_HOME") or str(Path(env.get("HOME", "/nowhere"), ".rustup"))
    yield from sorted(Path(home, "toolchains").glob(f"{version}-*"))


def _rust(sysroot: Path, told: str) -> Rust:
    std = sysroot / "lib" / "rustlib"
    lock = sysroot / SOURCES / "library" / "Cargo.lock"
    targets = sorted(path.parent.name for path in std.glob("*/lib") if any(path.glob("libstd-*")))
    return described(told, targets, digest_bytes(lock.read_bytes()) if lock.exists() else "")


def described(told: str, targets: Iterable[str], sources: str) -> Rust:
    """A compiler by what `rustc -vV` says.

    Debian's and rustup's builds of a release have one commit, and only the text as a whole tells them apart.
    """
    said = dict(line.split(": ", 1) for line in told.splitlines() if ": " in line)
    return Rust(
        version=said.get("release", ""),
        identity=digest_bytes(told.encode()),
        host=said.get("host", ""),
        targets=tuple(targets),
        sources=sources,
    )
