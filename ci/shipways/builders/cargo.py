"""How cargo is called: its words, its environment, and the flags that make its result the same everywhere."""

from typing import Final

from shipways.config.packages import Package
from shipways.config.schema import Toolchain
from shipways.model.build import Tool
from shipways.model.facts import Rust
from shipways.model.target import Target

_STD: Final = "-Zbuild-std=std,panic_abort"
"""Both ways to panic: std itself brings the crate that unwinds."""
_SEPARATOR: Final = "\x1f"
"""Between flags, so that a path may hold blanks (Cargo Book, "Environment Variables", CARGO_ENCODED_RUSTFLAGS)."""
_FOLDERS: Final = {"dev": "debug", "test": "debug", "bench": "release"}
"""Where a profile's results lie, when not in a folder of its own name (Cargo Book, "Build Cache")."""
CACHES: Final = (("CARGO_HOME", "cargo"),)


def tools(toolchain: Toolchain, rust: Rust, target: Target, *, build_std: bool) -> tuple[Tool, ...]:
    """What a build for this target needs: the compiler, the sources of its library, and a linker."""
    found = [Tool(name="rust", version=rust.version, identity=rust.identity)]
    if build_std:
        found.append(Tool(name="rust-src", version=rust.version, identity=rust.sources))
    if target.libc == "msvc":
        return (*found, Tool(name="cargo-xwin", version=toolchain.cargo_xwin or ""))
    zigbuild = Tool(name="cargo-zigbuild", version=toolchain.cargo_zigbuild)
    return (*found, zigbuild, Tool(name="zig", version=toolchain.zig))


def fetch(*, build_std: bool = False) -> tuple[str, ...]:
    """Downloads what Cargo.lock names, and what std's own lock file does: all that needs a network."""
    return ("{tool:rust}/cargo", "fetch", "--quiet", "--locked", *((_STD,) if build_std else ()))


def compile_command(package: Package, crate: str, target: Target, programs: tuple[str, ...]) -> tuple[str, ...]:
    """Builds these programs, offline. A -gnu target carries the newest glibc that it may need."""
    rust = package.rust
    driver = ("cargo-xwin", "build") if target.libc == "msvc" else ("cargo-zigbuild", "zigbuild")
    triple = f"{target.triple}.{rust.glibc}" if target.libc == "gnu" else target.triple
    features = ("--features", ",".join(rust.features)) if rust.features else ()
    return (
        "{tool:" + driver[0] + "}/" + driver[0],
        driver[1],
        "--frozen",
        *("--profile", rust.profile),
        *("--target", triple),
        *((_STD,) if rust.build_std else ()),
        *("--package", crate),
        *features,
        *(() if rust.default_features else ("--no-default-features",)),
        *(word for program in programs for word in ("--bin", program)),
    )


def maturin_command(package: Package, target: Target, platform: str) -> tuple[str, ...]:
    """Makes a wheel, offline. `platform` is the tag that it has to have; on Linux maturin checks that it may."""
    rust = package.rust
    return (
        "maturin",
        "build",
        "--frozen",
        *("--profile", rust.profile),
        *("--target", target.triple),
        "--zig",
        *("--compatibility", platform.removesuffix(f"_{target.arch}") if target.system == "linux" else "pypi"),
        *(("-Z", _STD.removeprefix("-Z")) if rust.build_std else ()),
        *(("--features", ",".join(rust.features)) if rust.features else ()),
        *(() if rust.default_features else ("--no-default-features",)),
        *("--out", "{out}"),
    )


def result(package: Package, target: Target, program: str) -> str:
    """Where a program lies below the target folder."""
    profile = package.rust.profile
    return f"{target.triple}/{_FOLDERS.get(profile, profile)}/{program}{target.exe}"


