"""Bills of materials of real programs: what the tools say is linked, and nothing else."""

import hashlib
import json
import re
import shutil
import subprocess
import tomllib
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import anyio
import pytest
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator

from sandbox import Repository
from shipways.adapters.files import DiskFiles
from shipways.adapters.gitsource import GitSources
from shipways.adapters.host import HostEngine
from shipways.adapters.process import OsProcess
from shipways.adapters.shell import OsShell
from shipways.adapters.toolchains import Toolchains
from shipways.bundle import sbom
from shipways.bundle.sbom import Sbom
from shipways.config.load import parse
from shipways.facts import Asked, gather, host, read_dockerfiles
from shipways.gitfacts import open_repository, read_git
from shipways.model.artifact import Artifact, Blob, Kind
from shipways.model.lock import Lock
from shipways.ports import World
from support import need

pytestmark = pytest.mark.integration

PULSE = Path(__file__).parents[1] / "projects" / "pulse"
LINUX, WINDOWS = "x86_64-unknown-linux-gnu", "x86_64-pc-windows-msvc"


def version_of(tool: str, *words: str) -> str:
    """The version of a program on PATH, outside of any project."""
    done = subprocess.run((tool, *words), capture_output=True, text=True, check=True, cwd="/")
    found = re.search(r"\d+\.\d+\.\d+", done.stdout)
    assert found
    return found.group()


def bills(repository: Repository) -> dict[str, dict[str, object]]:
    """The bills of materials in dist/ by name, each valid by CycloneDX's schema."""
    found = {path.name: path.read_text() for path in (repository.root / "dist").glob("*.cdx.json")}
    for text in found.values():
        assert JsonStrictValidator(SchemaVersion.V1_6).validate_str(text) is None
    return {name: json.loads(text) for name, text in found.items()}


def purls(bill: dict[str, object]) -> set[str]:
    components = cast(list[dict[str, str]], bill["components"])
    return {component["purl"] for component in components}


@pytest.fixture
def pulse(repository: Repository, tools: Path) -> Repository:
    """The Go project for one target, and a module that only its tests link."""
    shutil.copytree(PULSE, repository.root, dirs_exist_ok=True)
    config = (PULSE / "shipways.toml").read_text().partition("[checksums]")[0]
    repository.file("shipways.toml", config.replace("\n\n", f'\ntargets = ["{LINUX}"]\n\n', 1))
    repository.file("testonly/go.mod", "module example.com/testonly\n\ngo 1.26\n")
    repository.file("testonly/only.go", "package testonly\n\nconst Said = 1\n")
    repository.file("only_test.go", 'package main\n\nimport "example.com/testonly"\n\nvar _ = testonly.Said\n')
    module = (PULSE / "go.mod").read_text()
    planted = "\nrequire example.com/testonly v0.0.0\n\nreplace example.com/testonly => ./testonly\n"
    repository.file("go.mod", module + planted)
    return repository.share(tools).commit()


@pytest.mark.slow
def test_pulse(pulse: Repository, tools: Path, tmp_path: Path) -> None:
    """uuid, pflag and the standard library with their versions; what tests import is absent; equal bytes elsewhere."""
    ran = pulse.shipways("release")
    assert 0 == ran.code, ran.err
    (go,) = tomllib.loads((PULSE / "shipways.lock").read_text())["tools"]
    ((name, bill),) = bills(pulse).items()
    assert {
        "pkg:golang/github.com/google/uuid@v1.6.0",
        "pkg:golang/github.com/spf13/pflag@v1.0.10",
        f"pkg:golang/stdlib@{go['version']}",
    } == purls(bill)
    main = cast(dict[str, dict[str, object]], bill["metadata"])["component"]
    with (pulse.root / "dist" / name.removesuffix(".cdx.json")).open("rb") as archive:
        digest = hashlib.file_digest(archive, "sha256").hexdigest()
    assert [{"alg": "SHA-256", "content": digest}] == main["hashes"]
    assert str(main["purl"]).startswith("pkg:golang/example.com/pulse@v0.0.0-snapshot.g")
    other = Repository(tmp_path / "deep" / "er", tmp_path / "other").share(tools)
    other.git("pull", "--quiet", str(pulse.root), "main")
    ran = other.shipways("release", env={"PYTHONHASHSEED": "7", "TZ": "Asia/Tokyo"})
    assert 0 == ran.code, ran.err
    assert {name: bill} == bills(other)
    manifests = [(repository.root / "dist" / "manifest.json").read_bytes() for repository in (pulse, other)]
    assert manifests[0] == manifests[1]


