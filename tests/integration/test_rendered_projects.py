"""What the projects in tests/projects have committed is what their configs render."""

import shutil
from pathlib import Path

import pytest

from sandbox import Repository

pytestmark = pytest.mark.integration

PROJECTS = Path(__file__).parent.parent / "projects"


@pytest.mark.parametrize("name", sorted(folder.name for folder in PROJECTS.iterdir() if folder.is_dir()))
def test_rendered(name: str, tmp_path: Path, request: pytest.FixtureRequest) -> None:
    """`render --check` is content; `pytest --update-golden` writes the files anew."""
    shutil.copytree(
        PROJECTS / name, tmp_path / name, ignore=shutil.ignore_patterns("target", "dist", ".zig-cache", "zig-out")
    )
    repository = Repository(tmp_path / name, tmp_path / "cache").commit()
    if request.config.getoption("--update-golden"):
        assert 0 == repository.shipways("render").code
        for path in repository.git("ls-files", "--modified", "--others", "--exclude-standard").splitlines():
            place = PROJECTS / name / path
            place.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(repository.root / path, place)
    ran = repository.shipways("render", "--check")
    assert 0 == ran.code, ran.out + ran.err
