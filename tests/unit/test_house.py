"""The rules of the house that no linter holds."""

import ast
import os
import re
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

from registries import docker_engine

ROOT = Path(__file__).parent.parent.parent
OURS = [path for top in ("ci", "tests") for path in sorted((ROOT / top).rglob("*.py"))]
CODE = [path for path in OURS if "tests/projects" not in path.as_posix()]


def needed(path: Path) -> Iterator[str]:
    """The tools that a file of tests asks for by `need` and `missing`."""
    tree = ast.parse(path.read_text())
    constants = {ast.unparse(node.targets[0]): node.value for node in tree.body if isinstance(node, ast.Assign)}
    for call in (node for node in ast.walk(tree) if isinstance(node, ast.Call)):
        name = ast.unparse(call.func).rpartition(".")[2]
        for given in {"need": call.args, "missing": call.args[:1]}.get(name, ()):
            value = constants.get(ast.unparse(given.value)) if isinstance(given, ast.Starred) else given
            try:
                found = ast.literal_eval(value or given)
            except ValueError:
                raise AssertionError(f"{path}:{call.lineno}: say in words what is needed") from None
            yield from (found,) if isinstance(found, str) else found


@pytest.mark.parametrize("path", CODE, ids=lambda path: str(path.relative_to(ROOT)))
def test_file_is_small(path: Path) -> None:
    """No file of ours has more than 300 lines."""
    assert 300 >= len(path.read_text().splitlines())


def test_gate_requires_what_tests_need() -> None:
    """A tool that a test asks for is required by `.ci/run`, or it says there why not; and nothing else is."""
    gate = (ROOT / ".ci" / "run").read_text()
    required = " ".join(re.findall(r"^ *required\+?=\(([^)]*)\)", gate, re.MULTILINE)).split()
    excused = re.findall(r"^#   ([\w-]+): ", gate, re.MULTILINE)
    asking = [path for path in CODE if path.name != "support.py" and path.is_relative_to(ROOT / "tests")]
    assert sorted({tool for path in asking for tool in needed(path)}) == sorted([*required, *excused])


def test_a_need_of_any_form_is_seen(tmp_path: Path) -> None:
    """Words, a constant of the file, and what is missing for another reason; what cannot be read so is refused."""
    path = tmp_path / "test_it.py"
    path.write_text('TWO = ("b", "c")\nneed("a", *TWO)\nsupport.need("d")\nmissing("e", "no e")\nother("f")\n')
    assert ["a", "b", "c", "d", "e"] == sorted(needed(path))
    path.write_text("need(words[0])\n")
    with pytest.raises(AssertionError, match=r"test_it\.py:1"):
        sorted(needed(path))


def test_what_a_test_starts_has_its_own_environment(
    request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What nox tells a session of its environment reaches no uv of a test, which would take that for its own."""
    told = ("UV_PROJECT_ENVIRONMENT", "UV_PYTHON", "VIRTUAL_ENV")
    for name in told:
        monkeypatch.setenv(name, "/the/session")
    conftest = request.config.pluginmanager.getplugin(str(ROOT / "tests" / "conftest.py"))
    assert conftest
    conftest.pytest_configure()
    assert [] == [name for name in told if name in os.environ]


def test_who_starts_an_engine_is_marked(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """A test without a marker for it, as this one, fails before it starts Docker's, also where there is none."""
    monkeypatch.setenv("PATH", "")
    monkeypatch.setenv("SHIPWAYS_REQUIRE", "dockerd")  # a test that got further would fail too, with other words
    told = f"{re.escape(request.node.nodeid)} starts a Docker Engine, so it needs the marker engine or long"
    with pytest.raises(pytest.fail.Exception, match=told), docker_engine():
        pass


@pytest.mark.skipif(sys.platform == "win32", reason="a Docker Engine that needs root is of Linux: run this there")
@pytest.mark.parametrize("marker", ["engine", "long"])
def test_a_required_engine_needs_root(
    marker: str, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Where dockerd is required, a marked test of another user fails; elsewhere it is skipped."""
    for name in ("dockerd", "docker"):
        (tmp_path / name).touch(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    request.node.add_marker(marker)
    conftest = request.config.pluginmanager.getplugin(str(ROOT / "tests" / "conftest.py"))
    assert conftest
    conftest.pytest_runtest_setup(request.node)
    either = (pytest.fail.Exception, pytest.skip.Exception)
    for required, outcome in zip(("dockerd", ""), either, strict=True):
        monkeypatch.setenv("SHIPWAYS_REQUIRE", required)
        with pytest.raises(either, match="dockerd needs root") as caught, docker_engine():
            pass
        assert outcome is caught.type


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
