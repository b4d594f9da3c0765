"""Rust packages: flags for each target, sources, the .crate file, and what is skipped with which fix."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import anyio
import pytest

from shipways.builders import cargo, crate, rust
from shipways.builders.compile import Compile
from shipways.builders.crate import Crate
from shipways.config.load import parse
from shipways.errors import ConfigError
from shipways.model.artifact import Kind
from shipways.model.facts import Facts, Rust
from shipways.model.plan import Skip
from shipways.model.source import SourceFile, SourceTree
from shipways.model.target import ALL, BY_TRIPLE, GNULLVM, Target
from shipways.ports import World
from shipways.run.maker import StepInbox
from shipways.testing.engine import ScriptedEngine
from support import facts

GNU, MUSL, MAC = "x86_64-unknown-linux-gnu", "x86_64-unknown-linux-musl", "aarch64-apple-darwin"
MSVC = "x86_64-pc-windows-msvc"
HOST = Rust(version="1.96.0", identity="sha256:c", host=GNU, targets=(GNU,), sources="sha256:s")
OLD = replace(HOST, version="1.95.0")
PLAIN = '[project]\nname = "p"\n[toolchain]\nrust = "1.96.0"\n[package.app]\nbuild = "rust"\npath = "crates/app"\n'
BUILD_STD = PLAIN + "rust.build_std = true\n"
FILES = (
    "Cargo.toml",
    "Cargo.lock",
    "crates/app/Cargo.toml",
    "crates/app/src/main.rs",
    "crates/lib/src/lib.rs",
    "doc.md",
)


def known(*compilers: Rust, files: Sequence[str] = FILES, **more: bool) -> Facts:
    """Facts of a workspace on a machine with these compilers."""
    tree = SourceTree(files=tuple(SourceFile(path=path, mode="100644", oid=path) for path in sorted(files)))
    return replace(facts(app="1.2.3"), source=tree, rust=compilers or (HOST,), **more)


def steps(text: str, facts: Facts) -> dict[str, Compile]:
    """The compilations by target."""
    made = [step for step in rust.plan(parse(text, "shipways.toml"), facts) if isinstance(step, Compile)]
    return {step.expected.target.triple: step for step in made}


def skips(text: str, facts: Facts) -> dict[str, Skip]:
    """The skips by target."""
    made = [step for step in rust.plan(parse(text, "shipways.toml"), facts) if isinstance(step, Skip)]
    return {step.id.rpartition("/")[2]: step for step in made}


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
    ) == found[:4]
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
    assert wanted == flags(BUILD_STD, triple)[4:]


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


def test_source_is_the_workspace() -> None:
    """Everything below the nearest lock file at or above the package, and the command runs in the package."""
    build = steps(BUILD_STD, known())[GNU].build
    assert sorted(FILES) == [file.path for file in build.source.files]
    assert "crates/app" == build.workdir
    nested = steps(BUILD_STD, known(files=(*FILES, "crates/Cargo.lock")))[GNU].build
    assert {"crates"} == {file.path.partition("/")[0] for file in nested.source.files}


def test_source_of_the_config() -> None:
    """What the config names, and nothing else."""
    text = BUILD_STD + 'source = ["Cargo.toml", "Cargo.lock", "crates"]\n'
    assert "doc.md" not in [file.path for file in steps(text, known())[GNU].build.source.files]


@pytest.mark.parametrize(
    ("text", "files", "message"),
    [
        (BUILD_STD, ("crates/app/Cargo.toml",), r"no Cargo\.lock in crates/app or above(.|\n)*cargo generate-lockfile"),
        (BUILD_STD, ("Cargo.toml", "Cargo.lock"), r"there is no crates/app/Cargo\.toml"),
        (BUILD_STD + 'source = ["crates"]\n', FILES, r"app\.source: leaves out Cargo\.lock"),
        (BUILD_STD.replace('rust = "1.96.0"', ""), FILES, r"toolchain\.rust: is not set(.|\n)*1\.96\.0"),
    ],
)
def test_what_no_machine_can_build(text: str, files: tuple[str, ...], message: str) -> None:
    """A package without lock file, manifest or release of Rust is an error of the config."""
    with pytest.raises(ConfigError, match=message):
        steps(text, known(files=files))


def test_every_problem_at_once() -> None:
    """All packages are looked at before anything is said."""
    text = PLAIN.replace('rust = "1.96.0"', "") + '[package.b]\nbuild = "rust"\npath = "b"\n'
    with pytest.raises(ConfigError) as caught:
        steps(text, known())
    assert {"toolchain.rust", "package.b.path"} == {problem.path for problem in caught.value.problems}


def test_pinned_release_is_not_there() -> None:
    """A skip for each target, which names what was found."""
    found = skips(BUILD_STD, known(OLD))
    assert 6 == len(found)
    assert {"toolchain"} == {skip.kind for skip in found.values()} - {"sdk"}
    assert "there is no rustc 1.96.0" == found[GNU].problem.what
    assert "`rustup toolchain install 1.96.0`, or set the key to 1.95.0" == found[GNU].problem.hint


def test_no_rust_at_all() -> None:
    """The hint is still one that helps."""
    found = skips(BUILD_STD, replace(known(), rust=()))
    assert "`rustup toolchain install 1.96.0`" == found[GNU].problem.hint


def test_library_of_the_target_is_not_there() -> None:
    """Without build_std a target needs its std; the others are built."""
    found = skips(PLAIN, known(OLD, HOST))
    assert GNU not in found
    assert "target" == found[MAC].kind
    assert found[MAC].problem.hint.startswith(f"`rustup target add --toolchain 1.96.0 {MAC}`, or set package.app.rust")


def test_library_sources_are_not_there() -> None:
    """build_std needs them; another compiler of the release that has them is taken."""
    bare = replace(HOST, identity="sha256:bare", sources="")
    assert "rust-src" in skips(BUILD_STD, known(bare))[MAC].problem.hint
    assert "toolchain" == skips(BUILD_STD, known(bare))[MAC].kind
    assert "sha256:c" == steps(BUILD_STD, known(bare, HOST))[MAC].build.tools[0].identity


@pytest.mark.parametrize(
    ("more", "xwin", "lacking"),
    [
        ("", False, 3),
        ("rust.accept_license = true\n", False, 2),
        ("rust.accept_license = true\n", True, 1),
    ],
)
def test_sdk_is_not_there(more: str, xwin: bool, lacking: int) -> None:
    """windows-msvc is skipped with all that is missing, and with the way round."""
    skip = skips(BUILD_STD + more, known(xwin=xwin))[MSVC]
    assert "sdk" == skip.kind
    steps, _, substitute = skip.problem.hint.partition("; or declare ")
    assert lacking == len(steps.split(", "))
    assert 'package.app.substitute = { x86_64-pc-windows-msvc = "x86_64-pc-windows-gnullvm" }' == substitute


def test_sdk_is_there() -> None:
    """With the licence accepted cargo-xwin builds, and the artifact says that the SDK is not pinned."""
    text = BUILD_STD.replace("[package", 'cargo-xwin = "0.23.1"\n[package', 1) + "rust.accept_license = true\n"
    step = steps(text, known(xwin=True))[MSVC]
    assert ("{tool:cargo-xwin}/cargo-xwin", "build", "--frozen") == step.build.commands[1][:3]
    assert "1" == dict(step.build.env)["XWIN_ACCEPT_LICENSE"]
    assert "PATH" not in dict(step.build.env)
    assert "Microsoft's SDK" in step.varies


def test_substitute_is_never_called_msvc() -> None:
    """The declared substitute is in step, folder and command; nothing says msvc."""
    step = steps(BUILD_STD + f'substitute = {{ {MSVC} = "{GNULLVM.triple}" }}\n', known())[GNULLVM.triple]
    assert "bin/app-x86_64-pc-windows-gnullvm/" == step.spec.folder
    assert ("app.exe",) == step.spec.outputs
    assert "msvc" not in f"{step.build.record()} {step.spec}"


def test_crate() -> None:
    """The crate of the manifest's version is packed offline after a fetch, and lies in dist/ itself."""
    (step,) = crate.plan(parse(BUILD_STD + 'rust.crate = "the-app"\n', "shipways.toml"), known())
    assert isinstance(step, Crate)
    assert ("the-app-1.2.3.crate",) == step.spec.outputs
    assert "" == step.spec.folder
    assert "builders/app/crate" == step.spec.id
    assert ("package/the-app-1.2.3.crate",) == step.build.outputs
    assert {"--frozen", "--no-verify", "the-app"} <= set(step.build.commands[-1])


