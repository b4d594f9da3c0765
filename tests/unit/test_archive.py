"""Archives of programs: what is in them, and that nothing else decides their bytes."""

import io
import os
import tarfile
import time
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import anyio
import cramjam
import pytest

from packing import FILES, LINUX, PROJECT, Shop
from shipways.adapters.files import DiskFiles
from shipways.bundle.links import followed
from shipways.bundle.reader import CheckedReader
from shipways.errors import BuildError, ConfigError, PreflightError
from shipways.model.artifact import Kind
from shipways.model.digest import digest_bytes
from shipways.model.source import REGULAR, SYMLINK
from shipways.testing.sources import MemorySources

FORMATS = ("tar.gz", "tar.xz", "tar.zst", "zip")
TOP = f"pulse-1.2.3-{LINUX}"
MEMBERS = {
    f"{TOP}/LICENSE": (0o644, b"do what you want\n"),
    f"{TOP}/README.md": (0o644, b"of the package\n"),
    f"{TOP}/completions/pulse.bash": (0o644, b"complete pulse\n"),
    f"{TOP}/man/pulse.1": (0o644, b".TH pulse\n"),
    f"{TOP}/pulse": (0o755, b"program"),
    f"{TOP}/setup.sh": (0o755, b"#!/bin/sh\n"),
}
GLOBS = 'files = ["README*", "LICENSE*", "setup.sh"]\ncompletions = ["completions/*"]\nman = ["docs/*.1"]\n'
each = pytest.mark.parametrize("form", FORMATS)


def table(form: str = "tar.gz", globs: str = GLOBS) -> str:
    return f'[package.pulse.archive]\nformat = "{form}"\n{globs}'


def tar_of(path: Path) -> tarfile.TarFile:
    data = path.read_bytes()
    if path.suffix == ".zst":
        return tarfile.open(fileobj=io.BytesIO(bytes(cramjam.zstd.decompress(data))))
    return tarfile.open(fileobj=io.BytesIO(data))


def unpacked(path: Path) -> dict[str, tuple[int, bytes]]:
    """Rights and bytes by name, in the archive's order."""
    if path.suffix == ".zip":
        with zipfile.ZipFile(path) as zipped:
            return {info.filename: (info.external_attr >> 16 & 0o777, zipped.read(info)) for info in zipped.infolist()}
    with tar_of(path) as archive:
        files = ((info, archive.extractfile(info)) for info in archive.getmembers())
        return {info.name: (info.mode, stream.read()) for info, stream in files if stream}


