"""What a compiled program must be, and what is said of one that may differ."""

from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import anyio
import pytest

from shipways.builders.compile import Compile, Expectation
from shipways.errors import BuildError
from shipways.model.artifact import Linkage, Output
from shipways.model.build import Build
from shipways.model.source import SourceTree
from shipways.model.step import Spec, Work
from shipways.model.target import BY_TRIPLE
from shipways.ports import World
from shipways.run.maker import StepInbox
from shipways.testing.engine import ScriptedEngine

GNU, MUSL = BY_TRIPLE["x86_64-unknown-linux-gnu"], BY_TRIPLE["x86_64-unknown-linux-musl"]
RIGHT = Linkage(format="elf", arch="x86_64", static=False, libraries=("libc.so.6",), glibc="2.28")
STEP = Compile(
    spec=Spec(id="builders/x", work=Work.COMPILE, outputs=("x",)),
    build=Build(name="x", tools=(), source=SourceTree(files=()), commands=(("cc",),), outputs=("x",)),
    expected=Expectation(target=GNU, static=False, glibc="2.28"),
    varies_with_debug="it names a folder",
)


class Told:
    """The `Inspector` port of one answer."""

    def __init__(self, linkage: Linkage | None) -> None:
        self.answer = linkage

    def linkage(self, path: Path) -> Linkage | None:
        return self.answer

    def section(self, path: Path, offset: int) -> str:
        return ""


def run(step: Compile, linkage: Linkage | None, scratch: Path) -> Output:
    """The one program of a step whose compiler makes what the inspector tells."""

    def cc(argv: tuple[str, ...], out: Path) -> int:
        (out / "x").touch()
        return 0

    nobody = cast(Any, None)
    engine = ScriptedEngine({"cc": cc})
    world = World(engine=engine, files=nobody, sources=nobody, inspector=Told(linkage), images=nobody)
    (output,) = anyio.run(step.run, world, StepInbox(scratch=scratch, received=(), store=nobody))
    return output


def test_what_is_right(tmp_path: Path) -> None:
    """The program goes on with what it says of itself."""
    output = run(STEP, RIGHT, tmp_path)
    assert RIGHT == output.linkage
    assert output.executable
    assert "" == output.varies


@pytest.mark.parametrize(
    ("linkage", "message"),
    [
        (replace(RIGHT, arch="aarch64"), "expected elf for x86_64, found elf for aarch64"),
        (replace(RIGHT, format="pe"), "expected elf for x86_64, found pe for x86_64"),
        (replace(RIGHT, glibc="2.29"), r"needs glibc 2\.29, the floor is 2\.28"),
        (replace(RIGHT, glibc="2.100"), r"needs glibc 2\.100, the floor is 2\.28"),
        (None, "is not an ELF, Mach-O or PE program"),
    ],
)
def test_what_is_wrong(linkage: Linkage | None, message: str, tmp_path: Path) -> None:
    """A program for another machine, or for newer systems only, fails the build."""
    with pytest.raises(BuildError, match=message):
        run(STEP, linkage, tmp_path)


def test_dynamic_program_where_a_static_one_is_due(tmp_path: Path) -> None:
    """musl means static."""
    step = replace(STEP, expected=Expectation(target=MUSL, static=True))
    with pytest.raises(BuildError, match=r"expected a static program(.|\n)*libc\.so\.6"):
        run(step, RIGHT, tmp_path)


def test_debug_information_is_told(tmp_path: Path) -> None:
    """A reason that holds only for programs with debug information is said of those alone."""
    assert "it names a folder" == run(STEP, replace(RIGHT, debug=True), tmp_path).varies
    always = replace(STEP, varies="it is never the same")
    (tmp_path / "again").mkdir()
    assert "it is never the same" == run(always, replace(RIGHT, debug=True), tmp_path / "again").varies
