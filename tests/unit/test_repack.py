"""Packing anew: only contents decide the bytes."""

import base64
import csv
import hashlib
import io
import os
import tarfile
import zipfile
from pathlib import Path

import pytest

from shipways.adapters.files import DiskFiles
from shipways.builders.repack import Entry, record, repack_sdist, repack_wheel, write_wheel
from shipways.errors import BuildError

EPOCH = 1_700_000_000
FILES = {"p-1/PKG-INFO": b"Name: p\n", "p-1/src/a.py": b"A = 1\n", "p-1/run.sh": b"#!/bin/sh\n"}


def sdist(path: Path, *, stamp: float, names: list[str], mask: int, level: int) -> Path:
    with tarfile.open(path, "w:gz", format=tarfile.GNU_FORMAT, compresslevel=level) as archive:
        for name in names:
            info = tarfile.TarInfo(name)
            info.size, info.mtime, info.uid, info.uname = len(FILES[name]), stamp, mask, "someone"
            info.mode = (0o777 if name.endswith(".sh") else 0o666) & ~mask
            archive.addfile(info, io.BytesIO(FILES[name]))
    return path


def wheel(path: Path, *, stamp: tuple[int, int, int, int, int, int], method: int, back: bool) -> Path:
    names = ["p-1.dist-info/RECORD", "p-1.dist-info/METADATA", "p/__init__.py", "p/z.py"]
    with zipfile.ZipFile(path, "w", method) as archive:
        for name in reversed(names) if back else names:
            info = zipfile.ZipInfo(name, stamp)
            info.compress_type, info.external_attr = method, (0o100664 if back else 0o100600) << 16
            archive.writestr(info, name.encode() * 50)
    return path


def test_sdists_of_equal_contents_are_equal(tmp_path: Path) -> None:
    """Time stamps, owners, umask, order and level of compression of the first packer leave no trace."""
    one = sdist(tmp_path / "1.tar.gz", stamp=1e9, names=list(FILES), mask=0o022, level=1)
    two = sdist(tmp_path / "2.tar.gz", stamp=1.5e9 + 0.25, names=sorted(FILES, reverse=True), mask=0o077, level=9)
    repack_sdist(DiskFiles(), one, tmp_path / "one", EPOCH)
    repack_sdist(DiskFiles(), two, tmp_path / "two", EPOCH)
    assert (tmp_path / "one").read_bytes() == (tmp_path / "two").read_bytes()


def test_sdist_keeps_contents_and_right_to_run(tmp_path: Path) -> None:
    """Members are sorted, of the commit's time, owned by root; programs stay programs."""
    old = sdist(tmp_path / "old.tar.gz", stamp=0, names=list(FILES), mask=0o077, level=6)
    repack_sdist(DiskFiles(), old, tmp_path / "new", EPOCH)
    with tarfile.open(tmp_path / "new") as archive:
        members = archive.getmembers()
        found = {m.name: stream.read() for m in members if (stream := archive.extractfile(m))}
    assert list(found.items()) == sorted(FILES.items())
    assert {"p-1/PKG-INFO": 0o644, "p-1/run.sh": 0o755, "p-1/src/a.py": 0o644} == {m.name: m.mode for m in members}
    assert {(EPOCH, 0, "")} == {(m.mtime, m.uid, m.uname) for m in members}


def test_sdist_links(tmp_path: Path) -> None:
    """A symlink stays one; a hard link, which cannot come before its file, becomes a file."""
    old = tmp_path / "old.tar.gz"
    with tarfile.open(old, "w:gz") as archive:
        file, hard, soft = (tarfile.TarInfo(name) for name in ("z", "a", "s"))
        file.size, hard.type, hard.linkname, soft.type, soft.linkname = 2, tarfile.LNKTYPE, "z", tarfile.SYMTYPE, "z"
        archive.addfile(file, io.BytesIO(b"ok"))
        archive.addfile(hard)
        archive.addfile(soft)
    repack_sdist(DiskFiles(), old, tmp_path / "new", EPOCH)
    with tarfile.open(tmp_path / "new") as archive:
        kinds = [(m.name, m.isreg(), m.issym(), m.size) for m in archive.getmembers()]
    assert [("a", True, False, 2), ("s", False, True, 0), ("z", True, False, 2)] == kinds


