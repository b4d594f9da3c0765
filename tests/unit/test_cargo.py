"""How cargo is called: command, flags and tools for each target."""

from dataclasses import replace

import pytest

from rusting import BUILD_STD, GNU, HOST, MAC, MSVC, MUSL, PLAIN, known, steps
from shipways.builders import cargo
from shipways.config.load import parse
from shipways.model.target import ALL, BY_TRIPLE, GNULLVM, Target


def flags(text: str, triple: str) -> tuple[str, ...]:
    """The flags of rustc for a target."""
    return cargo.flags(parse(text, "shipways.toml").package["app"], BY_TRIPLE[triple])


def test_command() -> None:
    """The crate, its features, profile and programs come from the config; the floor of glibc is part of the target."""
    more = 'binaries = ["app", "appctl"]\nrust.features = ["a", "b"]\nrust.default_features = false\n'
    more += 'rust.crate = "the-app"\nrust.profile = "dist"\nrust.glibc = "2.31"\n'
    step = steps(BUILD_STD + more, known())[GNU]
    fetch, build = step.build.commands
    assert ("{tool:rust}/cargo", "fetch", "--quiet", "--locked", "-Zbuild-std=std,panic_abort") == fetch
    said = " ".join(build).removeprefix("{tool:cargo-zigbuild}/cargo-zigbuild ")
    assert (
        f"zigbuild --frozen --profile dist --target {GNU}.2.31 -Zbuild-std=std,panic_abort --package the-app"
        " --features a,b --no-default-features --bin app --bin appctl"
    ) == said
    assert (f"{GNU}/dist/app", f"{GNU}/dist/appctl") == step.build.outputs
    assert ("app", "appctl") == step.spec.outputs
    assert "2.31" == step.expected.glibc


def test_installed_library_needs_no_nightly_flag() -> None:
    """Without build_std nothing unstable is used, and the sources of std are no tool."""
    step = steps(PLAIN, known())[GNU]
    assert not [word for command in step.build.commands for word in command if word.startswith("-Z")]
    assert "RUSTC_BOOTSTRAP" not in dict(step.build.env)
    assert ["rust", "cargo-zigbuild", "zig"] == [tool.name for tool in step.build.tools]


def test_tools_are_in_the_key() -> None:
    """Another build of the same release, or other sources of std, make another key."""
    wanted = [tool.identity for tool in steps(BUILD_STD, known())[GNU].build.tools]
    assert ["sha256:c", "sha256:s", "", ""] == wanted
    keys = [
        steps(BUILD_STD, known(each))[MUSL].build.record()
        for each in (HOST, replace(HOST, identity="sha256:d"), replace(HOST, sources="sha256:t"))
    ]
    assert keys[0] != keys[1] != keys[2] != keys[0]


@pytest.mark.parametrize("target", [*ALL, GNULLVM], ids=lambda target: target.triple)
def test_every_path_has_another_name(target: Target) -> None:
    """No folder of the machine is in a result: cargo's, the build's, std's."""
    found = flags(BUILD_STD, target.triple)
    assert (
        "--remap-path-prefix={cache:CARGO_HOME}=/cargo",
        "--remap-path-prefix={out}=/target",
        "--remap-path-prefix={src}=/src",
        "--remap-path-prefix={tool:rust-src}=/rust",
        "--remap-path-prefix={real:rust-src}=/rust",
    ) == found[:5]
    assert "rust-src" not in " ".join(flags(PLAIN, MUSL))


@pytest.mark.parametrize(
    ("triple", "wanted"),
    [
        (GNU, ()),
        ("aarch64-unknown-linux-gnu", ()),
        (
            MUSL,
            ("-Ctarget-feature=+crt-static", "-Clink-self-contained=no", "-Clink-arg=-pie", "-Clink-arg=-static"),
        ),
        (MAC, ("-Clink-arg=-Wl,-x", "-Clink-arg=-Wl,-S", "-Clink-arg=-Wl,-dead_strip_dylibs")),
        (GNULLVM.triple, ("-Clink-arg=-Wl,-Brepro",)),
        (MSVC, ("-Clink-arg=/Brepro", "-Clink-arg=/DEBUG:NONE")),
    ],
)
def test_flags_of_a_target(triple: str, wanted: tuple[str, ...]) -> None:
    """What the linker is told besides."""
    assert wanted == flags(BUILD_STD, triple)[5:]


def test_flags_of_the_package_come_last() -> None:
    """RUSTFLAGS of the package's `env` are added to our own, and reach rustc only so."""
    text = BUILD_STD + 'env = { RUSTFLAGS = "-Ctarget-cpu=x86-64-v2 -Cpanic=abort", OTHER = "1" }\n'
    env = dict(steps(text, known())[GNU].build.env)
    assert ["-Ctarget-cpu=x86-64-v2", "-Cpanic=abort"] == env["CARGO_ENCODED_RUSTFLAGS"].split("\x1f")[-2:]
    assert "RUSTFLAGS" not in env
    assert "1" == env["OTHER"]


def test_mac_is_stripped_by_the_linker() -> None:
    """rust-objcopy, which only rustup brings, is never called."""
    env = dict(steps(BUILD_STD + 'rust.profile = "my-dist"\n', known())[MAC].build.env)
    assert "none" == env["CARGO_PROFILE_MY_DIST_STRIP"]
    assert "11.0" == env["MACOSX_DEPLOYMENT_TARGET"]
    assert "MACOSX_DEPLOYMENT_TARGET" not in dict(steps(BUILD_STD, known())[GNU].build.env)


@pytest.mark.parametrize(
    ("host", "target"),
    [
        ("x86_64-unknown-linux-gnu", "x86_64-linux-gnu.2.28"),
        ("aarch64-unknown-linux-musl", "aarch64-linux-musl"),
        ("aarch64-apple-darwin", "aarch64-macos"),
    ],
)
def test_build_scripts_are_linked_by_zig(host: str, target: str) -> None:
    """The only `cc` that a build finds is zig's, for the machine that it runs on."""
    build = steps(BUILD_STD, known(replace(HOST, host=host)))[MUSL].build
    assert "{home}/bin" == dict(build.env)["PATH"]
    assert f' zig cc -- -g -fno-sanitize=all -target {target} "$@"\n' in dict(build.programs)["cc"]
    assert {"cc", "cargo", "rustc"} == set(dict(build.programs))


def test_programs_of_the_machine_are_said() -> None:
    """A package that wants another PATH gets it, and its artifacts say why they may differ."""
    step = steps(BUILD_STD + 'env = { PATH = "{home}/bin:/usr/bin:/bin" }\n', known())[GNU]
    assert "{home}/bin:/usr/bin:/bin" == dict(step.build.env)["PATH"]
    assert "may run programs of the machine" in step.varies
    assert "" == steps(BUILD_STD, known())[GNU].varies
