"""The projects in tests/projects, released as their users would, and what comes out run."""

import http.client
import json
import os
import shutil
import subprocess
import time
from pathlib import Path
from typing import TypeAlias, cast

import pytest

from sandbox import Repository
from shipways.adapters.inspect import LiefInspector
from support import free_port, need, need_rust

pytestmark = [pytest.mark.integration, pytest.mark.slow]

PROJECTS = Path(__file__).parent.parent / "projects"
Artifacts: TypeAlias = dict[str, dict[str, object]]
SIX = (
    "x86_64-unknown-linux-gnu",
    "x86_64-unknown-linux-musl",
    "aarch64-unknown-linux-gnu",
    "x86_64-apple-darwin",
    "aarch64-apple-darwin",
    "x86_64-pc-windows-msvc",
)
LINUX = SIX[:3]
GNULLVM = "x86_64-pc-windows-gnullvm"
_LONG = 3000.0
"""Seconds for six targets of Rust, on two cores that have other work too."""


def release(name: str, folder: Path, tools: Path, targets: tuple[str, ...] = SIX) -> tuple[Repository, Artifacts]:
    """Copy a project into a repository of its own, release it for targets, and return its artifacts by path."""
    shutil.copytree(PROJECTS / name, folder, ignore=shutil.ignore_patterns("target", "dist", ".zig-cache", "zig-out"))
    repository = Repository(folder, folder.with_suffix(".cache")).share(tools)
    if targets != SIX:
        text = (folder / "shipways.toml").read_text()
        repository.file("shipways.toml", text.replace("[project]\n", f"[project]\ntargets = {json.dumps(targets)}\n"))
    ran = repository.commit().shipways("release", timeout=_LONG)
    assert 0 == ran.code, ran.err
    return repository, made(repository)


def made(repository: Repository) -> Artifacts:
    """The artifacts of the last run by path."""
    manifest = json.loads((repository.root / "dist" / "manifest.json").read_text())
    return {artifact["path"]: artifact for artifact in manifest["artifacts"]}


def archives(artifacts: Artifacts) -> dict[str, str]:
    """Archive paths by target."""
    return {str(a["target"]): path for path, a in artifacts.items() if a["kind"] == "archive"}


def unpack(archive: Path, folder: Path) -> Path:
    """The one folder in an archive, unpacked by the tools that users have."""
    need("unzip", "zstd", "xz")
    argv = ("unzip", "-q", str(archive)) if archive.suffix == ".zip" else ("tar", "-xf", str(archive))
    subprocess.run(argv, cwd=folder, check=True)
    (top,) = folder.iterdir()
    return top


def run(*argv: str | Path, env: dict[str, str] | None = None) -> str:
    """What a program prints."""
    words = [str(word) for word in argv]
    done = subprocess.run(words, env=os.environ | (env or {}), capture_output=True, text=True, check=True, timeout=120)
    return done.stdout


def check_linux(repository: Repository, artifacts: Artifacts, program: str, said: str) -> None:
    """The Linux programs run and say their version: natively, and arm64 under qemu."""
    found = archives(artifacts)
    for target in (target for target in SIX[:2] if target in found):
        top = unpack(repository.root / "dist" / found[target], fresh(repository, target))
        assert said in run(top / program, "--version")
    if SIX[2] not in found:
        return
    need("qemu-aarch64-static")
    top = unpack(repository.root / "dist" / found[SIX[2]], fresh(repository, SIX[2]))
    assert said in run("qemu-aarch64-static", "-L", "/usr/aarch64-linux-gnu", top / program, "--version")


def fresh(repository: Repository, name: str) -> Path:
    """An empty folder beside the repository."""
    folder = repository.root.parent / f"unpacked-{name}"
    folder.mkdir()
    return folder


def check_windows(repository: Repository, artifacts: Artifacts, target: str, words: list[str]) -> str:
    """What the Windows program prints under wine, in a prefix of the test's own."""
    need("wine")
    folder = fresh(repository, target)
    top = unpack(repository.root / "dist" / archives(artifacts)[target], folder)
    env = {"WINEPREFIX": str(folder / "prefix"), "WINEDEBUG": "-all", "DISPLAY": ""}
    return run("wine", top / words[0], *words[1:], env=env)


def ask(port: int, path: str) -> bytes:
    """What a program on this machine answers, once it listens."""
    deadline = time.monotonic() + 20
    while True:
        try:
            connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
            connection.request("GET", path)
            return connection.getresponse().read()
        except OSError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.1)


