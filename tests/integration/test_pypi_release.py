"""A release to a stand-in of PyPI with the program as users run it: quiet, and the token nowhere."""

import struct
from pathlib import Path

import pytest

from indexes import CANARY
from pypis import Harbour
from sandbox import Repository

pytestmark = pytest.mark.integration

PROJECT = """
[project]
name = "truth"
description = "Says that it is so"
license = "MIT"
source_archive = false
targets = ["x86_64-unknown-linux-musl"]

[package.truth]
build = "prebuilt"
version = "1.0.0"

[package.truth.prebuilt.files]
x86_64-unknown-linux-musl = "bin/true"

[package.py-truth]
build = "python"
python = {{ binary = "truth", distribution = "truth" }}

[publish.pypi]
repository = "{url}/legacy/"
simple = "{url}/simple/"
trusted = false
"""


def program() -> bytes:
    """The smallest static program for x86-64 (System V ABI, "ELF-64 Object File Format"): it ends, with 0."""
    code = b"\xb8\x3c\x00\x00\x00\x31\xff\x0f\x05"
    base, size = 0x400000, 64 + 56 + len(code)
    head = struct.pack("<16sHHIQQQIHHHHHH", b"\x7fELF\2\1\1", 2, 62, 1, base + 120, 64, 0, 0, 64, 56, 1, 0, 0, 0)
    return head + struct.pack("<IIQQQQQQ", 1, 5, 0, base, base, size, size, 4096) + code


@pytest.fixture
def project(repository: Repository, harbour: Harbour) -> Repository:
    """A program that was built elsewhere, and goes to the index as a wheel."""
    repository.write(shipways_dot_toml=PROJECT.format(url=harbour.url), README_dot_md="# truth\n")
    repository.file(".gitignore", "/dist/\n")
    (repository.root / "bin").mkdir()
    (repository.root / "bin" / "true").write_bytes(program())
    repository.commit().git("tag", "v1.0.0")
    return repository


def test_release(project: Repository, harbour: Harbour, tmp_path: Path) -> None:
    """The wheel is there, again does nothing, `verify` agrees; twine says nothing, and nobody the token."""
    harbour.index.tokens[CANARY] = frozenset({"truth"})
    (tmp_path / "token").write_text(CANARY + "\n")
    unasked = {"http_proxy": "http://127.0.0.1:1", "no_proxy": "", "NO_PROXY": ""}
    env = unasked | {"SHIPWAYS_PYPI_TOKEN": "", "SHIPWAYS_PYPI_TOKEN_FILE": str(tmp_path / "token")}
    ran = [project.shipways("release", "--publish", env=env) for _ in range(2)]
    ran.append(project.shipways("verify", env={"SHIPWAYS_PYPI_TOKEN": ""}))
    assert [0, 0, 0] == [each.code for each in ran], ran
    assert 1 == len(harbour.index.uploads), ran
    assert ("2 there, 1 applied" in ran[0].err, "3 there" in ran[1].err) == (True, True), ran
    said = "".join(each.out + each.err for each in ran)
    assert [] == [word for word in ("Uploading", "Checking", "PASSED", "WARNING", CANARY) if word in said]
    kept = [path for top in (project.root, project.cache) for path in top.rglob("*") if path.is_file()]
    assert [] == [path for path in kept if CANARY.encode() in path.read_bytes()]


def test_finished_without_a_token(project: Repository, harbour: Harbour) -> None:
    """What is complete ends well for who has no token; before, there is nothing to do without one."""
    nobody = {"SHIPWAYS_PYPI_TOKEN": ""}
    assert 3 == project.shipways("release", "--publish", env=nobody).code
    assert not (project.root / "dist").exists()
    harbour.index.tokens[CANARY] = frozenset({"truth"})
    assert 0 == project.shipways("release", "--publish", env={"SHIPWAYS_PYPI_TOKEN": CANARY}).code
    ran = project.shipways("release", "--publish", env=nobody)
    assert (0, True) == (ran.code, "3 there" in ran.err), ran.err


def test_refused(project: Repository, harbour: Harbour) -> None:
    """A token that the index does not know: exit 5 with what to check, and the token nowhere."""
    ran = project.shipways("release", "--publish", env={"SHIPWAYS_PYPI_TOKEN": CANARY})
    assert (5, False) == (ran.code, CANARY in ran.out + ran.err), ran.err
    assert "fix: check that the token is for this project and this index" in ran.err
