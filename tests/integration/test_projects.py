"""The projects in tests/projects, released as their users would, and what comes out run."""

import json
import os
import shutil
import subprocess
from pathlib import Path
from typing import TypeAlias

import pytest

from sandbox import Repository
from support import need

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


@pytest.fixture(scope="session")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One store for all projects: a toolchain is installed once."""
    return tmp_path_factory.mktemp("store")


def release(name: str, folder: Path, cache: Path) -> tuple[Repository, Artifacts]:
    """Copy a project into a repository of its own, release it, and return its artifacts by path."""
    shutil.copytree(PROJECTS / name, folder, ignore=shutil.ignore_patterns("target", "dist", ".zig-cache", "zig-out"))
    repository = Repository(folder, cache).commit()
    ran = repository.shipways("release")
    assert 0 == ran.code, ran.err
    manifest = json.loads((folder / "dist" / "manifest.json").read_text())
    return repository, {artifact["path"]: artifact for artifact in manifest["artifacts"]}


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
    for target in SIX[:2]:
        top = unpack(repository.root / "dist" / found[target], fresh(repository, target))
        assert said in run(top / program, "--version")
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


def check_sums(repository: Repository) -> None:
    """`sha256sum -c` agrees with every line."""
    for sums in (repository.root / "dist").glob("*SHA256SUMS*"):
        subprocess.run(("sha256sum", "--check", "--strict", "--quiet", sums.name), cwd=sums.parent, check=True)
        return
    pytest.fail("there is no file of sums")


def test_pulse(tmp_path: Path, cache: Path) -> None:
    """Go to six targets: archives, sums, bills of materials, image, formula; the Linux programs run."""
    repository, artifacts = release("pulse", tmp_path / "pulse", cache)
    assert set(SIX) == set(archives(artifacts))
    check_sums(repository)
    check_linux(repository, artifacts, "pulse", "pulse 0.0.0-snapshot.g")
    kinds = {artifact["kind"] for artifact in artifacts.values()}
    assert {"archive", "binary", "checksum", "sbom", "source", "image", "formula"} <= kinds
    gnu, musl = (artifacts[f"bin/pulse-{target}/pulse"]["digest"] for target in SIX[:2])
    assert gnu == musl


def test_spark(tmp_path: Path, cache: Path) -> None:
    """Zig to six targets, the windows-msvc ABI among them; the Linux programs run, the Windows one under wine."""
    repository, artifacts = release("spark", tmp_path / "spark", cache)
    assert set(SIX) == set(archives(artifacts))
    check_sums(repository)
    check_linux(repository, artifacts, "spark", "spark 0.3.1-snapshot.g")
    linkage = artifacts["bin/spark-x86_64-unknown-linux-gnu/spark"]["linkage"]
    assert isinstance(linkage, dict)
    assert "2.28" == linkage["glibc"]
    assert "spark 0.3.1" in check_windows(repository, artifacts, SIX[5], ["spark.exe", "--version"])


def test_aisopod(tmp_path: Path, cache: Path) -> None:
    """Rust to five targets and the declared substitute, which is never called msvc."""
    repository, artifacts = release("aisopod", tmp_path / "aisopod", cache)
    made = archives(artifacts)
    if not made:
        need("rustc-1.96")
    assert {*SIX[:5], "x86_64-pc-windows-gnullvm"} == set(made)
    assert not [path for path in artifacts if "msvc" in path]
    check_sums(repository)
    check_linux(repository, artifacts, "aisopod", "aisopod 0.1.0")


@pytest.mark.parametrize("project", ["pulse", "spark", "aisopod"])
def test_noxfile_is_what_init_writes(project: str) -> None:
    """The projects' noxfiles are the ones that users get."""
    template = (PROJECTS.parent.parent / "ci/shipways/templates/init/noxfile.py.j2").read_text()
    assert template.replace("{{ version }}", "0.1.0").strip() == (PROJECTS / project / "noxfile.py").read_text().strip()
