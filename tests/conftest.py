"""What every test may use: golden files, containers, and an environment that names no engine of its own."""

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import hypothesis
import pytest

import engines
import matrix
import registries

GOLDEN = Path(__file__).parent / "golden"
SESSION = ("UV_PROJECT_ENVIRONMENT", "UV_PYTHON", "VIRTUAL_ENV")
"""How nox tells a session its environment. A uv that a test starts would take it for its own: `pip sync` empties it."""
collect_ignore = ["projects"]  # the tests of projects run in environments of their own


def pytest_configure() -> None:
    """Tests use the tools of this machine, ask no mirror of it, and hold nothing to a time, if they do not say so."""
    os.environ["SHIPWAYS_ENGINE"] = "host"
    # An installed program has its bytecode; where nobody may write it, each of thousands of processes compiles.
    for name in ("SHIPWAYS_MIRROR", "PYTHONDONTWRITEBYTECODE", *SESSION):
        os.environ.pop(name, None)
    hypothesis.settings.register_profile("no timings", deadline=None)
    hypothesis.settings.load_profile("no timings")


def pytest_addoption(parser: pytest.Parser) -> None:
    """`pytest --update-golden` writes what tests compare with; read the diff before you commit it."""
    parser.addoption("--update-golden", action="store_true", help="write the golden files anew")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What has an engine is marked, so that `-m "not long and not engine"` leaves it out."""
    for item in items:
        fixtures = set(item.fixturenames) if isinstance(item, pytest.Function) else set()
        if "containers" in fixtures:
            item.add_marker(pytest.mark.dagger)
        if {"containers", "docker"} & fixtures:
            item.add_marker(pytest.mark.engine)


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    """What starts an engine is marked, or fails. Of a fixture that several share, the test that sets it up counts."""
    marked = any(item.get_closest_marker(name) for name in ("engine", "long"))
    registries.ASKING.unmarked = "" if marked else item.nodeid


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """The fault matrix, where some of it was played."""
    for line in matrix.lines(matrix.commit):
        terminalreporter.write_line(line)


@pytest.fixture(scope="session")
def containers(tmp_path_factory: pytest.TempPathFactory, pytestconfig: pytest.Config) -> Iterator[engines.Containers]:
    """A Dagger engine and a registry with images to build in."""
    kept = pytestconfig.cache.mkdir("images") if pytestconfig.cache else tmp_path_factory.mktemp("images")
    with engines.containers(tmp_path_factory.mktemp("containers"), kept) as made:
        yield made


@pytest.fixture
def golden(request: pytest.FixtureRequest) -> Callable[[str, str], None]:
    """Compares a text with the file of that name below tests/golden/."""

    def compare(name: str, text: str) -> None:
        path = GOLDEN / name
        if request.config.getoption("--update-golden"):
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        assert path.exists(), f"there is no {path}; `pytest --update-golden` writes it"
        assert path.read_text() == text

    return compare