def check_sums(repository: Repository) -> None:
    """`sha256sum -c` agrees with every line."""
    for sums in (repository.root / "dist").glob("*SHA256SUMS*"):
        subprocess.run(("sha256sum", "--check", "--strict", "--quiet", sums.name), cwd=sums.parent, check=True)
        return
    pytest.fail("there is no file of sums")


@pytest.mark.parametrize("targets", [LINUX, pytest.param(SIX, marks=pytest.mark.long)], ids=["linux", "six"])
def test_pulse(targets: tuple[str, ...], tmp_path: Path, tools: Path) -> None:
    """Go to the targets: archives, sums, bills of materials, image, formula; the Linux programs run.

    What their bills are made from is what the go tool reads in the programs, whatever system they are for.
    """
    need("go")
    repository, artifacts = release("pulse", tmp_path / "pulse", tools, targets)
    assert set(targets) == set(archives(artifacts))
    check_sums(repository)
    check_linux(repository, artifacts, "pulse", "pulse 0.0.0-snapshot.g")
    kinds = {artifact["kind"] for artifact in artifacts.values()}
    assert {"archive", "binary", "checksum", "sbom", "source", "image", "formula"} <= kinds
    gnu, musl = (artifacts[f"bin/pulse-{target}/pulse"]["digest"] for target in SIX[:2])
    assert gnu == musl
    for name in (name for name, artifact in artifacts.items() if artifact["kind"] == "binary"):
        program = repository.root / "dist" / name
        told = subprocess.run(("go", "version", "-m", program), capture_output=True, text=True, check=True).stdout
        fields = told.removeprefix(f"{program}: ").replace("\n\t", "\n")
        assert fields == LiefInspector().build_information(program)


@pytest.mark.parametrize("targets", [SIX[:1], pytest.param(SIX, marks=pytest.mark.long)], ids=["one", "six"])
def test_spark(targets: tuple[str, ...], tmp_path: Path, tools: Path) -> None:
    """S0-22: Zig to the targets, windows-msvc among them; the Linux programs run, the Windows one under wine."""
    repository, artifacts = release("spark", tmp_path / "spark", tools, targets)
    assert set(targets) == set(archives(artifacts))
    check_sums(repository)
    check_linux(repository, artifacts, "spark", "spark 0.3.1-snapshot.g")
    linkage = artifacts["bin/spark-x86_64-unknown-linux-gnu/spark"]["linkage"]
    assert isinstance(linkage, dict)
    assert "2.28" == linkage["glibc"]
    if SIX[5] in targets:
        assert "spark 0.3.1" in check_windows(repository, artifacts, SIX[5], ["spark.exe", "--version"])


@pytest.mark.long
def test_spark_is_the_same_elsewhere(tmp_path: Path, tools: Path) -> None:
    """Made again in another folder, with caches of its own, every artifact is the same."""
    _, artifacts = release("spark", tmp_path / "spark", tools)
    deeper = Repository(tmp_path / "much" / "deeper" / "spark", tmp_path / "other")
    shutil.copytree(PROJECTS / "spark", deeper.root, dirs_exist_ok=True)
    (tmp_path / "other" / "shipways").mkdir(parents=True)
    (tmp_path / "other" / "shipways" / "toolchains").symlink_to(tools / "toolchains")
    ran = deeper.commit().shipways("release")
    assert 0 == ran.code, ran.err
    assert artifacts == made(deeper)


@pytest.fixture(scope="session")
def aisopod(tmp_path_factory: pytest.TempPathFactory, tools: Path) -> tuple[Repository, Artifacts]:
    """Released once for all tests: rustc builds the standard library for each of six targets."""
    need_rust("1.96.0")
    return release("aisopod", tmp_path_factory.mktemp("aisopod") / "aisopod", tools)


@pytest.mark.long
def test_aisopod(aisopod: tuple[Repository, Artifacts]) -> None:
    """S0-22, S0-AC7: Rust to five targets and the declared substitute, never called msvc; the Linux programs run."""
    repository, artifacts = aisopod
    assert {*SIX[:5], GNULLVM} == set(archives(artifacts))
    assert not [path for path in artifacts if "msvc" in path]
    check_sums(repository)
    check_linux(repository, artifacts, "aisopod", "aisopod 0.1.0")
    kinds = {artifact["kind"] for artifact in artifacts.values()}
    assert {"archive", "binary", "checksum", "crate", "sbom", "source", "image"} <= kinds


