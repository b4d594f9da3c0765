"""This project's own wheel, from an index, as users run, import and automate it."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from sandbox import Repository
from shipways import __version__
from support import need
from wheelhouse import Wheelhouse, interpreter, wheelhouse
from working import OURS

pytestmark = [pytest.mark.integration, pytest.mark.long]

assert OURS.workflows
PYTHONS = OURS.workflows.job["tests"].pythons
HELLO = """
[build-system]
requires = ["hatchling==1.32.0"]
build-backend = "hatchling.build"

[project]
name = "hello"
version = "1.0.0"
"""
CONSUMER = """
from shipways.errors import Problem
from shipways.model.event import Note
from shipways.ports import Console
from shipways.testing.console import RecordingConsole

console = RecordingConsole()
port: Console = console
port.emit(Note(text="hello"))
reveal_type(console.printed)
Problem(path=1, what="is a number")
"""
"""The last line is wrong; where shipways were not typed, mypy would not know."""


@pytest.fixture(scope="module")
def house(distributions: Repository, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Wheelhouse]:
    """An index with the wheel."""
    with wheelhouse(distributions, tmp_path_factory.mktemp("house")) as made:
        yield made


def first_steps(house: Wheelhouse, repository: Repository, *shipways: str) -> None:
    """What somebody does who tries it: an empty repository has nothing to release, and a project has."""
    assert f"shipways {__version__}\n" in house.run(*shipways, "--version", cwd=repository.root)
    assert "nothing that shipways can build is here" in house.run(*shipways, "init", cwd=repository.root, expected=2)
    repository.file("pyproject.toml", HELLO)
    assert "wrote shipways.toml, noxfile.py, .gitignore" in house.run(*shipways, "init", cwd=repository.root)
    assert "hello: nothing to mend" in house.run(*shipways, "check", cwd=repository.root)


@pytest.mark.parametrize("version", PYTHONS)
def test_uvx(version: str, house: Wheelhouse, repository: Repository) -> None:
    """`uvx shipways`, on each Python that is here."""
    first_steps(house, repository, "uvx", "--python", interpreter(version), "shipways")


@pytest.mark.parametrize("backend", ["pip", "uv"])
def test_pipx(backend: str, house: Wheelhouse, repository: Repository) -> None:
    """`pipx run shipways`, whatever it installs with."""
    need("pipx")
    words = ("--backend", backend, f"--pip-args=--extra-index-url={house.env['UV_INDEX']}")
    first_steps(house, repository, "pipx", "run", *words, f"--spec=shipways=={__version__}", "shipways")


def test_typed(house: Wheelhouse, tmp_path: Path) -> None:
    """Mypy, strict, knows the types of what is installed, and finds the one mistake."""
    (tmp_path / "consumer.py").write_text(CONSUMER)
    mypy = ("uvx", "--from", "mypy", "--with", f"shipways=={__version__}", "mypy", "--strict", "consumer.py")
    said = house.run(*mypy, cwd=tmp_path, expected=1)
    assert 'note: Revealed type is "list[str]"' in said.replace("builtins.", "")
    assert 'error: Argument "path" to "Problem" has incompatible type "int"; expected "str"' in said
    assert "Found 1 error in 1 file" in said


def test_noxfile_of_init(house: Wheelhouse, repository: Repository) -> None:
    """The sessions of the noxfile that `init` writes get shipways from the index, release, and leave a clean tree."""
    need("nox")
    repository.file("pyproject.toml", HELLO)
    repository.file("src/hello/__init__.py", "")
    for verb in ("init", "lock"):
        house.run("uvx", "shipways", verb, cwd=repository.root)
    repository.commit()
    said = house.run("nox", "-s", "check", "plan", "release", cwd=repository.root)
    assert 3 == said.count(f"nox > uv pip install shipways=={__version__}")
    assert "builders/hello/wheel" in said
    assert "" == repository.git("status", "--porcelain")
    manifest = json.loads((repository.root / "dist/manifest.json").read_text())
    made = {artifact["path"]: artifact["kind"] for artifact in manifest["artifacts"]}
    assert {"sdist", "wheel"} <= set(made.values())
    assert all((repository.root / "dist" / path).is_file() for path in made)
