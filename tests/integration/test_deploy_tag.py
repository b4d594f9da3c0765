"""`deploy --tag` of programs: they come out of the release. systemd is a script here, and GitHub its stand-in."""

import shutil
from pathlib import Path

import pytest

from composing import go_program
from forging import REPOSITORY, TOKEN, Github, github
from sandbox import Ran, Repository
from shipways.rehearse.forgedesk import API

pytestmark = pytest.mark.integration

PULSE = Path(__file__).parent.parent / "projects" / "pulse"
CONFIG = """
[project]
name = "beats"
repository = "{repository}"
source_archive = false
[package.beat]
build = "prebuilt"
version = "1.0.0"
sbom = false
prebuilt.files = {{ x86_64-unknown-linux-musl = "bin/beat" }}
archive.format = "{format}"
[image.beat]
package = "beat"
platforms = ["linux/amd64"]
[service.beat]
image = "beat"
[deploy.here]
kind = "systemd"
machine = {{ system = false, programs = "{folder}/programs" }}
[publish.github]
api = "{api}"
"""
SYSTEMCTL = """#!/bin/sh
case "$*" in
*" show "*)
    if [ -e "$HOME/up" ]; then state=active; else state=inactive; fi
    printf 'Id=beat.service\\nLoadState=loaded\\nActiveState=%s\\nUnitFileState=enabled\\nMainPID=7\\n' "$state" ;;
*start*) touch "$HOME/up" ;;
esac
"""


def project(top: Path, hub: Github, form: str) -> Repository:
    """Released as 1.0.0; nothing of that is left here."""
    (top / "home").mkdir()
    (top / "stubs").mkdir()
    (top / "stubs/systemctl").write_text(SYSTEMCTL)
    (top / "stubs/systemctl").chmod(0o755)
    made = Repository(top / "repository", top / "cache")
    (made.root / "bin").mkdir()
    go_program(PULSE, made.root / "bin/beat")
    made.file("shipways.toml", CONFIG.format(repository=REPOSITORY, folder=top, api=f"{hub.url}{API}", format=form))
    made.file(".gitignore", "/dist/\n")
    made.commit()
    made.tag("1.0.0")
    ran = made.shipways("release", "--publish", env={"GH_TOKEN": TOKEN})
    assert 0 == ran.code, ran.err
    shutil.rmtree(made.root / "dist")
    shutil.rmtree(made.cache)
    return made


def deploy(made: Repository, top: Path) -> Ran:
    """On a machine whose systemd is the script, which needs no token for what is public."""
    env = {"HOME": str(top / "home"), "PATH": f"{top}/stubs:/usr/local/bin:/usr/bin:/bin"}
    return made.shipways("deploy", "here", "--tag", "v1.0.0", env=env)


@pytest.mark.parametrize(
    "form", ["tar.gz", *(pytest.param(form, marks=pytest.mark.long) for form in ("tar.zst", "zip"))]
)
def test_programs_of_the_release(tmp_path: Path, form: str) -> None:
    """Without dist/ the program of the archive is put in its place, byte for byte; where nobody has it, nothing is."""
    with github() as hub:
        made = project(tmp_path, hub, form)
        ran = deploy(made, tmp_path)
        assert 0 == ran.code, ran.err
        assert (made.root / "bin/beat").read_bytes() == (tmp_path / "programs/beat").read_bytes()
        assert not (made.root / "dist/bin").exists()
        release = hub.forge.published("v1.0.0")
        assert release
        (archive,) = (key for key, each in release.assets.items() if each.name.endswith(form))
        release.assets.pop(archive)
        (tmp_path / "programs/beat").unlink()
        ran = deploy(made, tmp_path)
        assert (3, True) == (ran.code, "is in nothing that the release has" in ran.err), ran.err
        assert not (tmp_path / "programs/beat").exists()
