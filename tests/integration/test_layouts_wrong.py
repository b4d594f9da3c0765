"""What users of such layouts bring that cannot be released so: each is told with what mends it."""

import json

import pytest

import layouts
from sandbox import Repository

pytestmark = pytest.mark.integration

RUST = '[project]\nname = "lantern"\n[toolchain]\nrust = "1.0.99"\n[package.lantern]\nbuild = "rust"\n'
PYTHON = '[project]\nname = "rose"\n[package.rose]\nbuild = "python"\n'
BY_FILE = layouts.PURE | {
    "pyproject.toml": layouts.PURE["pyproject.toml"].replace('version = "2.1.0"', 'dynamic = ["version"]')
}


def test_version_of_a_backend(repository: Repository) -> None:
    """Exit 3 with both ways out; the second of them mends it."""
    layouts.laid(repository, BY_FILE, name="rose")
    assert "leaves its version to the build backend" in (ran := repository.shipways("init")).err, ran.err
    ran = repository.commit().shipways("plan")
    assert 3 == ran.code
    assert "leaves project.version to the build backend (project.dynamic)" in ran.err
    text = (repository.root / "shipways.toml").read_text()
    repository.file("shipways.toml", text.replace('build = "python"', 'build = "python"\nversion = "2.1.0"'))
    assert 0 == (ran := repository.commit().shipways("plan")).code, ran.err


def test_version_of_git(repository: Repository) -> None:
    """The tag says it, and the backend is told."""
    layouts.laid(repository, layouts.VERSIONED_BY_GIT, name="rose").git("tag", "v7.8.9")
    repository.file("shipways.toml", PYTHON)
    repository.commit().git("tag", "v7.9.0")
    plan = json.loads(repository.shipways("plan", "--json", "--publish").out)
    assert [("rose", "7.9.0")] == [(each["name"], each["version"]) for each in plan["packages"]]


def test_no_lock_file(repository: Repository) -> None:
    """Exit 2 with cargo's command."""
    layouts.laid(repository, {**layouts.WORKSPACE, "shipways.toml": RUST + 'path = "crates/cli"\n'}, name="lantern")
    (repository.root / "Cargo.lock").unlink()
    ran = repository.commit().shipways("plan")
    assert (2, True) == (ran.code, "cargo generate-lockfile" in ran.err), ran.err


def test_nothing_to_release(repository: Repository) -> None:
    """Exit 2: a private library, with its reason."""
    manifest = '[package]\nname = "x"\nversion = "1.0.0"\npublish = false\n'
    layouts.laid(repository, {"Cargo.toml": manifest, "src/lib.rs": ""}, name="x")
    ran = repository.shipways("init")
    assert (2, True) == (ran.code, "it is a library without a program, and Cargo.toml says publish = false" in ran.err)


def test_main_without_a_name(repository: Repository) -> None:
    """One straight in cmd/ has the name of the module."""
    layouts.laid(repository, {"go.mod": "module example.org/oar/v2\n", "cmd/main.go": "package main\n"}, name="x")
    assert 0 == repository.shipways("init").code
    assert '[package.oar.go]\nmain = "cmd"' in (repository.root / "shipways.toml").read_text()
