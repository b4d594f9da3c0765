"""What every bucket does, the public fake included."""

from collections.abc import Iterator
from pathlib import Path

import anyio
import pytest

from buckets import S3, logged_in, moto, small_parts
from shipways.adapters.bucket import FolderBucket
from shipways.errors import Moved, Unfinished
from shipways.model.digest import digest_bytes
from shipways.outside.buckets import Bucket
from shipways.testing.bucket import MemoryBucket

ONE, TWO = b"one", b"two"
BIG = bytes(range(256)) * (11 << 12)
"""11 MiB: parts of 5, 5 and 1."""


@pytest.fixture(scope="module")
def s3(tmp_path_factory: pytest.TempPathFactory) -> Iterator[S3]:
    """One server for all tests; each has its own bucket."""
    with moto(tmp_path_factory.mktemp("moto")) as made:
        yield made


@pytest.fixture(params=["folder", "memory", pytest.param("s3", marks=pytest.mark.integration)])
def bucket(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Bucket:
    """Each bucket in turn, empty."""
    if request.param == "s3":
        logged_in(monkeypatch)
        return small_parts(request.getfixturevalue("s3").bucket("/some/prefix"))
    return FolderBucket(str(tmp_path / "bucket")) if request.param == "folder" else MemoryBucket()


def test_absent(bucket: Bucket) -> None:
    """What is not there has no digest."""
    assert "" == anyio.run(bucket.digest, "a/b")


def test_put_and_read(bucket: Bucket, tmp_path: Path) -> None:
    """A file is there with its bytes, and has a URL."""
    source = tmp_path / "source"
    source.write_bytes(ONE)

    async def put() -> tuple[str, bytes]:
        await bucket.put("a/b", source, seen="")
        return await bucket.digest("a/b"), await bucket.read("a/b")

    assert (digest_bytes(ONE), ONE) == anyio.run(put)
    assert bucket.url("a/b").endswith("a/b")


@pytest.mark.parametrize("before", [b"", ONE])
def test_big_file(bucket: Bucket, tmp_path: Path, before: bytes) -> None:
    """A file that is sent in parts is there whole, in place of nothing or of what was seen; another one is kept."""
    source = tmp_path / "source"
    source.write_bytes(BIG)

    async def put() -> tuple[str, bytes]:
        if before:
            await bucket.write("big", before, seen="")
        with pytest.raises(Moved):
            await bucket.put("big", source, seen=digest_bytes(TWO))
        await bucket.put("big", source, seen=digest_bytes(before) if before else "")
        with pytest.raises(Moved):
            await bucket.put("big", source, seen="")
        return await bucket.digest("big"), await bucket.read("big")

    assert (digest_bytes(BIG), BIG) == anyio.run(put)


def test_writable(bucket: Bucket) -> None:
    """Where files can be put nothing is said, and nothing is left."""

    async def ask() -> str:
        await bucket.writable()
        return await bucket.digest(".shipways")

    assert "" == anyio.run(ask)


def test_replaces_what_was_seen(bucket: Bucket) -> None:
    """What was seen is replaced."""

    async def replace() -> bytes:
        await bucket.write("a", ONE, seen="")
        await bucket.write("a", TWO, seen=digest_bytes(ONE))
        return await bucket.read("a")

    assert TWO == anyio.run(replace)


def test_fetch_and_remove(bucket: Bucket, tmp_path: Path) -> None:
    """A file comes back as it is; what was removed is gone, again too, and cannot be fetched."""
    into = tmp_path / "into"

    async def work() -> str:
        await bucket.write("a/b", ONE, seen="")
        await bucket.fetch("a/b", into)
        for _ in range(2):
            await bucket.remove("a/b")
        with pytest.raises(Moved):
            await bucket.fetch("a/b", tmp_path / "other")
        return await bucket.digest("a/b")

    assert ("", ONE) == (anyio.run(work), into.read_bytes())


@pytest.mark.parametrize("seen", ["", digest_bytes(TWO)])
def test_keeps_what_was_not_seen(bucket: Bucket, seen: str) -> None:
    """Something else than was seen stays as it is."""

    async def surprise() -> None:
        await bucket.write("a", ONE, seen="")
        with pytest.raises(Moved):
            await bucket.write("a", TWO, seen=seen)
        assert ONE == await bucket.read("a")

    anyio.run(surprise)


def test_folder_that_cannot_be_written(tmp_path: Path) -> None:
    """The error says which folder, and nothing is left in it."""
    (tmp_path / "file").write_bytes(ONE)
    with pytest.raises(Unfinished, match="cannot be written"):
        anyio.run(lambda: FolderBucket(str(tmp_path / "file")).write("a/b", TWO, seen=""))
    assert [tmp_path / "file"] == list(tmp_path.iterdir())


def test_folder_below_a_file(tmp_path: Path) -> None:
    """It is said before anything is put there."""
    (tmp_path / "file").write_bytes(ONE)
    with pytest.raises(Unfinished, match="cannot be a folder"):
        anyio.run(FolderBucket(str(tmp_path / "file" / "below")).writable)
