"""`shipways version next` and `set`, as users run them, with the real tools that read what was written."""

import json
import os
import subprocess

import pytest

from sandbox import Repository
from support import need

pytestmark = pytest.mark.integration

CONFIG = """
[project]
name = "demo"

[package.app]
build = "rust"
path = "crates/app"

[package.inner]
build = "rust"
path = "crates/inner"

[package.py]
build = "python"
path = "py"
tag = "py-v{version}"

[package.tool]
build = "go"
path = "tool"
tag = "tool-v{version}"

[toolchain]
rust = "1.90.0"
"""
ROOT = """[workspace]
members = ["crates/*"]
resolver = "2"

[workspace.package]
version = "0.3.1" # of all crates
edition = "2021"
"""
APP = """[package]
name = "app"
version.workspace = true
edition.workspace = true

[dependencies]
inner = { path = "../inner", version = "=0.3.1" }
"""
INNER = '[package]\nname = "inner"\nversion.workspace = true\nedition.workspace = true\n'
PYPROJECT = '[project]\nname = "demo-py"\nversion = "1.2.0"\nrequires-python = ">=3.11"\n'
CHANGELOG = "# Changelog\n\n## [Unreleased]\n\n## [0.3.1] - 2026-01-02\n\n- All.\n"


@pytest.fixture
def project(repository: Repository) -> Repository:
    """Two crates of one version, a Python project and a Go program, each with tags and something new."""
    repository.write(
        shipways_dot_toml=CONFIG,
        Cargo_dot_toml=ROOT,
        crates__app__Cargo_dot_toml=APP,
        crates__app__src__main_dot_rs="fn main() {}\n",
        crates__inner__Cargo_dot_toml=INNER,
        crates__inner__src__lib_dot_rs="",
        crates__CHANGELOG_dot_md="not of a package\n",
        CHANGELOG_dot_md=CHANGELOG,
        py__pyproject_dot_toml=PYPROJECT,
        py__CHANGELOG_dot_md="# Changes\n\n## Unreleased\n\n- By hand.\n",
        tool__main_dot_go="package main\n",
        tool__CHANGELOG_dot_md="# Changes\n",
        _dot_gitignore="/target/\n",
    )
    run(repository, "cargo", "generate-lockfile", "--offline")
    run(repository, "uv", "lock", "--offline", "--directory", "py")
    repository.commit()
    for tag in ("v0.3.1", "py-v1.2.0", "tool-v2.0.0", "py-v9.9.9-not"):
        repository.git("tag", tag)
    repository.git("tag", "--delete", "py-v9.9.9-not")
    repository.file("crates/inner/src/lib.rs", "// x\n")
    repository.commit("feat(inner): a door")
    repository.file("py/demo.py", "x = 1\n")
    repository.commit("docs: words")
    repository.file("tool/main.go", "package main // x\n")
    return repository.commit("fix!: no roof")


def run(repository: Repository, *words: str) -> None:
    """Run a tool that reads the project, where it is; only a test that needs it asks for it."""
    try:
        subprocess.run(words, cwd=repository.root, check=True, capture_output=True, env=dict(os.environ))
    except FileNotFoundError:
        return


def test_next(project: Repository) -> None:
    """Each package by the commits in its own folder; a set of packages with one tag has one version."""
    ran = project.shipways("version", "next")
    assert (
        "app 0.3.1 -> 0.4.0\n  minor  feat(inner): a door\n"
        "inner 0.3.1 -> 0.4.0\n  minor  feat(inner): a door\n"
        "py 1.2.0: nothing since py-v1.2.0 that asks for a release\n"
        "tool 2.0.0 -> 3.0.0\n  major  fix!: no roof\n"
    ) == ran.out, ran.err
    ran = project.shipways("version", "next", "--json", "--package", "tool", "--pre", "rc")
    (found,) = json.loads(ran.out)
    assert ("3.0.0-rc.1", "tool-v3.0.0-rc.1") == (found["next"], found["tag"])


def test_set_next(project: Repository) -> None:
    """Crates, lock file and changelog together; cargo takes the result as locked; a second time changes nothing."""
    need("cargo")
    dry = project.shipways("version", "set", "next", "--package", "app", "--package", "inner", "--dry-run")
    assert (0, True, "") == (dry.code, '+version = "0.4.0" # of all crates' in dry.out, project.git("diff")), dry.err
    ran = project.shipways("version", "set", "next", "--package", "app", "--package", "inner")
    assert (0, dry.out) == (ran.code, ran.out), ran.err
    files = "CHANGELOG.md Cargo.lock Cargo.toml crates/app/Cargo.toml"
    assert files == " ".join(project.git("diff", "--name-only").splitlines())
    assert f'git commit --message "chore: release v0.4.0" {files}\n' in ran.err
    assert ran.err.endswith("  shipways release --publish --create-tag\n")
    run(project, "cargo", "metadata", "--locked", "--offline", "--format-version", "1")
    assert "## [Unreleased]\n\n## [0.4.0] - 20" in (project.root / "CHANGELOG.md").read_text()
    assert "### Added\n\n- inner: a door\n\n## [0.3.1]" in (project.root / "CHANGELOG.md").read_text()
    before = project.git("diff")
    again = project.shipways("version", "set", "next", "--package", "app", "--package", "inner")
    assert (0, "", before) == (again.code, again.out, project.git("diff")), again.err


def test_set_python(project: Repository) -> None:
    """The manifest, the entry in uv.lock in uv's own form, and what people wrote; uv takes the result as locked."""
    need("uv")
    ran = project.shipways("version", "set", "1.3.0-rc.1", "--package", "py")
    assert (0, ["py/CHANGELOG.md", "py/pyproject.toml", "py/uv.lock"]) == (
        ran.code,
        project.git("diff", "--name-only").splitlines(),
    ), ran.err
    run(project, "uv", "lock", "--check", "--offline", "--directory", "py")
    date = ran.out.partition("## [1.3.0-rc.1] - ")[2][:10]
    text = f"# Changes\n\n## Unreleased\n\n## [1.3.0-rc.1] - {date}\n\n- By hand.\n"
    assert text == (project.root / "py" / "CHANGELOG.md").read_text()


def test_only_a_tag(project: Repository) -> None:
    """Where only tags say the version the changelog is written, and the command that tags is shown."""
    ran = project.shipways("version", "set", "next", "--package", "tool")
    assert (0, "tool/CHANGELOG.md") == (ran.code, project.git("diff", "--name-only")), ran.err
    assert ran.err.endswith("  git tag --annotate --message tool-v3.0.0 tool-v3.0.0\n  shipways release --publish\n"), (
        ran.err
    )


def test_refused(project: Repository) -> None:
    """Exit 2 with the reasons; no file is changed."""
    ran = project.shipways("version", "set", "1.3.0-foo", "--package", "py")
    assert (2, True, "") == (ran.code, "is no version there" in ran.err, project.git("status", "--porcelain")), ran.err
