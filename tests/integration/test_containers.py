"""What a build in containers promises, on real engines: secrets, caches, several engines, tests, and warm runs."""

import base64
import contextlib
import json
import os
import stat
import time
import zipfile
from collections.abc import Iterator, Mapping
from hashlib import sha256
from pathlib import Path

import anyio
import pytest

from engines import TINY, Containers, Engine, dagger_engine, processes, started, wait_for
from sandbox import Repository
from shipways.adapters.dagger import RUNNER
from shipways.adapters.process import OsProcess
from shipways.adapters.shell import OsShell
from shipways.adapters.store import DiskStore
from shipways.config.engines import Engine as Table
from shipways.engines import Bench, Choice, opened
from shipways.model.build import Build
from shipways.model.lock import Lock, LockedImage
from shipways.model.source import REGULAR
from shipways.run.maker import StepInbox
from shipways.testing.sources import MemorySources

pytestmark = [pytest.mark.integration, pytest.mark.long]

CANARY = "canary-7d1f60c2b95e"
MARK = "open-3c0b1f"
NOWHERE = {RUNNER: "unix:///nonexistent/sock"}
PROJECT = '[project]\nname = "p"\nsource_archive = false\n'


def package(name: str, script: str, more: str = "") -> str:
    """A package that a shell script builds."""
    command = f'{{ run = [["sh", "-c", {json.dumps(script)}, "{{out}}"]], outputs = ["*.txt"] }}'
    return f'[package.{name}]\nbuild = "command"\nversion = "1.0.0"\nimage = "{TINY}"\ncommand = {command}\n{more}\n'


def locked(repository: Repository, containers: Containers, config: str) -> Repository:
    """A project with this config and its lock."""
    repository.file("shipways.toml", PROJECT + config)
    repository.file(".gitignore", "/dist/\n")
    repository.commit()
    ran = repository.shipways("lock", env=containers.env)
    assert 0 == ran.code, ran.err
    return repository.commit()


def newer(folder: Path, begin: float) -> Iterator[Path]:
    """Its files since then; an engine removes some of its own at any time."""
    for place, _, names in os.walk(folder):
        for path in (Path(place, name) for name in names):
            with contextlib.suppress(FileNotFoundError):
                if stat.S_ISREG(path.lstat().st_mode) and path.lstat().st_ctime >= begin:
                    yield path


def content(path: Path) -> bytes:
    """Its bytes; none of one that is removed just now."""
    try:
        return path.read_bytes()
    except FileNotFoundError:
        return b""


def kept(containers: Containers, begin: float, name: str) -> Path:
    """A file of a volume; beside it there is the build's own, in a layer."""
    found = [path for path in newer(containers.engine.root, begin) if path.name == name]
    (own,) = [path for path in found if not {"CARGO_HOME", "GOMODCACHE"} & set(path.parts)]
    return own


@pytest.mark.parametrize("end", ["true", "exit 3"])
def test_secret(repository: Repository, containers: Containers, end: str) -> None:
    """A build has it, and nobody else: no artifact, log, error, store, layer or record of the engine does."""
    script = f': {MARK}; printf %s "$TOKEN" | sha256sum > $0/sum.txt; echo "it is $TOKEN"; echo "$TOKEN" >&2; {end}'
    locked(repository, containers, package("p", script, 'secrets = ["TOKEN"]'))
    begin = time.time() - 1
    ran = repository.shipways("build", "--log", "json", env={**containers.env, "TOKEN": CANARY})
    assert "it is ***" in ran.err
    if end == "true":
        assert 0 == ran.code, ran.err
        made = (repository.root / "dist" / "sum.txt").read_text()
        assert sha256(CANARY.encode()).hexdigest() == made.split()[0]
    else:
        assert (4, True) == (ran.code, "ended with status 3" in ran.err)
    places = (containers.engine.root, repository.root, repository.cache)
    seen = [content(path) for place in places for path in newer(place, begin)]
    assert [data for data in seen if MARK.encode() in data], "nothing of the build was looked into"
    for form in (CANARY.encode(), base64.b64encode(CANARY.encode())):
        assert not [data for data in (*seen, ran.out.encode(), ran.err.encode()) if form in data]


def test_secret_that_is_not_set(repository: Repository, containers: Containers) -> None:
    """It is asked for by its name, before a container starts."""
    locked(repository, containers, package("p", "true", 'secrets = ["TOKEN"]'))
    ran = repository.shipways("build", env=containers.env)
    assert (3, True) == (ran.code, "the variable TOKEN is not set" in ran.err), ran.err


