"""What every engine does, the public fake included."""

import os
import sys
import tarfile
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import anyio
import pytest

from engines import Containers
from imaging import layout, packed
from shipways.adapters.gitsource import GitSources
from shipways.adapters.host import HostEngine
from shipways.adapters.process import OsProcess
from shipways.adapters.shell import OsShell
from shipways.adapters.store import DiskStore
from shipways.adapters.toolchains import Toolchains
from shipways.config.engines import Engine as Table
from shipways.engines import Bench, Choice, opened
from shipways.errors import BuildError, Unavailable
from shipways.model.build import Build
from shipways.model.facts import Rust
from shipways.model.image import ImageBuild
from shipways.model.lock import Lock, LockedImage
from shipways.model.source import SourceTree
from shipways.ports import Engine, Inbox
from shipways.run.maker import StepInbox
from shipways.testing.engine import ScriptedEngine

pytestmark = pytest.mark.integration

IMAGE = "docker.io/library/buildpack-deps:bookworm-scm"
EMPTY = Build(name="builders/x", image=IMAGE, tools=(), source=SourceTree(files=()), commands=(), outputs=("*",))


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

    return ScriptedEngine({"sh": sh}, {"linux/arm64": layout("linux/arm64", packed({"opt": None}))})


class Told(OsShell):
    """A shell with an environment of the test's."""

    def __init__(self, env: Mapping[str, str]) -> None:
        self._env = dict(env)

    def env(self) -> Mapping[str, str]:
        return self._env


class Contained:
    """The Dagger engine, which connects for each build, because each test has an event loop of its own."""

    name = "dagger"
    width = 2
    host = "linux-x86_64"

    def __init__(self, folder: Path, containers: Containers) -> None:
        env = {**os.environ, **containers.env}
        self._containers = containers
        self._bench = Bench(
            process=OsProcess(),
            shell=Told(env),
            sources=GitSources(folder, {}),
            lock=Lock(images=(LockedImage(name=IMAGE, digest=containers.digest(IMAGE), platforms=()),)),
            cache=folder / "cache",
            root=folder,
            volumes=True,
        )

    async def rust(self, version: str, image: str) -> tuple[Rust, ...]:
        async with opened(Choice(name="dagger"), self._bench, Table(), print) as engine:
            return await engine.rust(version, image)

    async def run(self, build: Build, inbox: Inbox) -> tuple[Path, ...]:
        async with opened(Choice(name="dagger"), self._bench, Table(), print) as engine:
            return await engine.run(build, inbox)

    async def image(self, build: ImageBuild, inbox: Inbox) -> Path:
        async with opened(Choice(name="dagger"), self._bench, Table(), print) as engine:
            return await engine.image(build, inbox)


@pytest.fixture(params=["host", "scripted", pytest.param("dagger", marks=[pytest.mark.engine, pytest.mark.dagger])])
def engine(request: pytest.FixtureRequest, tmp_path: Path) -> Engine:
    """Each engine in turn."""
    if request.param == "dagger":
        return Contained(tmp_path, request.getfixturevalue("containers"))
    make = host if request.param == "host" else scripted
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


def test_image_of_a_dockerfile(engine: Engine, tmp_path: Path) -> None:
    """It comes as the tar of an image layout, where there are containers; elsewhere it is told that there are none."""
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    inbox = StepInbox(scratch=scratch, received=(), store=DiskStore(tmp_path / "store"))
    text, platform = "FROM scratch\nWORKDIR /opt\n", "linux/arm64"
    build = ImageBuild(name="images/x", dockerfile="Dockerfile", context=".", text=text, platform=platform)
    if engine.name == "host":
        with pytest.raises(Unavailable, match="a Dockerfile needs the Dagger engine") as caught:
            anyio.run(engine.image, build, inbox)
        assert "engine" == caught.value.kind
        return
    with tarfile.open(anyio.run(engine.image, build, inbox)) as archive:
        assert {"index.json"} < {member.name for member in archive}
