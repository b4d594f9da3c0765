"""`release --tag`: a release that was killed is finished on another machine, which has nothing but the config."""

import html
import shutil
from collections.abc import Iterator
from itertools import count
from pathlib import Path

import pytest

from fleet import Bare, Fleet, elsewhere, fleet
from sandbox import Repository

pytestmark = pytest.mark.integration


@pytest.fixture
def places(tmp_path: Path) -> Iterator[Fleet]:
    """The places of a release, empty."""
    with fleet(tmp_path / "registry") as made:
        yield made


@pytest.fixture
def other(places: Fleet, tmp_path: Path) -> Bare:
    """Another machine, which has the config."""
    return elsewhere(tmp_path / "other", {"shipways.toml": places.config()})


def commits(method: str, path: str) -> bool:
    """Whether a request makes something public: a tag of an image, a wheel, the draft, the latest release."""
    tag = "/manifests/" in path and "sha256:" not in path
    return method == "PATCH" or (method, path) == ("POST", "/legacy/") or (method == "PUT" and tag)


def report(root: Path) -> str:
    """The report that a run has left."""
    return html.unescape((root / "dist" / "report.html").read_text())


def record(root: Path) -> Path:
    """Where a release leaves what is published of its formulas."""
    return root / "dist" / "formula" / "released.json"


@pytest.mark.parametrize("number", [0, *(pytest.param(number, marks=pytest.mark.long) for number in range(1, 8))])
def test_killed(places: Fleet, repository: Repository, other: Bare, number: int) -> None:
    """After any commit it becomes public as it would have been, byte for byte; nothing is built, or uploaded twice."""
    project, counted = places.project(repository), count()
    places.killed(project, lambda method, path: commits(method, path) and next(counted) == number)
    ran = other.shipways("release", "--tag", "v1.0.0", env=places.env)
    assert 0 == ran.code, ran.err
    assert ([], False) == (other.objects(), "start   builders" in ran.err), ran.err
    assert len(places.index.files) == len(places.index.uploads)
    shown = report(other.root)
    assert [] == [text for text in ("truth 1.0.0", "what is left of v1.0.0", ">Publish<") if text not in shown]
    assert (False, True) == (record(other.root).exists(), "run this again where it is, for the record" in ran.err)
    resumed = places.public()
    ran = project.shipways("release", "--tag", "v1.0.0", env=places.env)
    assert (0, True) == (ran.code, "what is left of v1.0.0" in report(project.root)), ran.err
    left = record(project.root).read_bytes()
    places.clear()
    record(project.root).unlink()
    assert 0 == project.shipways("release", "--publish", env=places.env).code
    assert (left, resumed) == (record(project.root).read_bytes(), places.public())


@pytest.mark.long
def test_again(places: Fleet, repository: Repository, other: Bare) -> None:
    """What is complete is only read; a dry run says what is left, and writes nothing."""
    assert 0 == places.project(repository).shipways("release", "--publish", env=places.env).code
    places.traffic.requests.clear()
    ran = other.shipways("release", "--tag", "v1.0.0", env=places.env)
    assert (0, {"GET", "HEAD"}) == (ran.code, set(places.traffic.methods())), ran.err
    places.unpublish()
    places.traffic.requests.clear()
    ran = other.shipways("release", "--tag", "v1.0.0", "--dry-run", env=places.env)
    assert (0, True) == (ran.code, "to do" in ran.err), ran.err
    assert {"GET", "HEAD"} == set(places.traffic.methods())


def lose(places: Fleet, name: str) -> None:
    """Somebody deletes an asset of the draft."""
    (release,) = places.hub.forge.releases.values()
    release.assets = {number: asset for number, asset in release.assets.items() if asset.name != name}