def environment() -> tuple[tuple[str, str], ...]:
    """What every call of cargo gets. The compiler is named, because rustup's proxies obey settings."""
    return (
        ("CARGO", "{tool:rust}/cargo"),
        ("RUSTC", "{tool:rust}/rustc"),
        ("RUSTDOC", "{tool:rust}/rustdoc"),
        ("RUSTC_WRAPPER", ""),
        ("RUSTC_WORKSPACE_WRAPPER", ""),
        ("CARGO_TARGET_DIR", "{out}"),
        ("CARGO_BUILD_JOBS", "{jobs}"),
        ("CARGO_INCREMENTAL", "0"),
        ("CARGO_TERM_COLOR", "never"),
    )


def compile_environment(package: Package, target: Target, *, extension: bool = False) -> tuple[tuple[str, str], ...]:
    """What a compilation gets besides; `extension` is one that Python loads, and not a program."""
    env = [("CARGO_ENCODED_RUSTFLAGS", _SEPARATOR.join(flags(package, target, extension=extension)))]
    if package.rust.build_std:
        env.append(("RUSTC_BOOTSTRAP", "1"))
    if target.libc == "msvc":
        env.append(("XWIN_ACCEPT_LICENSE", "1"))
    else:
        env.append(("CARGO_ZIGBUILD_ZIG_PATH", "{tool:zig}/zig"))
        env.append(("CARGO_ZIGBUILD_CACHE_DIR", "{home}/zigbuild"))
        env.append(("ZIG_LOCAL_CACHE_DIR", "{home}/zig"))
    if target.system == "darwin":
        profile = package.rust.profile.upper().replace("-", "_")
        env.append(("MACOSX_DEPLOYMENT_TARGET", "11.0"))
        env.append((f"CARGO_PROFILE_{profile}_STRIP", "none"))
    return tuple(env)


def flags(package: Package, target: Target, *, extension: bool = False) -> tuple[str, ...]:
    """The flags of rustc: no path of this machine in the result, no time stamp, no tool that not everybody has."""
    build_std = package.rust.build_std
    places = {"{cache:CARGO_HOME}": "/cargo", "{out}": "/target", "{src}": "/src"}
    found = [f"--remap-path-prefix={place}={name}" for place, name in places.items()]
    if build_std:
        found += [f"--remap-path-prefix={place}=/rust" for place in ("{tool:rust-src}", "{real:rust-src}")]
    if target.libc == "musl" and extension:
        found.append("-Ctarget-feature=-crt-static")
    elif target.libc == "musl":
        found.append("-Ctarget-feature=+crt-static")
        if build_std:  # zig brings the start-up objects; without the last two it links no static-pie
            found += ["-Clink-self-contained=no", "-Clink-arg=-pie", "-Clink-arg=-static"]
    if target.system == "darwin":  # rustc would strip with rust-objcopy, which only rustup brings
        found += ["-Clink-arg=-Wl,-x", "-Clink-arg=-Wl,-S", "-Clink-arg=-Wl,-dead_strip_dylibs"]
    if target.libc == "gnullvm":  # a digest where the linker would put the time
        found.append("-Clink-arg=-Wl,-Brepro")
    if target.libc == "msvc":
        found += ["-Clink-arg=/Brepro", "-Clink-arg=/DEBUG:NONE"]
    return (*found, *package.env.get("RUSTFLAGS", "").split())


def programs(rust: Rust, target: Target) -> tuple[tuple[str, str], ...]:
    """What a build script finds on its PATH, and nothing else: zig as the linker for this machine, and the toolchain.

    None on Windows, and none for windows-msvc, where cargo-xwin looks for LLVM on the PATH.
    """
    if target.libc == "msvc" or "-windows-" in rust.host:
        return ()
    arch, *rest = rust.host.split("-")
    musl = "-linux-musl" if rest[-1] == "musl" else "-linux-gnu.2.28"
    host = arch + (musl if "linux" in rest else "-macos")
    cc = '"{tool:cargo-zigbuild}/cargo-zigbuild" zig cc -- -g -fno-sanitize=all -target ' + host
    toolchain = (("cargo", '"{tool:rust}/cargo"'), ("rustc", '"{tool:rust}/rustc"'))
    return tuple((name, f'#!/bin/sh\nexec {command} "$@"\n') for name, command in (("cc", cc), *toolchain))