@pytest.mark.long
def test_aisopod_linkage(aisopod: tuple[Repository, Artifacts]) -> None:
    """S0-22: the floor of glibc holds, musl is static, and a Mac needs nothing but its system library."""
    found = {target: aisopod[1][f"bin/aisopod-{target}/aisopod"]["linkage"] for target in SIX[:5]}
    gnu, musl, arm, _, mac = (cast(dict[str, object], found[target]) for target in SIX[:5])
    assert {"2.28"} == {gnu["glibc"], arm["glibc"]}
    assert musl["static"]
    assert ["/usr/lib/libSystem.B.dylib"] == mac["libraries"]
    assert "11.0" == mac["system"]


@pytest.mark.long
def test_aisopod_passes_its_own_tests(aisopod: tuple[Repository, Artifacts]) -> None:
    """`shipways test` runs cargo with the pinned compiler, though another one is first on PATH."""
    ran = aisopod[0].shipways("test")
    assert 0 == ran.code, ran.err


def test_rust_with_the_installed_library(tmp_path: Path, tools: Path) -> None:
    """Without build_std the target of this machine is built on stable Rust, down to the same floor of glibc."""
    need_rust("1.96.0")
    repository = Repository(tmp_path / "hello", tmp_path / "cache").share(tools)
    repository.file("Cargo.toml", '[package]\nname = "hello"\nversion = "1.0.0"\nedition = "2024"\npublish = false\n')
    repository.file("Cargo.lock", 'version = 4\n\n[[package]]\nname = "hello"\nversion = "1.0.0"\n')
    repository.file("src/main.rs", 'fn main() { println!("hello {}", env!("CARGO_PKG_VERSION")); }\n')
    shutil.copy(PROJECTS / "aisopod" / "shipways.lock", repository.root)
    table = f'build = "rust"\ntargets = ["{SIX[0]}"]\n'
    repository.file(
        "shipways.toml", f'[project]\nname = "hello"\n[toolchain]\nrust = "1.96.0"\n[package.hello]\n{table}'
    )
    ran = repository.commit().shipways("build")
    assert 0 == ran.code, ran.err
    (program,) = made(repository).values()
    assert "2.28" == cast(dict[str, object], program["linkage"])["glibc"]
    assert "hello 1.0.0\n" == run(repository.root / "dist" / str(program["path"]))


@pytest.mark.long
def test_aisopod_on_windows(aisopod: tuple[Repository, Artifacts]) -> None:
    """S0-22: the substitute runs under wine."""
    assert "aisopod 0.1.0" in check_windows(*aisopod, GNULLVM, ["aisopod.exe", "--version"])


@pytest.mark.long
def test_aisopod_serves(aisopod: tuple[Repository, Artifacts]) -> None:
    """The static program answers its health check, and stops as asked."""
    port = free_port()
    argv = (aisopod[0].root / f"dist/bin/aisopod-{SIX[1]}/aisopod", "gateway", "--allow-unconfigured")
    with subprocess.Popen((*argv, "--port", str(port)), stderr=subprocess.DEVNULL) as process:
        try:
            assert "ok" == json.loads(ask(port, "/health"))["status"]
        finally:
            process.terminate()
        assert 0 == process.wait(timeout=20)


@pytest.mark.long
def test_aisopod_is_the_same_elsewhere(aisopod: tuple[Repository, Artifacts], tmp_path: Path) -> None:
    """Another folder, an empty store, and settings of cargo's for this user: the same bytes, with no path in them."""
    repository, artifacts = aisopod
    repository.git("clone", "--quiet", ".", str(tmp_path / "much" / "deeper"))
    other = Repository(tmp_path / "much" / "deeper", tmp_path / "cache")
    other.file(".git/cargo/config.toml", "[profile.release]\nopt-level = 0\n")
    env = {"CARGO_HOME": str(other.root / ".git/cargo"), "RUSTFLAGS": "-Copt-level=0", "CC": "false"}
    steps = [f"--step=builders/aisopod/{name}" for name in (SIX[1], SIX[4], "crate")]
    ran = other.shipways("build", *steps, env=env, timeout=_LONG)
    assert 0 == ran.code, ran.err
    again = made(other)
    assert 3 == len(again)
    assert {path: artifacts[path]["digest"] for path in again} == {path: a["digest"] for path, a in again.items()}
    for path in again:
        data = (other.root / "dist" / path).read_bytes()
        assert not [place for place in (b"/tmp/", b"/root/", b"/usr/src", b"/rustlib/") if place in data]


@pytest.mark.parametrize("project", ["pulse", "spark", "aisopod"])
def test_noxfile_is_what_init_writes(project: str) -> None:
    """The projects' noxfiles are the ones that users get."""
    template = (PROJECTS.parent.parent / "ci/shipways/templates/init/noxfile.py.j2").read_text()
    assert template.replace("{{ version }}", "0.1.0").strip() == (PROJECTS / project / "noxfile.py").read_text().strip()