def test_what_a_command_prints(repository: Repository, containers: Containers) -> None:
    """`--log json` has it, with its step."""
    locked(repository, containers, package("p", "echo one; echo two >&2; touch $0/a.txt"))
    ran = repository.shipways("build", "--log", "json", env=containers.env)
    assert 0 == ran.code, ran.err
    (printed,) = [event for line in ran.err.splitlines() if (event := json.loads(line))["event"] == "printed"]
    assert ("builders/p", "one\ntwo\n") == (printed["step"], printed["text"])


def test_nothing_changed(repository: Repository, containers: Containers) -> None:
    """A warm run takes everything from the store and asks no engine: it may be gone."""
    locked(repository, containers, package("p", "echo made > $0/a.txt"))
    for env in (containers.env, {**containers.env, **NOWHERE}):
        ran = repository.shipways("release", env=env)
        assert 0 == ran.code, ran.err
    assert "cached  builders/p" in ran.err


def test_auto_says_why(repository: Repository, containers: Containers) -> None:
    """Where a runner is set, auto builds with it, and says so."""
    locked(repository, containers, package("p", "echo made > $0/a.txt"))
    ran = repository.shipways("build", "--engine", "auto", env=containers.env)
    assert 0 == ran.code, ran.err
    assert "engine: dagger, because a runner is set" in ran.err


def test_tests_in_containers(repository: Repository, containers: Containers) -> None:
    """A package's tests run in its image, anew each time; one that fails tells its last 50 lines and its command."""
    passing = package("good", "true", 'test = ["sh", "-c", "busybox | head -1"]')
    failing = package("bad", "true", 'tag = "bad-v{version}"\ntest = ["sh", "-c", "seq 1000 1099; exit 9"]')
    locked(repository, containers, passing + failing)
    good = repository.shipways("test", "--package", "good", "--log", "json", env=containers.env)
    assert (0, True) == (good.code, "BusyBox v" in good.err), good.err
    bad = repository.shipways("test", "--engine", "dagger", env=containers.env)
    assert 4 == bad.code
    assert "test/bad: `sh -c seq 1000 1099; exit 9` ended with status 9" in bad.err
    shown = [text for line in bad.err.splitlines() if (text := line.replace("why:", "").strip()).isdigit()]
    assert [str(number) for number in range(1050, 1100)] == shown


def where(mark: str) -> set[str]:
    """The name servers of the containers in which a word is on a command line: each engine has its own."""
    return {Path(f"/proc/{pid}/root/etc/resolv.conf").read_text().split()[1] for pid in processes("cmdline", mark)}


def spread(seconds: str, runners: tuple[Engine, ...]) -> str:
    """Four packages whose builds sleep, for these engines."""
    script = f"sleep {seconds}; grep nameserver /etc/resolv.conf > $0/NAME.txt"
    addresses = json.dumps([engine.address for engine in runners])
    packages = (package(name, script.replace("NAME", name), f'tag = "{name}-v{{version}}"') for name in "abcd")
    return f"[engine]\nrunners = {addresses}\n" + "".join(packages)


def test_two_engines(repository: Repository, containers: Containers, tmp_path: Path) -> None:
    """Steps are spread over both; one dies in the middle, and its steps run on the other; then that one dies too."""
    mirror = containers.registry.host
    with dagger_engine(tmp_path, mirror) as one, dagger_engine(tmp_path, mirror) as two:
        locked(repository, containers, spread("4.25", (one, two)))
        run = started(repository, "release", containers.env)
        wait_for(lambda: len(processes("cmdline", "4.25")) == 4)
        assert 2 == len(where("4.25"))
        two.kill()
        wait_for(lambda: len(where("4.25")) == 1)
        (survivor,) = where("4.25")
        _, err = run.communicate(timeout=90)
        assert 0 == run.returncode, err
        assert f"warning: the Dagger engine {two.address} is gone" in err
        assert {f"nameserver {survivor}\n"} == {path.read_text() for path in (repository.root / "dist").glob("*.txt")}
        assert [] == [*one.clients(), *two.clients()]

        repository.file("shipways.toml", PROJECT + spread("66.25", (one, two)))
        run = started(repository.commit(), "release", containers.env)
        wait_for(lambda: processes("cmdline", "66.25"))
        one.kill()
        _, err = run.communicate(timeout=90)
        assert 4 == run.returncode, err
        for engine in (one, two):
            assert f"error: the Dagger engine {engine.address}: is gone" in err
        assert [] == [*one.clients(), *two.clients(), *processes("cmdline", "66.25")]


