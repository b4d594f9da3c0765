"""A release that is published: to a folder, again, interrupted, over the one before, and verified."""

import json
from pathlib import Path

import pytest

from sandbox import Ran, Repository

pytestmark = pytest.mark.integration


def publish(project: Repository, version: str, *words: str) -> Ran:
    """Release a version from its tag."""
    project.tag(version)
    return project.shipways("release", "--publish", *words)


def names(folder: Path) -> list[str]:
    """The files below a folder."""
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


def test_release(project: Repository, mirror: Path) -> None:
    """Everything that is uploaded lies below the tag, with the manifest, and the newest tag is named."""
    ran = publish(project, "1.0.0")
    assert 0 == ran.code, ran.err
    assert ["hello-1.0.0-SHA256SUMS", "hello.txt", "manifest.json"] == names(mirror / "hello" / "v1.0.0")
    assert (project.root / "dist" / "manifest.json").read_bytes() == (
        mirror / "hello" / "v1.0.0" / "manifest.json"
    ).read_bytes()
    assert {"tag": "v1.0.0", "version": "1.0.0"} == json.loads((mirror / "hello" / "latest" / "hello").read_text())
    staged = mirror / "hello" / "staged" / "v1.0.0" / "manifest.json"
    assert staged.read_bytes() == (mirror / "hello" / "v1.0.0" / "manifest.json").read_bytes()
    assert "5 applied" in ran.err
    assert "point of no return: 2 items" in ran.err


def test_again(project: Repository, mirror: Path) -> None:
    """The same command again applies nothing and succeeds; `verify` agrees."""
    publish(project, "1.0.0")
    before = {path: path.stat().st_mtime_ns for path in mirror.rglob("*")}
    ran = publish(project, "1.0.0")
    assert (0, True) == (ran.code, "5 there" in ran.err), ran.err
    assert before == {path: path.stat().st_mtime_ns for path in mirror.rglob("*")}
    assert 0 == project.shipways("verify").code


def test_second_release(project: Repository, mirror: Path) -> None:
    """The next version stands beside the first; publishing the first again does not move `latest` back."""
    publish(project, "1.0.0")
    assert 0 == publish(project, "1.1.0").code
    assert "v1.1.0" in (mirror / "hello" / "latest" / "hello").read_text()
    project.git("checkout", "--quiet", "v1.0.0")
    ran = publish(project, "1.0.0")
    assert (0, True) == (ran.code, "4 there, 1 kept" in ran.err), ran.err
    assert "v1.1.0" in (mirror / "hello" / "latest" / "hello").read_text()


def test_conflict(project: Repository, mirror: Path) -> None:
    """Another manifest under the tag stops the release with exit 6; nothing is overwritten."""
    publish(project, "1.0.0")
    place = mirror / "hello" / "v1.0.0" / "manifest.json"
    place.write_text("{}")
    ran = publish(project, "1.0.0")
    assert (6, "{}") == (ran.code, place.read_text())
    assert 6 == publish(project, "1.0.0", "--dry-run").code
    assert "files/hello/v1.0.0/manifest.json" in ran.err
    assert 7 == project.shipways("verify").code


def test_lost_asset(project: Repository, mirror: Path) -> None:
    """An asset that is gone is put there again; `verify` says so before."""
    publish(project, "1.0.0")
    (mirror / "hello" / "v1.0.0" / "hello.txt").unlink()
    ran = project.shipways("verify")
    assert (7, True) == (ran.code, "hello.txt: nothing is there" in ran.err)
    assert 0 == publish(project, "1.0.0").code
    assert 0 == project.shipways("verify").code


def test_dry_run(project: Repository, mirror: Path) -> None:
    """Says what would be published, and touches nothing."""
    ran = publish(project, "1.0.0", "--dry-run")
    assert (0, True, False) == (ran.code, "5 to do" in ran.err, mirror.exists()), ran.err


def test_snapshot(project: Repository, mirror: Path) -> None:
    """A snapshot goes nowhere."""
    assert (0, False) == (project.shipways("release").code, mirror.exists())


def test_folder_that_cannot_be_written(project: Repository, mirror: Path) -> None:
    """Exit 3 before anything is built, and the same command makes the release later."""
    mirror.write_text("a file")
    ran = publish(project, "1.0.0")
    assert (3, True) == (ran.code, "cannot be a folder" in ran.err), ran.err
    mirror.unlink()
    assert 0 == publish(project, "1.0.0").code


def test_verify_without_a_release(project: Repository) -> None:
    """Exit 3, with the command that makes one."""
    ran = project.shipways("verify")
    assert (3, True) == (ran.code, "`shipways release` makes it" in ran.err)
