"""`rebuild --check`: a release is built again from nothing, and compared with what was released."""

import gzip
import hashlib
import io
import json
import tarfile
from pathlib import Path

import pytest

from sandbox import Clone, Repository, commanded

pytestmark = pytest.mark.integration

SOURCE = "hello-1.0.0-source.tar.gz"
CONFIG = commanded("sh", "-c", "echo hello > $0/hello.txt", "{out}", source=True)


@pytest.fixture
def released(repository: Repository) -> Repository:
    """A release at its tag, in a folder beside the repository."""
    folder = repository.root.parent / "mirror"
    repository.file("shipways.toml", CONFIG + f'[publish.files]\nfolder = "{folder}"\n')
    repository.file(".gitignore", "/dist/\n")
    repository.commit().git("tag", "v1.0.0")
    ran = repository.shipways("release", "--publish")
    assert 0 == ran.code, ran.err
    return repository


def forge(dist: Path, name: str, data: bytes) -> None:
    """Let a release have other bytes of an artifact, as if they had been made then."""
    path = dist / "manifest.json"
    old = "sha256:" + hashlib.sha256((dist / name).read_bytes()).hexdigest()
    (dist / name).write_bytes(data)
    path.write_text(path.read_text().replace(old, "sha256:" + hashlib.sha256(data).hexdigest()))


def mended(data: bytes) -> bytes:
    """A source archive whose config has one letter more at its end."""
    stream = io.BytesIO()
    with tarfile.open(fileobj=io.BytesIO(data)) as old, tarfile.open(fileobj=stream, mode="w") as new:
        for info in old:
            told = old.extractfile(info)
            text = told.read() if told else b""
            text += b"#" if info.name.endswith("shipways.toml") else b""
            info.size = len(text)
            new.addfile(info, io.BytesIO(text))
    return gzip.compress(stream.getvalue(), mtime=0)


def test_published_release(released: Repository, tmp_path: Path) -> None:
    """A clone at the tag makes what is published, and leaves no trace; another commit is refused before it builds."""
    clone = Clone(released, tmp_path / "clone")
    ran = clone.shipways("rebuild", "--check", "--tag", "v1.0.0")
    assert 0 == ran.code, ran.err
    assert "3 artifacts are what was released, 0 vary, 0 differ" in ran.err + ran.out
    assert [False, False] == [clone.dist.exists(), (clone.cache / "shipways" / "results").exists()]
    clone.commit()
    refused = clone.shipways("rebuild", "--check", "--tag", "v1.0.0")
    assert (3, True, False) == (refused.code, "check v1.0.0 out" in refused.err, "start" in refused.err)


def test_drift(released: Repository) -> None:
    """The first byte that differs is named with its member, and no store of before is asked."""
    dist = released.root / "dist"
    forge(dist, SOURCE, mended((dist / SOURCE).read_bytes()))
    size = len((released.root / "shipways.toml").read_bytes())
    ran = released.shipways("rebuild", "--check")
    assert 7 == ran.code, ran.err
    assert f"{SOURCE}: differs at byte {size}, in " in ran.err
    assert "shipways.toml" in ran.err
    (dist / SOURCE).unlink()
    ran = released.shipways("rebuild", "--check", "--manifest", "dist/manifest.json")
    assert (7, True) == (ran.code, "nobody has the bytes of then" in ran.err)


def test_what_varies(released: Repository) -> None:
    """What is said to vary is told with its reason, and is no drift."""
    dist = released.root / "dist"
    assert "varies" in next(
        e for e in json.loads((dist / "manifest.json").read_text())["artifacts"] if "txt" in e["path"]
    )
    forge(dist, "hello.txt", b"hellO\n")
    ran = released.shipways("rebuild", "--check")
    assert 0 == ran.code, ran.err
    assert "differs at byte 4" in ran.out + ran.err
    assert "varies: made by programs of the machine" in ran.out + ran.err
    assert 1 == (ran.out + ran.err).count("1 vary, 0 differ")


def test_nothing_released(repository: Repository) -> None:
    """Without a manifest it says where one comes from; without --check it does nothing."""
    repository.file("shipways.toml", CONFIG)
    repository.commit()
    ran = repository.shipways("rebuild", "--check")
    assert (3, True) == (ran.code, "`--tag TAG` takes the published one" in ran.err)
    assert 2 == repository.shipways("rebuild").code


def test_clone_of_the_newest_release(released: Repository, tmp_path: Path) -> None:
    """From any commit the newest release is built again in a clone of its tag, or the one that is asked for."""
    released.file("later.txt", "a later commit\n")
    released.commit().git("tag", "not-a-release")
    clone = Clone(released, tmp_path / "clone")
    ran = clone.shipways("rebuild", "--check", "--clone")
    assert (0, True) == (ran.code, "3 artifacts are what was released, 0 vary, 0 differ" in ran.err), ran.err
    assert not clone.dist.exists()
    named = clone.shipways("rebuild", "--check", "--clone", env={"SHIPWAYS_TAG": "v9.9.9"})
    assert (3, True) == (named.code, "v9.9.9: cannot be checked out" in named.err)


def test_clone_before_the_first_release(repository: Repository) -> None:
    """Nothing was released yet, and so nothing can have drifted."""
    repository.file("shipways.toml", CONFIG)
    ran = repository.commit().shipways("rebuild", "--check", "--clone")
    assert (0, True) == (ran.code, "there is no tag of a release yet" in ran.err), ran.err