@contextmanager
def elsewhere(zone: str, mask: int, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Another time zone and umask."""
    monkeypatch.setenv("TZ", zone)
    time.tzset()
    old = os.umask(mask)
    try:
        yield
    finally:
        os.umask(old)
        monkeypatch.undo()
        time.tzset()


@each
def test_members(form: str, tmp_path: Path) -> None:
    """One folder; program, licence, the package's readme before the one at the top, completions, man pages; sorted."""
    shop = Shop(tmp_path)
    shop.release(table(form))
    assert list(MEMBERS.items()) == list(unpacked(shop.dist / f"{TOP}.{form}").items())


@each
def test_bytes_are_equal_anywhere(form: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two folders, two time zones, two umasks: not one byte differs."""
    here, there = Shop(tmp_path / "a"), Shop(tmp_path / "b" / "much" / "deeper")
    here.release(table(form))
    with elsewhere("Asia/Tokyo", 0o077, monkeypatch):
        there.release(table(form))
    for path in here.dist.glob("pulse-*"):
        assert path.read_bytes() == (there.dist / path.name).read_bytes(), path.name


@pytest.mark.parametrize("form", FORMATS[:3])
def test_tar_has_one_time_and_no_owner(form: str, tmp_path: Path) -> None:
    """The commit's time, uid and gid 0, no names, no pax headers."""
    shop = Shop(tmp_path)
    shop.release(table(form))
    with tar_of(shop.dist / f"{TOP}.{form}") as archive:
        found = {(m.mtime, m.uid, m.gid, m.uname, m.gname, *m.pax_headers) for m in archive.getmembers()}
    assert {(1_700_000_000, 0, 0, "", "")} == found


@pytest.mark.parametrize(
    ("epoch", "expected"),
    [
        (1_700_000_001, (2023, 11, 14, 22, 13, 20)),
        (0, (1980, 1, 1, 0, 0, 0)),
        (5_000_000_000, (2107, 12, 31, 23, 59, 58)),
    ],
)
def test_zip_has_one_time_and_no_extra_fields(epoch: int, expected: tuple[int, ...], tmp_path: Path) -> None:
    """The commit's time in UTC, as far as MS-DOS can tell it."""
    shop = Shop(tmp_path, epoch=epoch)
    shop.release(table("zip"))
    with zipfile.ZipFile(shop.dist / f"{TOP}.zip") as archive:
        assert archive.testzip() is None
        assert {(expected, b"", b"", 3)} == {
            (i.date_time, i.extra, i.comment, i.create_system) for i in archive.infolist()
        }


def test_windows_has_its_own_format(tmp_path: Path) -> None:
    """`archive.windows` is for Windows, `archive.format` for the others."""
    made = Shop(tmp_path).release('[package.pulse.archive]\nformat = "tar.xz"\nwindows = "tar.zst"\n')
    found = sorted(artifact.name for artifact in made.artifacts if artifact.kind is Kind.ARCHIVE)
    assert ["pulse-1.2.3-x86_64-pc-windows-msvc.tar.zst", "pulse-1.2.3-x86_64-unknown-linux-gnu.tar.xz"] == found


def test_empty_program(tmp_path: Path) -> None:
    """A file without bytes is a member like any other."""
    shop = Shop(tmp_path, data=b"")
    shop.release(table("zip"))
    assert (0o755, b"") == unpacked(shop.dist / f"{TOP}.zip")[f"{TOP}/pulse"]


def test_what_is_made_again(tmp_path: Path) -> None:
    """A changed readme makes the archives again; a changed source file that is not in them does not."""
    shop = Shop(tmp_path)
    shop.release(table())
    other = replace(shop, files={**FILES, "cli/src/main.go": (REGULAR, b"package other\n")})
    other.console.events.clear()
    other.release(table())
    assert {"bundle/source", "bundle/checksums/sha256"} == other.worked()
    other = replace(other, files={**FILES, "cli/README.md": (REGULAR, b"new\n")})
    other.console.events.clear()
    other.release(table())
    assert f"bundle/archive/pulse/{LINUX}" in other.worked()


def test_symlink_goes_in_as_what_it_leads_to(tmp_path: Path) -> None:
    """Its bytes and rights, since Windows has no links; when the file at its end changes, so does the archive."""
    shop = Shop(tmp_path, files={**FILES, "cli/near": (SYMLINK, b"../latest")})
    shop.release(table(globs='files = ["near"]\n'))
    assert (0o644, b"of the package\n") == unpacked(shop.dist / f"{TOP}.tar.gz")[f"{TOP}/near"]
    shop.files = {**shop.files, "cli/README.md": (REGULAR, b"new\n")}
    shop.release(table(globs='files = ["near"]\n'))
    assert (0o644, b"new\n") == unpacked(shop.dist / f"{TOP}.tar.gz")[f"{TOP}/near"]


@pytest.mark.parametrize(
    ("target", "why"),
    [
        ("../outside", "leaves the source"),
        ("/etc/passwd", "leaves the source"),
        ("cli", "cli is no file"),
        ("nothing", "nothing is no file"),
        ("link", "in a circle"),
    ],
)
def test_symlink_that_is_refused(target: str, why: str) -> None:
    """Out of the tree, to a folder, to nothing, to itself: each is told."""
    sources = MemorySources({**FILES, "link": (SYMLINK, target.encode())})
    link = next(file for file in sources.tree.files if file.path == "link")
    with pytest.raises(PreflightError, match=why):
        followed(link, sources.tree, sources)


def test_globs_that_match_nothing_of_all_packages(tmp_path: Path) -> None:
    """All of them at once, each with its path."""
    project = f'{PROJECT}[package.pulse.archive]\nfiles = ["NEWS"]\n[package.other]\nbuild = "zig"\n'
    shop = Shop(tmp_path, versions={"pulse": "1.2.3", "other": "1.2.3"})
    with pytest.raises(ConfigError) as caught:
        shop.whole('[package.other.archive]\nman = ["*.1"]\n', project)
    assert ["package.pulse.archive.files", "package.other.archive.man"] == [p.path for p in caught.value.problems]


def test_program_with_the_name_of_a_member(tmp_path: Path) -> None:
    """Neither may be lost."""
    with pytest.raises(BuildError, match=r"README\.md is both"):
        Shop(tmp_path, programs=("README.md",)).release(table())


def test_reason_to_vary_is_passed_on(tmp_path: Path) -> None:
    """What holds a file that cannot be reproduced cannot be either, and says so; the sources can."""
    made = Shop(tmp_path, varies="made by magic").release(table())
    reasons = {a.name: a.blob.varies for a in made.artifacts}
    assert "made by magic" == reasons[f"{TOP}.tar.gz"]
    assert reasons["pulse-1.2.3-SHA256SUMS"].startswith("holds the sums of pulse-1.2.3-x86_64-pc-windows-msvc.zip, ")
    assert "" == reasons["pulse-1.2.3-source.tar.gz"]


def read(path: Path, digest: str) -> bytes:
    async def run() -> bytes:
        return await anyio.to_thread.run_sync(whole)

    def whole() -> bytes:
        with CheckedReader(DiskFiles(), path, digest) as source:
            return b"".join(iter(lambda: source.read(3), b""))

    return anyio.run(run)


def test_reading_what_changed(tmp_path: Path) -> None:
    """Bytes with another digest than those that were promised are not archived."""
    (tmp_path / "file").write_bytes(b"content")
    assert b"content" == read(tmp_path / "file", digest_bytes(b"content"))
    with pytest.raises(BuildError, match="file: changed while it was read"):
        read(tmp_path / "file", digest_bytes(b"contents"))


@pytest.mark.parametrize("name", ["missing", "."])
def test_reading_what_cannot_be_read(name: str, tmp_path: Path) -> None:
    """A file that is gone, or a folder in its place: the error names it."""
    with pytest.raises(BuildError, match=r"cannot be read\n  why: (No such file|Is a directory)"):
        read(tmp_path / name, "")
