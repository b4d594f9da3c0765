"""What lies above the folder of all builds is no part of one."""

from dataclasses import replace
from pathlib import Path

import pytest

from shipways.adapters.host import check_above
from shipways.errors import BuildError
from shipways.model.build import Build, Tool
from shipways.model.source import SourceTree

PLAIN = Build(name="x", tools=(), source=SourceTree(files=()), commands=(), outputs=())
RUST = replace(PLAIN, tools=(Tool(name="rust", version="1.96.0"),))


@pytest.mark.parametrize("name", [".cargo/config.toml", ".cargo/config", "Cargo.toml", ".git"])
def test_planted_settings_stop_the_build(tmp_path: Path, name: str) -> None:
    """Cargo reads its settings and its workspace from all folders above, so nothing may be there."""
    planted = tmp_path / name
    planted.parent.mkdir(exist_ok=True)
    planted.touch()
    with pytest.raises(BuildError, match="would be part of every build") as caught:
        check_above(tmp_path / "builds", RUST)
    assert [str(planted)] == [problem.path for problem in caught.value.problems]


@pytest.mark.parametrize("name", ["go.work", "go.mod"])
def test_planted_workspace_stops_the_build(tmp_path: Path, name: str) -> None:
    """Go takes the workspace, or the module, of the nearest folder above that has one."""
    (tmp_path / name).touch()
    with pytest.raises(BuildError, match="would be part of every build"):
        check_above(tmp_path / "builds", replace(PLAIN, tools=(Tool(name="go", version="1.27.3"),)))


def test_other_tools_do_not_look_there(tmp_path: Path) -> None:
    """A build without Rust goes on, and so does one with nothing above."""
    check_above(tmp_path / "builds", RUST)
    (tmp_path / "Cargo.toml").touch()
    check_above(tmp_path / "builds", PLAIN)
