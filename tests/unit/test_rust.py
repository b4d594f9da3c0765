"""Rust packages: what their builds see, and what is skipped with which fix."""

from dataclasses import replace

import pytest

from rusting import BUILD_STD, FILES, GNU, HOST, MAC, MSVC, OLD, PLAIN, known, skips, steps
from shipways.errors import ConfigError
from shipways.model.target import GNULLVM


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
