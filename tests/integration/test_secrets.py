"""No secret is in git, nor in an image; and a planted one would be found."""

import json
import shutil
import subprocess
from pathlib import Path

import pytest

from programs import smallest
from sandbox import Repository
from scanning import canaries, found, unpacked

pytestmark = pytest.mark.integration

ROOT = Path(__file__).parent.parent.parent
CONFIG = """
[project]
name = "app"
source_archive = false
targets = ["x86_64-unknown-linux-musl"]

[package.app]
build = "prebuilt"
version = "1.0.0"
sbom = false
prebuilt.files = { x86_64-unknown-linux-musl = "app" }

[image.app]
package = "app"
platforms = ["linux/amd64"]
files = { "/etc/app" = "settings" }
env = { LEVEL = "info" }
"""


def test_nothing_in_git(tmp_path: Path) -> None:
    """S1-14: git has no secret in this repository, nor in the projects in it; planted ones of each form are found."""
    listed = subprocess.run(("git", "ls-files", "-z"), cwd=ROOT, capture_output=True, text=True, check=True)
    names = [name for name in listed.stdout.split("\0") if name and (ROOT / name).is_file()]
    assert {"tests/projects/aisopod/shipways.toml", "pyproject.toml"} <= set(names)
    for name in names:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(ROOT / name, tmp_path / name)
    planted = {f"tests/projects/pulse/planted/{name}": text for name, text in canaries().items()}
    for name, text in planted.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text)
    assert set(planted) == found(tmp_path)


def image(repository: Repository, config: str, folder: Path) -> Path:
    """The files and documents of the image that a config makes."""
    repository.file("shipways.toml", config)
    repository.file(".gitignore", "/dist/\n")
    repository.commit()
    ran = repository.shipways("release")
    assert 0 == ran.code, ran.err
    (layout,) = (repository.root / "dist" / "images").iterdir()
    return unpacked(layout, folder)


def test_nothing_in_images(repository: Repository, tmp_path: Path) -> None:
    """S1-14: an assembled image has no secret of the repository; planted ones, in a layer and its config, are found."""
    planted = canaries()
    (repository.root / "app").write_bytes(smallest())
    repository.file(".env", planted["aws"])
    repository.file("settings/app.conf", "level = info\n")
    first = image(repository, CONFIG, tmp_path / "images" / "first")
    assert list(first.glob("*/etc/app/app.conf"))
    repository.file("settings/app.conf", planted["github"])
    config = CONFIG.replace('LEVEL = "info"', f"TOKEN = {json.dumps(planted['anthropic'].strip())}")
    image(repository, config, tmp_path / "images" / "second")
    expected = {"/etc/app/app.conf", "/document.json"}
    assert expected == {path.removeprefix("second/")[12:] for path in found(tmp_path / "images")}


def test_env_that_git_would_take(repository: Repository) -> None:
    """S1-14: `check` warns where git would take the file that secrets are filled in in."""
    repository.file("shipways.toml", f'{CONFIG}[service.app]\nimage = "app"\n')
    (repository.root / "app").write_bytes(smallest())
    repository.file("settings/app.conf", "level = info\n")
    repository.commit()
    assert 0 == repository.shipways("render").code
    repository.commit()
    said = "warning: .env: git would take it"
    assert said in (ran := repository.shipways("check")).err, ran
    repository.file(".gitignore", ".env\n/dist/\n")
    assert (0, False) == ((ran := repository.shipways("check")).code, said in ran.err), ran
    repository.file(".env", "TOKEN=x\n")
    repository.git("add", "--force", ".env")
    assert said in repository.shipways("check").err
