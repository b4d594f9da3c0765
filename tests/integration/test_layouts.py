"""Repositories as people have theirs, from `init` on, with the config as it was written."""

import json
import shutil
import subprocess
import tarfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TypeAlias

import pytest

import layouts
from sandbox import Repository
from support import missing, need, need_rust

pytestmark = [pytest.mark.integration, pytest.mark.slow]

Begin: TypeAlias = Callable[..., Repository]
PROJECTS = Path(__file__).parent.parent / "projects"
GNU = "x86_64-unknown-linux-gnu"
GO = {
    GNU,
    "x86_64-unknown-linux-musl",
    "aarch64-unknown-linux-gnu",
    "x86_64-apple-darwin",
    "aarch64-apple-darwin",
    "x86_64-pc-windows-msvc",
}
RUST = GO - {"x86_64-pc-windows-msvc"} | {"x86_64-pc-windows-gnullvm"}
UNIX = GO & RUST
_LONG = 3000.0
"""Seconds for all targets of Rust, on two cores that have other work too."""


@pytest.fixture(scope="session")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One store for all layouts: a toolchain is installed once."""
    return tmp_path_factory.mktemp("store")


@pytest.fixture
def begin(tmp_path: Path, cache: Path) -> Begin:
    """Lays a repository out, then `init`, commit, `check`. What it said is in `notes`."""

    def made(layout: layouts.Layout, name: str, more: Mapping[str, str] | None = None) -> Repository:
        repository = layouts.laid(Repository(tmp_path / name, cache), {**layout, **(more or {})}, name=name)
        (tmp_path / "notes").write_text(well(repository, "init"))
        well(repository.commit("build: release with shipways"), "check")
        return repository

    return made


def well(repository: Repository, *words: str) -> str:
    """What a verb said, which ended with 0."""
    ran = repository.shipways(*words, timeout=_LONG)
    assert 0 == ran.code, ran.err
    return ran.out + ran.err


def locked(repository: Repository, project: str = "") -> Repository:
    """With the lock file of a project that has the same tools, or one that is asked for; a skip without an index."""
    if project:
        shutil.copy(PROJECTS / project / "shipways.lock", repository.root)
    elif (ran := repository.shipways("lock")).code == 3:
        missing("index", ran.err)
    else:
        assert 0 == ran.code, ran.err
    return repository.commit("build: lock")


def planned(repository: Repository, *words: str) -> Mapping[str, Any]:
    """The plan, with its skips."""
    plan: Mapping[str, Any] = json.loads(repository.shipways("plan", "--json", *words).out)
    return plan


def builds(plan: Mapping[str, Any], package: str) -> set[str]:
    """What a package is built as, or would be on a machine that can: targets, `crate`, `sdist`, `wheel`."""
    ids = [entry["id"].split("/") for entry in (*plan["steps"], *plan["skips"])]
    return {words[2] for words in ids if words[:2] == ["builders", package] and len(words) == 3}


def made(repository: Repository, kind: str) -> list[str]:
    """The artifacts of a kind of the last run, by path."""
    manifest = json.loads((repository.root / "dist" / "manifest.json").read_text())
    return sorted(entry["path"] for entry in manifest["artifacts"] if entry["kind"] == kind)


def says(repository: Repository, program: str) -> str:
    """What a program for this machine prints."""
    return subprocess.run((repository.root / "dist" / program,), capture_output=True, text=True, check=True).stdout


def whole(repository: Repository) -> str:
    """`release --snapshot` without a skip, then a rehearsal that converges."""
    assert "0 skipped" in well(repository, "release", "--snapshot", "--require", "all")
    told = well(repository, "rehearse")
    assert "rehearsed: the release, the same once more, which changed nothing, and verify" in told
    return told


def own_rust() -> dict[str, str]:
    """The file by which a repository wants exactly the rustc that is first here."""
    need("rustc")
    said = subprocess.run(("rustc", "--version"), capture_output=True, text=True, check=True, cwd="/").stdout
    return {"rust-toolchain.toml": f'[toolchain]\nchannel = "{said.split()[1]}"\n'}


def test_workspace(begin: Begin) -> None:
    """Both programs for six targets, one tag for all; a library goes along; a crate that is private is no .crate."""
    repository = locked(begin(layouts.WORKSPACE, "lantern", own_rust()), "aisopod")
    plan = planned(repository)
    assert {"lantern", "lantern-core", "lantern-server"} == {package["name"] for package in plan["packages"]}
    assert (RUST | {"crate"}, {"crate"}, RUST) == tuple(
        builds(plan, name) for name in ("lantern", "lantern-core", "lantern-server")
    )
    well(repository, "build", "--step=builders/lantern/crate")
    assert ["lantern-0.4.0.crate"] == made(repository, "crate")
    with tarfile.open(repository.root / "dist" / "lantern-0.4.0.crate") as packed:
        assert "lantern-0.4.0/Cargo.lock" in packed.getnames()


@pytest.mark.long
def test_workspace_runs(begin: Begin) -> None:
    """Both programs for this machine, by the compiler that the repository wants."""
    repository = locked(begin(layouts.WORKSPACE, "lantern", own_rust()), "aisopod")
    well(repository, "build", "--target", GNU)
    programs = [f"bin/lantern-server-{GNU}/lanternd", f"bin/lantern-{GNU}/lantern"]
    assert sorted(programs) == made(repository, "binary")
    assert ["lanternd 0.4.0\n", "lantern 0.4.0\n"] == [says(repository, program) for program in programs]


def test_module(begin: Begin) -> None:
    """Two mains, one of them in a file that is not called main.go, for six targets, with one tag."""
    repository = begin(layouts.MODULE, "ferry")
    repository.git("tag", "v1.2.3")
    plan = planned(repository, "--publish")
    assert {"ferry": "1.2.3", "ferryctl": "1.2.3"} == {each["name"]: each["version"] for each in plan["packages"]}
    assert (GO, GO, []) == (builds(plan, "ferry"), builds(plan, "ferryctl"), plan["skips"])


def test_extension(begin: Begin) -> None:
    """A wheel for each target but Windows, and an sdist; the version is that of Cargo.toml."""
    plan = planned(begin(layouts.EXTENSION, "tide"))
    assert [("tide", "0.3.0")] == [(each["name"], each["version"].partition("-")[0]) for each in plan["packages"]]
    assert UNIX | {"sdist"} == builds(plan, "tide")
    assert {"run `shipways lock` and commit shipways.lock"} == {
        skip["hint"] for skip in plan["skips"] if skip["id"].startswith("builders/")
    }


def test_pure(begin: Begin) -> None:
    """An sdist and a wheel of a package below src/, brought to GitHub and to PyPI."""
    repository = locked(begin(layouts.PURE, "wind-rose"))
    told = whole(repository)
    assert ["wind_rose-2.1.0-py3-none-any.whl"] == made(repository, "wheel")
    assert ["wind_rose-2.1.0.tar.gz"] == made(repository, "sdist")
    assert {"github", "pypi"} == {line.split()[0] for line in told.splitlines() if " applied " in line}


def test_monorepo(begin: Begin) -> None:
    """Each of three has a version and a tag of its own, Go's in the words of its modules; a tag releases one alone."""
    repository = begin(layouts.MONOREPO, "town")
    plan = planned(repository)
    bases = {each["name"]: each["version"].partition("-")[0] for each in plan["packages"]}
    assert {"gate": "0.0.0", "knot": "0.2.1", "spool": "1.4.0"} == bases
    assert (GO, RUST | {"crate"}) == (builds(plan, "gate"), builds(plan, "knot"))
    assert {"sdist", "wheel"} == builds(plan, "spool")
    repository.git("tag", "services/gate/v3.0.0")
    assert ["gate"] == [each["name"] for each in planned(repository, "--publish")["packages"]]


