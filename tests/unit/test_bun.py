"""Bun packages: what is planned for each target, and what stands against it."""

from collections.abc import Sequence
from dataclasses import replace

import pytest

from shipways.builders import bun
from shipways.builders.compile import Compile
from shipways.config.load import parse
from shipways.errors import ConfigError
from shipways.model.build import RUNTIME, Tool
from shipways.model.lock import HOSTS, Lock, LockedTool, LockedWheel
from shipways.model.plan import Skip
from shipways.model.source import SourceFile, SourceTree
from support import facts

TEXT = '[project]\nname = "p"\n[toolchain]\nbun = "1.2.3"\n[package.p]\nbuild = "bun"\npath = "apps/p"\n'
FILES = ("bun.lock", "apps/p/package.json", "apps/p/index.ts", "other.txt")
GNU, ARM, WINDOWS = "x86_64-unknown-linux-gnu", "aarch64-apple-darwin", "x86_64-pc-windows-msvc"


def planned(
    more: str = "",
    *,
    files: Sequence[str] = FILES,
    version: str = "1.2.3",
    hosts: Sequence[str] = HOSTS,
    depends: bool = True,
) -> dict[str, Compile | Skip]:
    """The step of each target, or its skip, with wheels of bun for these hosts; the digest of one is its host."""
    tree = SourceTree(files=tuple(SourceFile(path=path, mode="100644", oid="0") for path in sorted(files)))
    wheels = tuple(LockedWheel(host=host, digest=host) for host in hosts)
    locked = LockedTool(name="bun", distribution="b", version=version, wheels=wheels)
    known = replace(
        facts(p="4.5.6"),
        depending=frozenset(["p"]) if depends else frozenset(),
        source=tree,
        lock=Lock(tools=(locked,)),
    )
    found = bun.plan(parse(TEXT + more, "shipways.toml"), known)
    return {(each.id if isinstance(each, Skip) else each.spec.id).rpartition("/")[2]: each for each in found}


def compiled(triple: str, more: str = "") -> Compile:
    """The step of a target."""
    step = planned(more)[triple]
    assert isinstance(step, Compile)
    return step


def refused(more: str = "", files: Sequence[str] = FILES) -> str:
    """What is said of a package that cannot be built anywhere."""
    with pytest.raises(ConfigError) as error:
        planned(more, files=files)
    return str(error.value)


def test_each_target_gets_its_runtime() -> None:
    """The locked wheel for its kind of machine is put into the program, whatever bun compiles."""
    for triple, said, host in (
        (GNU, "bun-linux-x64", "linux-x86_64"),
        ("aarch64-unknown-linux-gnu", "bun-linux-arm64", "linux-aarch64"),
        (ARM, "bun-darwin-arm64", "darwin-aarch64"),
        (WINDOWS, "bun-windows-x64", "windows-x86_64"),
    ):
        step = compiled(triple)
        own = Tool(name=RUNTIME, version="1.2.3", identity=host)
        assert (Tool(name="bun", version="1.2.3"), own) == step.build.tools
        assert f"--target={said}" in step.build.commands[-1]
    assert "--compile-executable-path={tool:bun-runtime}/bun.exe" in compiled(WINDOWS).build.commands[-1]
    assert "--outfile={out}/p.exe" in compiled(WINDOWS).build.commands[-1]


def test_dependencies_are_those_of_the_lock() -> None:
    """They are installed as locked, run nothing, and come from the workspace that the lock file is of."""
    build = compiled(GNU).build
    assert ("bun", "install", "--frozen-lockfile", "--ignore-scripts") == build.commands[0][:4]
    assert ("--cwd", "{src}") == build.commands[0][-2:]
    assert ("apps/p", 4) == (build.workdir, len(build.source.files))


def test_options() -> None:
    """The entry point, further arguments with the version, the name of the program."""
    table = 'bun = { main = "package.json", options = ["--minify", "-d={version}"] }\n'
    step = compiled(GNU, f'binaries = ["tool"]\n{table}')
    assert ("--minify", "-d=4.5.6", "--outfile={out}/tool", "package.json") == step.build.commands[-1][-4:]
    assert ("tool",) == step.spec.outputs


def test_no_good_program() -> None:
    """Where bun cannot make one, and where no wheel of it is, there is a skip with the reason."""
    found = {triple: each for triple, each in planned(hosts=HOSTS[:1]).items() if isinstance(each, Skip)}
    assert {"target"} == {skip.kind for skip in found.values()}
    assert "no static program" in str(found["x86_64-unknown-linux-musl"].problem)
    assert "signature" in str(found["x86_64-apple-darwin"].problem)
    assert "no wheel for darwin-aarch64" in str(found[ARM].problem)
    assert GNU not in found


def test_not_locked() -> None:
    """Without the wheels nothing says which runtime it would be."""
    skip = planned(version="1.2.4")[GNU]
    assert isinstance(skip, Skip)
    assert ("toolchain", "run `shipways lock`") == (skip.kind, skip.problem.hint)


def test_no_lock_file() -> None:
    """It is an error that has the command which makes one."""
    said = refused(files=FILES[1:])
    assert "there is no bun.lock in apps/p or above" in said
    assert "bun install --lockfile-only" in said
    without = planned(files=FILES[1:], depends=False)[GNU]
    assert isinstance(without, Compile), "what depends on nothing has nothing to lock"
    assert ("apps/p", 1) == (without.build.workdir, len(without.build.commands))


def test_what_is_not_there() -> None:
    """Everything that is missing is named at once."""
    said = refused('bun = { main = "src/main.ts" }\n', ("bun.lock", "apps/p/index.ts"))
    assert "package.p.path: there is no package.json in apps/p" in said
    assert "package.p.bun.main: there is no src/main.ts in apps/p" in said
    assert "package.p.source: leaves out bun.lock" in refused('source = ["apps"]\n')


def test_one_program() -> None:
    """Bun makes one for a package."""
    with pytest.raises(ConfigError, match=r"package\.p\.binaries: bun makes one program, not 2"):
        parse(TEXT + 'binaries = ["a", "b"]\n', "shipways.toml")
