"""The quota of a service on a host: what may go makes room, and what does not fit even then is refused."""

from pathlib import Path

import anyio
import pytest

from moored import ALONE, ROOT, A, Ground, ashore, short
from shipways.deploy.berths import Berth
from shipways.deploy.pruning import Stored, crowded, stored
from shipways.deploy.records import Record
from shipways.deploy.sources import Release
from shipways.run.deploying import failure
from shipways.testing.host import MemoryHost

SYSTEMD = ALONE.replace('kind = "hosts"', 'kind = "hosts"\nkept.quota = "2 MB"')
DOCKER = SYSTEMD.replace('kind = "hosts"', 'kind = "hosts"\nmethod = "docker"')
BERTH = Berth(root="/opt/shipways", service="beat")
NOW, BEFORE, OLD, GONE = ("sha256:" + letter * 64 for letter in "abcd")
MEGA = 10**6


@pytest.fixture
def one(tmp_path: Path) -> Ground:
    """One host."""
    return ashore(tmp_path, SYSTEMD)


def ballast(ground: Ground, digest: str, size: int) -> None:
    """A release has so many bytes more."""
    ground.host.files[f"{ROOT}/releases/{short(digest)}/ballast"] = b"x" * size


def refused(ground: Ground, text: str) -> str:
    """Why a release is not deployed; the host is as it was."""
    before = {name: getattr(ground.host, name).copy() for name in ("files", "links", "units", "containers", "images")}
    error = failure(ground.deploy(ground.wanted(text)))
    assert before == {name: getattr(ground.host, name) for name in before}
    return str(error)


def test_refused(one: Ground) -> None:
    """S2-19: F9: what runs and what ran before leave no room: it is refused before anything of it is written."""
    first = one.deployed("one")
    ballast(one, first, 2 * MEGA)
    one.host.log.clear()
    said = refused(one, "two")
    assert f"{A}/transfer: 0 MB are needed, and the quota of 2 MB has 0 MB left" in said
    assert "2 MB stay there: what runs, what ran before, and what is pinned" in said
    assert [] == [words for words in one.host.log if words[0] in {"mkdir", "touch", "rm", "ln"}]


def test_the_size_of_what_comes(one: Ground) -> None:
    """F9: what is there would fit, but not with what is brought."""
    ballast(one, one.deployed("one"), MEGA)
    items = one.wanted("two")
    (one.folder / "two/beat").write_bytes(b"x" * MEGA)
    said = str(failure(one.deploy(items)))
    assert "1 MB are needed, and the quota of 2 MB has 1 MB left" in said


def test_room_is_made(one: Ground) -> None:
    """F9: what is not needed goes first, and only what has to; one that is pinned stays, and then there is no room."""
    old, before, now = (one.deployed(text) for text in ("one", "two", "three"))
    ballast(one, old, 3 * MEGA // 2)
    ballast(one, now, MEGA)
    one.host.files[f"{ROOT}/releases/{short(old)}/pinned"] = b""
    assert "the quota of 2 MB has 0 MB left" in refused(one, "four")
    del one.host.files[f"{ROOT}/releases/{short(old)}/pinned"]
    four = one.deployed("four")
    there = {path.split("/")[5] for path in one.host.files if "/releases/" in path}
    assert {short(each) for each in (before, now, four)} == there


def test_images(one: Ground) -> None:
    """F9: an image counts, as soon as it is known how large it is; one that has no room goes, and what runs stays."""
    one.config = DOCKER
    one.deployed("one")
    image = one.wanted("two")[0].path
    one.host.weights[f"ghcr.io/example/beat@{image}"] = 3 * MEGA
    assert "3 MB are needed, and the quota of 2 MB has 2 MB left" in refused(one, "two")


def test_sizes() -> None:
    """The folder and the image; one that two releases have counts for the younger, one that is gone for none."""
    host = MemoryHost(images={"beat@x", f"beat:{short(OLD)}"}, weights={"beat@x": 7, f"beat:{short(OLD)}": 11})
    host.stored = (
        f"{short(BEFORE)} 1 2 whole\n{short(NOW)} 2 1 pinned\n{short(OLD)} 0 1 half\n{short(GONE)} 3 1 whole\n"
    )
    images = {NOW: "beat@x", BEFORE: "beat@x", OLD: "beat:{release}", GONE: "beat@y"}
    for digest, image in images.items():
        release = Release(content="c", image=image)
        host.files[f"{ROOT}/releases/{short(digest)}/release.json"] = release.encoded
    expected = (
        Stored(id=short(GONE), touched=3, size=1024, pinned=False),
        Stored(id=short(NOW), touched=2, size=1024 + 7, pinned=True),
        Stored(id=short(BEFORE), touched=1, size=2048, pinned=False),
        Stored(id=short(OLD), touched=0, size=1024 + 11, pinned=False, half=True),
    )
    assert expected == anyio.run(stored, host, BERTH)


@pytest.mark.parametrize(
    ("megabytes", "quota", "expected"),
    [
        (10, 2000, []),
        (10, 15, ["10 MB are needed, and the quota of 15 MB has 9 MB left"]),
        (400, 5, ["400 MB are needed, and the quota of 5 MB has 0 MB left"]),
    ],
)
def test_before_anything_begins(megabytes: int, quota: int, expected: list[str]) -> None:
    """F9: a tree is refused in the validation, beside what stays; an old release goes anyway; its own is no other."""
    host = MemoryHost(stored=f"{short(NOW)} 3 3900 whole\n{short(BEFORE)} 2 2000 whole\n{short(OLD)} 1 {10**6} whole\n")
    host.files[BERTH.state] = Record(running=NOW, previous=BEFORE).encoded
    wants = (BERTH, "sha256:" + "d" * 64, megabytes * MEGA, quota * MEGA)
    assert expected == [each.what for each in anyio.run(crowded, host, *wants)]
    assert () == anyio.run(crowded, host, BERTH, NOW, 4 * MEGA, 7 * MEGA)
