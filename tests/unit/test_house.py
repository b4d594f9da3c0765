"""The rules of the house that no linter holds."""

import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent.parent
OURS = [path for top in ("ci", "tests") for path in sorted((ROOT / top).rglob("*.py"))]
CODE = [path for path in OURS if "tests/projects" not in path.as_posix()]


@pytest.mark.parametrize("path", CODE, ids=lambda path: str(path.relative_to(ROOT)))
def test_file_is_small(path: Path) -> None:
    """No file of ours has more than 300 lines."""
    assert 300 >= len(path.read_text().splitlines())


def test_nothing_hides_a_library() -> None:
    """`packaging/` at the top is no Python package, or it would hide the library of that name."""
    assert not list((ROOT / "packaging").rglob("*.py"))


def test_no_folder_that_tools_pass_over() -> None:
    """ruff, pytest and usual ignore files skip folders called build or dist without a word."""
    assert [] == [path for path in OURS if {"build", "dist"} & set(path.relative_to(ROOT).parts)]


def test_every_package_is_typed_and_linted() -> None:
    """mypy checks the whole package; ruff leaves out only the users' projects, which are not ours to style."""
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]
    assert ["shipways"] == settings["mypy"]["packages"]
    assert ["tests/projects"] == settings["ruff"]["extend-exclude"]
    assert "exclude" not in settings["mypy"]


def test_every_package_has_a_first_line() -> None:
    """Each module says why it exists, in its first line."""
    assert [] == [path for path in CODE if not path.read_text().startswith(('"""', "#!"))]