@pytest.mark.long
def test_whole_workspace(begin: Begin) -> None:
    """Both programs to all targets, two crates, to GitHub and to a registry, the library first."""
    need_rust("1.96.0")
    repository = locked(begin(layouts.WORKSPACE, "lantern"))
    told = whole(repository)
    assert len(made(repository, "binary")) == 2 * len(RUST)
    assert ["lantern-0.4.0.crate", "lantern-core-0.4.0.crate"] == made(repository, "crate")
    order = [line.split()[1] for line in told.splitlines() if line.startswith("crates ") and " applied " in line]
    assert {"crates/lantern-core/0.4.0", "crates/lantern/0.4.0"} == {
        f"crates/{name.removeprefix('crates/')}" for name in order
    }


@pytest.mark.long
def test_whole_module(begin: Begin) -> None:
    """Two programs to six targets, on one page of GitHub."""
    repository = locked(begin(layouts.MODULE, "ferry"))
    repository.git("tag", "v1.2.3")
    whole(repository)
    assert 2 * len(GO) == len(made(repository, "archive"))
    said = [says(repository, f"bin/{name}-{GNU}/{name}") for name in ("ferry", "ferryctl")]
    assert ["ferry 1.2.3\n", "ferryctl 1.2.3\n"] == said


@pytest.mark.long
def test_whole_extension(begin: Begin, tmp_path: Path) -> None:
    """Wheels for all targets but Windows; that of this machine is installed, and does its work."""
    need_rust("1.96.0")
    repository = locked(begin(layouts.EXTENSION, "tide"))
    whole(repository)
    assert [
        "tide-0.3.0-cp311-abi3-macosx_11_0_arm64.whl",
        "tide-0.3.0-cp311-abi3-macosx_11_0_x86_64.whl",
        "tide-0.3.0-cp311-abi3-manylinux_2_28_aarch64.whl",
        "tide-0.3.0-cp311-abi3-manylinux_2_28_x86_64.whl",
        "tide-0.3.0-cp311-abi3-musllinux_1_1_x86_64.whl",
    ] == made(repository, "wheel")
    assert ["tide-0.3.0.tar.gz"] == made(repository, "sdist")
    assert "3\n" == installed(repository.root / "dist" / made(repository, "wheel")[3], tmp_path / "venv")


def installed(wheel: Path, venv: Path) -> str:
    """What the extension answers in an environment that has nothing else."""
    need("uv")
    subprocess.run(("uv", "venv", "--quiet", "--python", "3.11", venv), check=True)
    python = venv / "bin" / "python"
    subprocess.run(("uv", "pip", "install", "--quiet", "--offline", "--python", python, wheel), check=True)
    argv = (python, "-c", "import tide; print(tide.height(15))")
    return subprocess.run(argv, capture_output=True, text=True, check=True).stdout


@pytest.mark.long
def test_whole_monorepo(begin: Begin) -> None:
    """All three at once: their places are GitHub, with a page for each tag, a registry of crates, and PyPI."""
    need_rust("1.96.0")
    repository = locked(begin(layouts.MONOREPO, "town"))
    repository.git("tag", "services/gate/v3.0.0")
    told = whole(repository)
    assert "gate 3.0.0 who goes there\n" == says(repository, f"bin/gate-{GNU}/gate")
    assert len(GO) + len(RUST) == len(made(repository, "archive"))
    assert {"github", "crates", "pypi"} == {line.split()[0] for line in told.splitlines() if " applied " in line}