def test_sdist_with_a_device_is_refused(tmp_path: Path) -> None:
    """No sdist has devices or pipes; nothing is left of it."""
    old = tmp_path / "old.tar.gz"
    with tarfile.open(old, "w:gz") as archive:
        pipe = tarfile.TarInfo("pipe")
        pipe.type = tarfile.FIFOTYPE
        archive.addfile(pipe)
    with pytest.raises(BuildError, match="pipe"):
        repack_sdist(DiskFiles(), old, tmp_path / "new", EPOCH)
    assert [old] == list(tmp_path.iterdir())


def test_wheels_of_equal_contents_are_equal(tmp_path: Path) -> None:
    """As for sdists; dist-info goes last and RECORD is its end."""
    one = wheel(tmp_path / "1.whl", stamp=(1999, 1, 2, 3, 4, 6), method=zipfile.ZIP_STORED, back=False)
    two = wheel(tmp_path / "2.whl", stamp=(2026, 1, 2, 3, 4, 6), method=zipfile.ZIP_DEFLATED, back=True)
    repack_wheel(DiskFiles(), one, tmp_path / "one", EPOCH)
    repack_wheel(DiskFiles(), two, tmp_path / "two", EPOCH)
    assert (tmp_path / "one").read_bytes() == (tmp_path / "two").read_bytes()
    with zipfile.ZipFile(tmp_path / "one") as archive:
        assert archive.testzip() is None
        names = archive.namelist()
    assert ["p/__init__.py", "p/z.py", "p-1.dist-info/METADATA", "p-1.dist-info/RECORD"] == names


def test_zip_entries_carry_time_and_rights(tmp_path: Path) -> None:
    """Every entry has the commit's time in UTC; programs have the right to run; contents survive."""
    data = os.urandom(3_000_000) + bytes(3_000_000)
    (tmp_path / "data").write_bytes(data)
    entries = [Entry(name="bin/ä", content=tmp_path / "data", executable=True), Entry(name="empty", content=b"")]
    write_wheel(DiskFiles(), tmp_path / "w", entries, EPOCH)
    with zipfile.ZipFile(tmp_path / "w") as archive:
        first, second = archive.infolist()
        assert data == archive.read("bin/ä")
    assert ("bin/ä", (2023, 11, 14, 22, 13, 20), 0o100755) == (
        first.filename,
        first.date_time,
        first.external_attr >> 16,
    )
    assert (0, 0o100644) == (second.file_size, second.external_attr >> 16)
    assert first.compress_size < 3_100_000


@pytest.mark.parametrize(("epoch", "year"), [(0, 1980), (EPOCH, 2023), (2**33, 2107)])
def test_zip_years_are_bounded(tmp_path: Path, epoch: int, year: int) -> None:
    """MS-DOS time knows 1980 to 2107; others become the nearest."""
    write_wheel(DiskFiles(), tmp_path / "w", [Entry(name="a", content=b"")], epoch)
    with zipfile.ZipFile(tmp_path / "w") as archive:
        assert year == archive.infolist()[0].date_time[0]


def test_record_lists_hash_and_size(tmp_path: Path) -> None:
    """RECORD has a line for each file, and one without hash for itself; a comma in a name is quoted."""
    (tmp_path / "program").write_bytes(b"x" * 10)
    entries = [Entry(name="d/program", content=tmp_path / "program"), Entry(name="a,b", content=b"")]
    rows = list(csv.reader(record(DiskFiles(), entries, "i/RECORD").decode().splitlines()))
    digest = base64.urlsafe_b64encode(hashlib.sha256(b"x" * 10).digest()).decode().rstrip("=")
    assert ["d/program", f"sha256={digest}", "10"] == rows[0]
    assert ("a,b", "0") == (rows[1][0], rows[1][2])
    assert ["i/RECORD", "", ""] == rows[2]