def test_crate_is_one_to_publish(tmp_path: Path) -> None:
    """What cargo packs is an artifact of its own kind, by its own name."""

    def pack(argv: tuple[str, ...], out: Path) -> int:
        if "package" in argv:
            (out / "package").mkdir()
            (out / "package" / "app-1.2.3.crate").write_bytes(b"packed")
        return 0

    engine = ScriptedEngine({"{tool:rust}/cargo": pack})
    nobody = cast(Any, None)
    world = World(engine=engine, files=nobody, sources=nobody, inspector=nobody, images=nobody)
    inbox = StepInbox(scratch=tmp_path, received=(), store=nobody)
    (step,) = crate.plan(parse(BUILD_STD, "shipways.toml"), known())
    assert isinstance(step, Crate)
    (output,) = anyio.run(step.run, world, inbox)
    assert (Kind.CRATE, "app-1.2.3.crate") == (output.kind, output.name)


def test_no_crate() -> None:
    """The config or the manifest may keep a crate private; without the compiler it is a skip."""
    config = parse(BUILD_STD, "shipways.toml")
    assert [] == list(crate.plan(parse(BUILD_STD + "rust.publish_crate = false\n", "shipways.toml"), known()))
    assert [] == list(crate.plan(config, replace(known(), private=("app",))))
    (skip,) = crate.plan(config, known(OLD))
    assert isinstance(skip, Skip)
    assert "toolchain" == skip.kind
