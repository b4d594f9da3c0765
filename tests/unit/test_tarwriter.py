"""Tar archives: what goes in, and nothing else."""

import hashlib
import io
import tarfile

import pytest

from shipways.errors import BuildError
from shipways.pack.tarwriter import TarWriter

EPOCH = 1_700_000_000
NAMES = ("top/a", "top/" + "x" * 99, "d/" * 60 + "file", "ü/ключ", "l" * 300)


class Growing(io.BytesIO):
    """A file that gets longer, or shorter, after its size was told."""

    def __init__(self, data: bytes, more: int) -> None:
        super().__init__(data)
        self._told = len(data) + more

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        return self._told if whence == io.SEEK_END else super().seek(offset, whence)


def pack(names: tuple[str, ...] = NAMES, epoch: int = EPOCH) -> bytes:
    sink = io.BytesIO()
    with TarWriter(sink, epoch) as archive:
        for name in names:
            archive.add(name, io.BytesIO(name.encode()), executable=name.endswith("a"))
        archive.link("top/link", "../" * 40 + "a")
    return sink.getvalue()


def test_members() -> None:
    """Names of any length and script, rights, one time, no owner; links keep their target."""
    with tarfile.open(fileobj=io.BytesIO(pack())) as archive:
        members = archive.getmembers()
        assert [*NAMES, "top/link"] == [member.name for member in members]
        assert {(EPOCH, 0, 0, "", "")} == {(m.mtime, m.uid, m.gid, m.uname, m.gname) for m in members}
        assert [0o755, 0o644, 0o644, 0o644, 0o644, 0o777] == [member.mode for member in members]
        assert "../" * 40 + "a" == members[-1].linkname
        contents = [stream.read() for m in members[:-1] if (stream := archive.extractfile(m))]
    assert [name.encode() for name in NAMES] == contents


def test_bytes_are_these() -> None:
    """Every Python writes the same headers; a new one that does not is noticed here."""
    assert "cbda30b818d1eea5" == hashlib.sha256(pack()).hexdigest()[:16]


def test_short_names_need_no_extension() -> None:
    """Without long names and other scripts it is plain ustar, which every tar reads; whole records long."""
    data = pack(("top/a",))
    assert b"ustar\x0000" == data[257:265]
    assert b"PaxHeader" not in pack(("top/a",))[:512]
    assert 0 == len(data) % tarfile.RECORDSIZE


@pytest.mark.parametrize("more", [-1, 1])
def test_file_that_changes(more: int) -> None:
    """A file that is longer or shorter than a moment ago fails, and leaves an archive without an end."""
    sink = io.BytesIO()
    with pytest.raises(BuildError, match="a: changed while it was archived"), TarWriter(sink, EPOCH) as archive:
        archive.add("a", Growing(b"data", more))
    assert len(sink.getvalue()) < 2 * tarfile.BLOCKSIZE


def test_time_before_1970() -> None:
    """ustar has no negative times: a commit from before gets the first one."""
    with tarfile.open(fileobj=io.BytesIO(pack(epoch=-5))) as archive:
        assert 0 == archive.getmembers()[0].mtime
