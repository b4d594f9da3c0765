"""Zig packages: what is planned for each target."""

from dataclasses import replace

from shipways.builders import zig
from shipways.builders.compile import Compile
from shipways.config.load import parse
from shipways.model.source import SourceFile, SourceTree
from support import facts

TEXT = '[project]\nname = "p"\n[package.p]\nbuild = "zig"\npath = "app"\n'
TREE = SourceTree(
    files=tuple(SourceFile(path=f"app/{f}", mode="100644", oid="0") for f in ("build.zig", "src/main.zig"))
)
FACTS = replace(facts(p="1.2.3"), source=TREE)


def compiled(more: str) -> list[Compile]:
    """The step of each target."""
    steps = list(zig.plan(parse(TEXT + more, "shipways.toml"), FACTS))
    assert all(isinstance(step, Compile) for step in steps)
    return [step for step in steps if isinstance(step, Compile)]


def commands(more: str) -> dict[str, tuple[str, ...]]:
    """The command of each target."""
    return {step.expected.target.triple: step.build.commands[0] for step in compiled(more)}


def test_with_build_zig() -> None:
    """build.zig is asked for the target, with the oldest glibc, and for the version where the config says how."""
    found = commands('zig = { glibc = "2.31", options = ["-Dversion={version}"] }\n')
    assert 6 == len(found)
    assert ("zig", "build", "-Dtarget=x86_64-linux-gnu.2.31") == found["x86_64-unknown-linux-gnu"][:3]
    assert "-Dversion=1.2.3" in found["aarch64-apple-darwin"]


def test_with_one_root_file() -> None:
    """`main` is compiled without build.zig; only a -gnu program links libc, and Windows' has its suffix."""
    found = commands('zig = { main = "src/main.zig" }\n')
    assert all(("zig", "build-exe") == command[:2] for command in found.values())
    assert ["x86_64-unknown-linux-gnu", "aarch64-unknown-linux-gnu"] == [t for t, c in found.items() if "-lc" in c]
    assert "-femit-bin={out}/p.exe" in found["x86_64-pc-windows-msvc"]


def test_options_are_for_a_root_file() -> None:
    """Only `zig build-exe` gets a module with the version; build.zig has options of its own."""
    assert {()} == {step.build.programs for step in compiled("")}
    written = 'pub const version: []const u8 = "1.2.3";\n'
    assert {(("options.zig", written),)} == {s.build.programs for s in compiled('zig = { main = "src/main.zig" }\n')}


def test_step_makes_what_its_build_makes() -> None:
    """build.zig may make several programs, into bin/; a root file makes one, of any name."""
    steps = compiled('binaries = ["a", "b"]\n') + compiled('binaries = ["a"]\nzig = { main = "src/main.zig" }\n')
    assert 12 == len(steps)
    for step in steps:
        assert step.spec.outputs == tuple(output.removeprefix("bin/") for output in step.build.outputs)


def test_root_file_that_is_not_there() -> None:
    """It is a skip that names the file."""
    steps = list(zig.plan(parse(TEXT + 'zig = { main = "src/other.zig" }\n', "shipways.toml"), FACTS))
    assert {"there is no src/other.zig in app"} == {s.problem.what for s in steps if not isinstance(s, Compile)}