GO = """
[package.p]
build = "go"
version = "1.0.0"
sbom = false
targets = ["x86_64-unknown-linux-gnu"]
"""
MODULE = "github.com/mitchellh/go-wordwrap v1.0.1"
GO_SUM = f"""{MODULE} h1:TLuKupo69TCn6TQSyGxwI1EblZZEsQ0vMlAFQflz0v0=
{MODULE}/go.mod h1:R62XHJLzvMFRBbcrT7m7WgmE1eOyTSsCt+hzestvNj0=
"""
MAIN = """package main

import wordwrap "github.com/mitchellh/go-wordwrap"

func main() { println(wordwrap.WrapString("a b", 1)) }
"""


def binary(repository: Repository, containers: Containers) -> tuple[str, str]:
    """The digest of the program, and the log."""
    ran = repository.shipways("build", "--log", "json", env=containers.env)
    assert 0 == ran.code, ran.err
    manifest = json.loads((repository.root / "dist" / "manifest.json").read_text())
    (digest,) = [artifact["digest"] for artifact in manifest["artifacts"]]
    return digest, ran.err


def test_poisoned_modules(repository: Repository, containers: Containers) -> None:
    """A module in the volume that is another one is not built in: the program stays the same."""
    repository.file("go.mod", f"module example.com/p\n\ngo 1.24\n\nrequire {MODULE}\n")
    repository.file("go.sum", GO_SUM)
    repository.file("main.go", MAIN)
    locked(repository, containers, GO)
    begin = time.time() - 1
    expected, _ = binary(repository, containers)
    poison(kept(containers, begin, "v1.0.1.zip"))
    repository.file("main.go", MAIN + "// another input, which is not in the program\n")
    repository.commit()
    digest, said = binary(repository, containers)
    assert expected == digest
    assert "the module cache was not what go.sum says" in said
    assert "started" in said


def poison(place: Path) -> None:
    """Let a module panic when it is loaded."""
    with zipfile.ZipFile(place) as archive:
        files = {name: archive.read(name) for name in archive.namelist()}
    with zipfile.ZipFile(place, "w") as archive:
        for name, data in files.items():
            archive.writestr(name, data + b'\nfunc init() { panic("poison") }\n' if name.endswith("wrap.go") else data)


class Told(OsShell):
    """A shell with an environment of the test's."""

    def __init__(self, env: Mapping[str, str]) -> None:
        self._env = dict(env)

    def env(self) -> Mapping[str, str]:
        return self._env


def fetched(containers: Containers, tmp_path: Path, name: str) -> tuple[str, str]:
    """What a crate holds for a build of this name, which fetches it as cargo does: if it is not there. And its log."""
    crate = "$CARGO_HOME/registry/cache/index/foo-1.0.0.crate"
    lock = f'[[package]]\nname = "foo"\nversion = "1.0.0"\nchecksum = "{sha256(b"good").hexdigest()}"\n'
    sources = MemorySources({"Cargo.lock": (REGULAR, lock.encode())})
    fetch = f"[ -e {crate} ] || {{ mkdir -p $CARGO_HOME/registry/cache/index; printf good > {crate}; echo fetched; }}"
    build = Build(
        name=f"builders/{name}",
        tools=(),
        source=sources.tree,
        commands=(("sh", "-c", f"{fetch}; cp {crate} {{out}}/{name}"),),
        outputs=(name,),
        caches=(("CARGO_HOME", "cargo"),),
        image=TINY,
    )
    image = LockedImage(name=TINY, digest=containers.digest(TINY), platforms=())
    bench = Bench(
        process=OsProcess(),
        shell=Told({**os.environ, **containers.env}),
        sources=sources,
        lock=Lock(images=(image,)),
        cache=tmp_path / "cache",
        root=tmp_path,
        volumes=True,
    )
    scratch = tmp_path / name
    said: list[str] = []
    scratch.mkdir()
    inbox = StepInbox(scratch=scratch, received=(), store=DiskStore(tmp_path / "store"), say=said.append)

    async def run() -> str:
        async with opened(Choice(name="dagger"), bench, Table(), print) as engine:
            (path,) = await engine.run(build, inbox)
            return path.read_text()

    return anyio.run(run), "".join(said)


def test_poisoned_crates(containers: Containers, tmp_path: Path) -> None:
    """A crate in the volume that is not what Cargo.lock says is removed, told, and fetched again."""
    begin = time.time() - 1
    assert ("good", "fetched\n") == fetched(containers, tmp_path, "first")
    assert ("good", "") == fetched(containers, tmp_path, "second")
    crate = kept(containers, begin, "foo-1.0.0.crate")
    crate.write_text("evil")
    text, said = fetched(containers, tmp_path, "third")
    assert ("good", True) == (text, "foo-1.0.0.crate was not what Cargo.lock says\nfetched\n" in said)
    assert "good" == crate.read_text()
