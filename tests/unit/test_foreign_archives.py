"""Archives of a release that somebody else has made: a program is taken out of one only where all of it is harmless."""

import io
import stat
import tarfile
import zipfile
from pathlib import Path

import pytest

from shipways.adapters.files import DiskFiles
from shipways.errors import PreflightError
from shipways.model.artifact import Kind
from shipways.model.digest import digest_bytes
from shipways.model.manifest import ArtifactEntry
from shipways.run.supply import take_out

PROGRAM = b"\x7fELF and so on"
BEAT = ArtifactEntry(
    path="x86_64/beat",
    kind=Kind.BINARY,
    digest=digest_bytes(PROGRAM),
    size=len(PROGRAM),
    package="beat",
    target="x86_64-unknown-linux-musl",
)


def member(name: str, kind: bytes = tarfile.REGTYPE, link: str = "", mode: int = 0o644) -> tarfile.TarInfo:
    """A member without bytes."""
    made = tarfile.TarInfo(name)
    made.type, made.linkname, made.mode = kind, link, mode
    return made


def tar(*members: tarfile.TarInfo, program: bytes = PROGRAM) -> bytes:
    """An archive with the program, and these."""
    made = io.BytesIO()
    with tarfile.open(fileobj=made, mode="w:gz") as archive:
        for each in members:
            archive.addfile(each)
        head = member("beat-1.0/beat", mode=0o755)
        head.size = len(program)
        archive.addfile(head, io.BytesIO(program))
    return made.getvalue()


def zipped(name: str, mode: int = 0o100644) -> bytes:
    """An archive with the program, and one more member."""
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as archive:
        info = zipfile.ZipInfo(name)
        info.external_attr = mode << 16
        archive.writestr(info, b"x")
        archive.writestr("beat-1.0/beat", PROGRAM)
    return made.getvalue()


def taken(folder: Path, data: bytes, name: str = "beat.tar.gz") -> bool:
    """Whether the program lies there now, out of an archive of these bytes."""
    (folder / name).write_bytes(data)
    archive = ArtifactEntry(path=name, kind=Kind.ARCHIVE, digest=digest_bytes(data), size=len(data), package="beat")
    return take_out(BEAT, [archive], folder, DiskFiles())


@pytest.mark.parametrize(
    "data",
    [
        tar(),
        tar(member("beat-1.0", tarfile.DIRTYPE), member("beat-1.0/man/..README"), member("beat-1.0/...")),
        tar(member("a/b/link", tarfile.SYMTYPE, "../../c"), member("a/hard", tarfile.LNKTYPE, "a/b")),
    ],
)
def test_harmless(tmp_path: Path, data: bytes) -> None:
    """The program is there, byte for byte; links that stay within the archive are fine."""
    assert taken(tmp_path, data)
    assert (PROGRAM, True) == ((tmp_path / BEAT.path).read_bytes(), (tmp_path / BEAT.path).stat().st_mode & 0o100 > 0)
    assert taken(tmp_path, zipped("beat-1.0/README"), "beat.zip")


OUT = "is a path that leads out of the archive"
NEITHER = "is neither a file nor a folder"


@pytest.mark.parametrize(
    ("strange", "what"),
    [
        (member("/etc/cron.d/beat"), OUT),
        (member("../beat"), OUT),
        (member("a/../../beat"), OUT),
        (member("a/../beat"), OUT),
        (member("C:\\beat"), OUT),
        (member("\\\\host\\beat"), OUT),
        (member("..\\beat"), OUT),
        (member("a/link", tarfile.SYMTYPE, "/etc/passwd"), "is a symlink that leads out of the archive"),
        (member("a/link", tarfile.SYMTYPE, "../../etc"), "is a symlink that leads out of the archive"),
        (member("a/hard", tarfile.LNKTYPE, "/etc/passwd"), "is a hard link that leads out of the archive"),
        (member("a/hard", tarfile.LNKTYPE, "../etc"), "is a hard link that leads out of the archive"),
        (member("null", tarfile.CHRTYPE), NEITHER),
        (member("disk", tarfile.BLKTYPE), NEITHER),
        (member("pipe", tarfile.FIFOTYPE), NEITHER),
        (member("beat", mode=0o4755), "would run as its owner"),
        (member("beat", mode=0o2755), "would run as its owner"),
    ],
    ids=lambda each: f"{each.name} {each.linkname}" if isinstance(each, tarfile.TarInfo) else "",
)
def test_refused(tmp_path: Path, strange: tarfile.TarInfo, what: str) -> None:
    """F10: nothing is taken out of an archive with such a member, whatever else is in it."""
    with pytest.raises(PreflightError, match=what) as caught:
        taken(tmp_path, tar(strange))
    assert [f"beat.tar.gz: {strange.name}"] == [each.path for each in caught.value.problems]
    assert ["beat.tar.gz"] == [path.name for path in tmp_path.rglob("*")]


@pytest.mark.parametrize(
    ("name", "mode", "what"),
    [
        ("../beat", 0o100644, OUT),
        ("/beat", 0o100644, OUT),
        ("link", stat.S_IFLNK | 0o777, NEITHER),
        ("null", stat.S_IFCHR | 0o666, NEITHER),
        ("tool", 0o104755, "would run as its owner"),
    ],
)
def test_refused_zips(tmp_path: Path, name: str, mode: int, what: str) -> None:
    """F10: those for Windows, too; their links are refused altogether, as ours have none."""
    with pytest.raises(PreflightError, match=what):
        taken(tmp_path, zipped(name, mode), "beat.zip")
    assert ["beat.zip"] == [path.name for path in tmp_path.rglob("*")]


def test_cut_short(tmp_path: Path) -> None:
    """F10: an archive that ends in its middle, or is none, is said to be that."""
    for data in (tar()[:60], b"", b"PK\x03\x04"):
        with pytest.raises(PreflightError, match="is no whole archive"):
            taken(tmp_path, data)
        with pytest.raises(PreflightError, match="is no whole archive"):
            taken(tmp_path, data, "beat.zip")


def test_flipped(tmp_path: Path) -> None:
    """F10: a program with another byte in it is not the one of the manifest, and is not left."""
    assert not taken(tmp_path, tar(program=PROGRAM[:-1] + b"x"))
    data = bytearray(zipped("README"))
    data[data.index(PROGRAM)] ^= 1
    with pytest.raises(PreflightError, match="is no whole archive"):
        taken(tmp_path, bytes(data), "beat.zip")
    assert not (tmp_path / BEAT.path).exists()


class Measuring(DiskFiles):
    """Remembers the largest file that was asked for its digest."""

    largest = 0

    def digest(self, path: Path) -> str:
        """As it is."""
        self.largest = max(self.largest, path.stat().st_size)
        return super().digest(path)


def test_a_bomb(tmp_path: Path) -> None:
    """F10: of a program that is larger than the manifest says no more than that is written."""
    data, files = tar(program=PROGRAM + b"\0" * 50_000_000), Measuring()
    (tmp_path / "beat.tar.gz").write_bytes(data)
    archive = ArtifactEntry(path="beat.tar.gz", kind=Kind.ARCHIVE, digest="", size=len(data), package="beat")
    assert not take_out(BEAT, [archive], tmp_path, files)
    assert (True, BEAT.size + 1) == (len(data) < 100_000, files.largest)