@pytest.mark.long
def test_missing_bytes(places: Fleet, repository: Repository, other: Bare, tmp_path: Path) -> None:
    """What no place has is made again at the tag; elsewhere that is said, with exit 3, and nothing becomes public."""
    project = places.project(repository)
    assert 0 == project.shipways("release", "--publish", env=places.env).code
    places.unpublish()
    lose(places, "truth.rb")
    ran = other.shipways("release", "--tag", "v1.0.0", env=places.env)
    assert (3, True) == (ran.code, "formula/truth.rb: is needed, and no place has it" in ran.err), ran.err
    assert "check v1.0.0 out and run this again there" in ran.err
    assert places.hub.forge.published("v1.0.0") is None
    clone = Repository(tmp_path / "clone", tmp_path / "empty")
    clone.git("pull", "--quiet", "--tags", str(project.root), "main")
    ran = clone.shipways("release", "--tag", "v1.0.0", env=places.env)
    assert (0, True) == (ran.code, "builders" in ran.err), ran.err
    shown = report(clone.root)
    assert [] == [text for text in (">Make<", ">Publish<", "builders/truth") if text not in shown]
    assert record(clone.root).exists()
    assert {"truth.rb", "manifest.json"} <= {path.rpartition("/")[2] for path in places.public()}


@pytest.mark.long
def test_other_bytes(places: Fleet, repository: Repository) -> None:
    """Made again with other bytes: a conflict; --restage replaces all of the stage, and what has another name goes."""
    project = places.project(repository)
    assert 0 == project.shipways("release", "--publish", env=places.env).code
    places.unpublish()
    lose(places, "truth-1.0.0-x86_64-unknown-linux-gnu.tar.gz")
    shutil.rmtree(project.root / "dist")
    project.git("tag", "--delete", "v1.0.0")
    text = (project.root / "shipways.toml").read_text()
    project.file(
        "shipways.toml", text.replace("[image.truth]", '[package.truth.archive]\nformat = "zip"\n\n[image.truth]')
    )
    project.commit("fix: zip").git("tag", "v1.0.0")
    ran = project.shipways("release", "--tag", "v1.0.0", env=places.env)
    assert (6, True) == (ran.code, "is not the same when it is made again" in ran.err), ran.err
    assert "--restage replaces all that is staged" in ran.err
    ran = project.shipways("release", "--tag", "v1.0.0", "--restage", env=places.env)
    assert 0 == ran.code, ran.err
    names = {path.rpartition("/")[2] for path in places.public()}
    assert "truth-1.0.0-x86_64-unknown-linux-gnu.zip" in names
    assert [] == [name for name in names if ".tar.gz" in name]
    ran = project.shipways("release", "--tag", "v1.0.0", "--restage", env=places.env)
    assert (6, True) == (ran.code, "is public in part, and cannot be replaced" in ran.err), ran.err


def test_nothing_staged(places: Fleet, other: Bare) -> None:
    """A tag that nobody has staged: exit 3, with where to go."""
    ran = other.shipways("release", "--tag", "v1.0.0", env=places.env)
    assert (3, True) == (ran.code, "v1.0.0: is staged nowhere" in ran.err), ran.err
    assert not (other.root / "dist").exists()


def test_from_a_folder(repository: Repository, hello: Repository, tmp_path: Path) -> None:
    """A folder is a stage too: what was killed before it was public has its manifest beside."""
    del repository
    mirror = tmp_path / "mirror"
    config = (hello.root / "shipways.toml").read_text() + f'\n[publish.files]\nfolder = "{mirror}"\n'
    hello.file("shipways.toml", config)
    hello.commit().git("tag", "v1.0.0")
    assert 0 == hello.shipways("release", "--publish").code
    top = mirror / "hello"
    whole = {path: path.read_bytes() for path in top.rglob("*") if path.is_file()}
    (top / "v1.0.0" / "manifest.json").unlink()
    (top / "latest" / "hello").unlink()
    machine = elsewhere(tmp_path / "other", {"shipways.toml": config})
    ran = machine.shipways("release", "--tag", "v1.0.0", env={})
    assert 0 == ran.code, ran.err
    assert whole == {path: path.read_bytes() for path in top.rglob("*") if path.is_file()}
    assert 0 == machine.shipways("verify", "--tag", "v1.0.0", env={}).code
    (top / "v1.0.0" / "hello.txt").write_text("other")
    assert 7 == machine.shipways("verify", "--tag", "v1.0.0", env={}).code