RUST = f"""
[project]
name = "app"
targets = ["{LINUX}", "{WINDOWS}"]

[toolchain]
rust = "RUST"

[package.app]
build = "rust"
path = "app"
"""
APP = """
[package]
name = "app"
version = "1.0.0"
edition = "2021"

[dependencies]
linked = { path = "../linked" }

[target.'cfg(windows)'.dependencies]
windows = { path = "../windows" }

[build-dependencies]
built = { path = "../built" }

[dev-dependencies]
tested = { path = "../tested" }
linked = { path = "../linked", features = ["more"] }
"""
LINKED = """
[package]
name = "linked"
version = "1.0.0"
edition = "2021"

[features]
more = ["dep:optional"]

[dependencies]
optional = { path = "../optional", optional = true }
"""


@dataclass(frozen=True)
class Received:
    """An inbox with the archive that the step is about."""

    step: Sbom
    scratch: Path

    def artifacts(self) -> tuple[Artifact, ...]:
        name = self.step.spec.outputs[0].removesuffix(".cdx.json")
        blob = Blob(name=name, kind=Kind.ARCHIVE, digest=f"sha256:{'0' * 64}", size=1)
        return (Artifact(name=name, blob=blob, step=self.step.spec.needs[0], package=self.step.spec.package),)

    def say(self, text: str) -> None:
        """Nobody reads it here."""

    def path(self, artifact: Artifact) -> Path:
        raise AssertionError("sources tell what is in a Rust program")


@pytest.fixture
def workspace(repository: Repository, monkeypatch: pytest.MonkeyPatch) -> Repository:
    """A workspace of crates that need each other in every way that Cargo knows, with its lock."""
    need("rustc", "cargo")
    names = ("app", "linked", "windows", "built", "tested", "optional")
    repository.file("Cargo.toml", f"[workspace]\nmembers = {json.dumps(names)}\nresolver = '2'\n")
    for name in names:
        repository.file(f"{name}/src/lib.rs", "")
        repository.file(f"{name}/Cargo.toml", f'[package]\nname = "{name}"\nversion = "1.0.0"\nedition = "2021"\n')
    repository.file("app/Cargo.toml", APP)
    repository.file("linked/Cargo.toml", LINKED)
    repository.file("shipways.toml", RUST.replace("RUST", version_of("rustc", "--version")))
    subprocess.run(("cargo", "generate-lockfile", "--offline", "--quiet"), cwd=repository.root, check=True)
    monkeypatch.chdir(repository.root)
    return repository.commit()


async def made(repository: Repository, scratch: Path, target: str) -> str:
    """The text of the bill for a target, by the real cargo."""
    process, shell, config = OsProcess(), OsShell(), parse((repository.root / "shipways.toml").read_text(), "")
    opened = await open_repository(process, shell, repository.cache / "git")
    sources = GitSources(opened.root, opened.env)
    tools = Toolchains(process=process, shell=shell, root=repository.cache / "tools", lock=Lock(), host=host())
    engine = HostEngine(
        process=process, shell=shell, sources=sources, toolchains=tools, caches=repository.cache / "caches"
    )
    git, source = await read_git(process, opened)
    asked = Asked(
        git=git,
        source=source,
        dockerfiles=read_dockerfiles(config, Lock(), source, sources),
        process=process,
        shell=shell,
        sources=sources,
        repository=opened,
        files=DiskFiles(),
        engine=engine,
    )
    facts = await gather(config, Lock(), asked)
    world = cast(World, SimpleNamespace(engine=engine, files=DiskFiles(), sources=sources))
    steps = (step for step in sbom.plan(config, facts) if isinstance(step, Sbom))
    step = next(step for step in steps if step.spec.target and step.spec.target.triple == target)
    scratch.mkdir()
    (output,) = await step.run(world, Received(step, scratch))
    return output.path.read_text()


def test_cargo(workspace: Repository, tmp_path: Path) -> None:
    """What is linked for the target; nothing for tests, for the build, or that only a test's feature switches on."""
    linux = json.loads(anyio.run(made, workspace, tmp_path / LINUX, LINUX))
    windows = json.loads(anyio.run(made, workspace, tmp_path / WINDOWS, WINDOWS))
    assert {"pkg:cargo/linked@1.0.0"} == purls(linux)
    assert {"pkg:cargo/linked@1.0.0", "pkg:cargo/windows@1.0.0"} == purls(windows)
