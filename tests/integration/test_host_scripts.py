"""What hosts are told to run, run here by a real shell."""

import subprocess
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from shipways.adapters.written import PUT
from shipways.deploy.holds import LIST
from shipways.deploy.mooring import IMAGES
from shipways.deploy.sources import Release
from shipways.model.digest import digest_bytes

pytestmark = pytest.mark.integration


def put(path: Path, content: bytes, *within: str, sent: bytes | None = None) -> "subprocess.CompletedProcess[bytes]":
    """Write a file as it is done on a host; `sent` is what arrives of it."""
    argv = ("sh", "-c", PUT, "sh", str(path), digest_bytes(content).removeprefix("sha256:"), "640", *within)
    return subprocess.run(argv, input=content if sent is None else sent, capture_output=True, check=False)


def test_written(tmp_path: Path) -> None:
    """A file has its bytes and mode, in a folder that is made; what replaces it has another inode."""
    path = tmp_path / "a folder" / "-x"
    assert 0 == put(path, b"one\0").returncode
    assert (b"one\0", 0o640, 0o755) == (
        path.read_bytes(),
        path.stat().st_mode & 0o777,
        path.parent.stat().st_mode & 0o777,
    )
    with path.open("rb") as old:
        assert 0 == put(path, b"two").returncode
        assert (b"one\0", b"two") == (old.read(), path.read_bytes())
    assert [path] == list(path.parent.iterdir())


def test_not_written(tmp_path: Path) -> None:
    """F2, F8, F16: half of it has come, or who writes is fenced off: it is as it was, and nothing lies beside it."""
    path = tmp_path / "x"
    assert 0 == put(path, b"one").returncode
    half = put(path, b"two" * 1000, sent=b"two" * 999)
    assert (1, b"what has arrived is not what was sent\n") == (half.returncode, half.stderr)
    assert 76 == put(path, b"two", "sh", "-c", "exit 76").returncode
    assert 0 != put(tmp_path / "x" / "y", b"two").returncode
    assert ([path], b"one") == (list(tmp_path.iterdir()), path.read_bytes())


def test_written_by_many(tmp_path: Path) -> None:
    """F15: those who write the same file at once do not disturb each other: it is that of one of them, whole."""
    path, contents = tmp_path / "x", [f"{number}".encode() * 300_000 for number in range(8)]
    with ThreadPoolExecutor(8) as pool:
        assert {0} == {each.returncode for each in pool.map(lambda content: put(path, content), contents)}
    assert (True, [path]) == (path.read_bytes() in contents, list(tmp_path.iterdir()))


def test_holds(tmp_path: Path) -> None:
    """Each service that is held is a line, also one that has nothing else there; where nothing is, there is none."""
    (tmp_path / "beat").mkdir()
    (tmp_path / "boat/releases").mkdir(parents=True)
    (tmp_path / "beat/hold.json").write_text('{"reason": "a\u00fc \'x\' $HOME"\n}\n')
    (tmp_path / "boat/hold.json").write_text("{")
    (tmp_path / "bin").mkdir()
    for root, expected in (
        (tmp_path, 'beat {"reason": "a\u00fc \'x\' $HOME"}\nboat {\n'),
        (tmp_path / "none", ""),
        (tmp_path / "bin", ""),
    ):
        done = subprocess.run(("sh", "-c", LIST, "sh", str(root)), capture_output=True, check=False)
        assert (0, expected) == (done.returncode, done.stdout.decode())


def test_images(tmp_path: Path) -> None:
    """Whether a release of a service is an image is seen of what lies beside it; where none is, nothing is said."""
    for name, release in (("one", Release(content="x", image="beat:1")), ("two", Release(content="y"))):
        (tmp_path / "beat" / name).mkdir(parents=True)
        (tmp_path / "beat" / name / "release.json").write_bytes(release.encoded)
    for service, expected in (("beat", "one/release.json\n"), ("none", "")):
        done = subprocess.run(("sh", "-c", IMAGES, "sh", str(tmp_path / service)), capture_output=True, check=False)
        assert (0, expected, b"") == (done.returncode, done.stdout.decode(), done.stderr)
