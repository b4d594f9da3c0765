"""What every engine does, the public fake included."""

import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import anyio
import pytest

from shipways.adapters.gitsource import GitSources
from shipways.adapters.host import HostEngine
from shipways.adapters.process import OsProcess
from shipways.adapters.shell import OsShell
from shipways.adapters.store import DiskStore
from shipways.adapters.toolchains import Toolchains
from shipways.errors import BuildError
from shipways.model.build import Build
from shipways.model.lock import Lock
from shipways.model.source import SourceTree
from shipways.ports import Engine
from shipways.run.maker import StepInbox
from shipways.testing.engine import ScriptedEngine

pytestmark = pytest.mark.integration

EMPTY = Build(name="builders/x", tools=(), source=SourceTree(files=()), commands=(), outputs=("*",))


def host(tmp_path: Path) -> Engine:
    """The real one, with this machine's shell."""
    process, shell = OsProcess(), OsShell()
    toolchains = Toolchains(process=process, shell=shell, root=tmp_path / "tools", lock=Lock(), host="linux-x86_64")
    sources = GitSources(tmp_path, {})
    return HostEngine(process=process, shell=shell, sources=sources, toolchains=toolchains, caches=tmp_path / "caches")


def scripted(tmp_path: Path) -> Engine:
    """The fake, with a shell that knows what these tests say."""

    def sh(argv: tuple[str, ...], out: Path) -> int:
        for word in argv[2].split(" && "):
            verb, _, rest = word.partition(" ")
            if verb == "exit":
                return int(rest)
            if verb == "echo":
                print(rest)  # noqa: T201 - it stands for a program's standard output
                continue
            place = Path(rest.replace("$0", argv[3]))
            if verb == "touch":
                place.touch()
            elif verb == "mkdir":
                place.mkdir()
        return 0

    return ScriptedEngine({"sh": sh})


@pytest.fixture(params=[host, scripted])
def engine(request: pytest.FixtureRequest, tmp_path: Path) -> Engine:
    """Each engine in turn."""
    make: Callable[[Path], Engine] = request.param
    if make is host and sys.platform == "win32":
        pytest.skip("the host engine's tests use sh")
    return make(tmp_path)


def run(engine: Engine, tmp_path: Path, script: str, *outputs: str) -> list[str]:
    """The names of what a build gives."""
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    inbox = StepInbox(scratch=scratch, received=(), store=DiskStore(tmp_path / "store"))
    build = replace(EMPTY, commands=(("sh", "-c", script, "{out}"),), outputs=outputs)
    return [path.relative_to(scratch).as_posix() for path in anyio.run(engine.run, build, inbox)]


def test_outputs_are_moved_sorted(engine: Engine, tmp_path: Path) -> None:
    """What matches comes in order, with its folders; what does not match stays behind."""
    script = "mkdir $0/d && touch $0/b.txt && touch $0/a.txt && touch $0/d/c.bin && touch $0/other"
    assert ["a.txt", "b.txt", "d/c.bin"] == run(engine, tmp_path, script, "*.txt", "d/*")


def test_pattern_without_a_file(engine: Engine, tmp_path: Path) -> None:
    """A declared output that is not made is an error."""
    with pytest.raises(BuildError, match=r"no file matches \*\.txt"):
        run(engine, tmp_path, "touch $0/other", "*.txt")


def test_failed_command(engine: Engine, tmp_path: Path) -> None:
    """A command that fails ends the build with its status."""
    with pytest.raises(BuildError, match="ended with status 3"):
        run(engine, tmp_path, "touch $0/a && exit 3", "a")


def test_unknown_program(engine: Engine, tmp_path: Path) -> None:
    """A program that is not there is named."""
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    inbox = StepInbox(scratch=scratch, received=(), store=DiskStore(tmp_path / "store"))
    with pytest.raises(BuildError, match="there is no program `nonesuch`"):
        anyio.run(engine.run, replace(EMPTY, commands=(("nonesuch",),)), inbox)


def test_printed_output(engine: Engine, tmp_path: Path) -> None:
    """What the last command prints goes to the file that the build names."""
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    inbox = StepInbox(scratch=scratch, received=(), store=DiskStore(tmp_path / "store"))
    commands = tuple(("sh", "-c", f"echo {word}", "{out}") for word in ("first", "grüß"))
    build = replace(EMPTY, commands=commands, outputs=("said.txt",), stdout="said.txt")
    (said,) = anyio.run(engine.run, build, inbox)
    assert "grüß\n" == said.read_text(encoding="utf-8")
