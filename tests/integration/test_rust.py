"""Rust packages as users write them: what the plan says before any compiler is there."""

import json

import pytest

from sandbox import Repository

pytestmark = pytest.mark.integration

CONFIG = """
[project]
name = "w"
[toolchain]
rust = "1.0.99"
[package.app]
build = "rust"
path = "crates/app"
targets = ["x86_64-unknown-linux-gnu"]
[package.lib]
build = "rust"
path = "crates/lib"
targets = []
"""


@pytest.fixture
def workspace(repository: Repository) -> Repository:
    """A workspace of two crates, whose compiler nobody has."""
    repository.file("shipways.toml", CONFIG)
    repository.file("Cargo.toml", '[workspace]\nmembers = ["crates/*"]\n[workspace.package]\nversion = "1.2.3"\n')
    repository.file("Cargo.lock", "version = 4\n")
    repository.file("crates/app/Cargo.toml", '[package]\nname = "app"\nversion.workspace = true\n')
    repository.file("crates/lib/Cargo.toml", '[package]\nname = "lib"\nversion = "0.4.0"\npublish = false\n')
    return repository.commit()


def test_plan_without_the_compiler(workspace: Repository) -> None:
    """Each program and crate is a skip with its fix; the crate that the manifest keeps private is not planned."""
    plan = json.loads(workspace.shipways("plan", "--json").out)
    assert {"app": "1.2.3", "lib": "0.4.0"} == {p["name"]: p["version"].partition("-")[0] for p in plan["packages"]}
    skips = {skip["id"]: skip for skip in plan["skips"] if skip["id"].startswith("builders/")}
    assert {"builders/app/x86_64-unknown-linux-gnu", "builders/app/crate"} == set(skips)
    assert {"toolchain"} == {skip["kind"] for skip in skips.values()}
    assert "rustup toolchain install 1.0.99" in str(skips["builders/app/crate"])


def test_release_without_a_lock_file(workspace: Repository) -> None:
    """Exit 2 with the command that makes one, for every package at once."""
    (workspace.root / "Cargo.lock").unlink()
    workspace.commit()
    ran = workspace.shipways("release")
    assert 2 == ran.code
    assert 2 == ran.err.count("cargo generate-lockfile")
