"""Backups that are restored, or refused; with a service manager of the test's own."""

import hashlib
import io
import json
import struct
import tarfile
from collections.abc import Callable
from pathlib import Path

import anyio
import pytest
import zstandard

from backing import SHOP, Desk, Manager, seen
from shipways.adapters.vault import DiskVault
from shipways.errors import Conflict, PreflightError, ShipwaysError, Unfinished

Changed = Callable[[tarfile.TarInfo, bytes], tuple[tarfile.TarInfo, bytes] | None]


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    """A service with two files, of which there is a backup, and other data by now."""
    made = Desk(tmp_path)
    (made.data / "inside").mkdir(parents=True)
    (made.data / "file").write_text("of the backup")
    (made.data / "inside" / "another").write_text("too")
    return made


@pytest.fixture
def archive(desk: Desk) -> Path:
    """The backup."""
    made = desk.back_up().archive
    (desk.data / "file").write_text("newer")
    desk.manager.told.clear()
    return made


def var(desk: Desk) -> dict[str, tuple[object, ...]]:
    """The data directory, and all that lies beside it."""
    return {path: what for path, what in seen(desk.root / "var").items() if path != "."}


def refused(desk: Desk, archive: Path, kind: type[ShipwaysError], said: str, *, force: bool = True) -> None:
    """It is not restored, and nothing is touched: neither the data, nor the service, nor what lies beside it."""
    before = var(desk)
    with pytest.raises(kind) as caught:
        desk.restore(archive, force=force)
    assert said in str(caught.value)
    assert before == var(desk)
    assert ([], True) == (desk.manager.told, desk.manager.runs)


def test_data_of_before_is_kept(desk: Desk, archive: Path) -> None:
    """What is there is replaced by force only, and kept beside; the service is stopped for the renames alone."""
    refused(desk, archive, Conflict, "is not empty", force=False)
    (aside,) = desk.restore(archive).aside
    assert ("of the backup", "newer") == ((desk.data / "file").read_text(), (aside / "file").read_text())
    assert ["stop", "start"] == desk.manager.told
    assert {"main", aside.name} == {path.name for path in (desk.root / "var").iterdir()}


def test_every_truncation_is_refused(desk: Desk, archive: Path) -> None:
    """S1-27: a torn backup is refused, wherever it ends."""
    data, torn = archive.read_bytes(), archive.with_name("torn")

    async def verify() -> list[int]:
        taken = []
        for size in range(len(data)):
            torn.write_bytes(data[:size])
            try:
                await DiskVault().verify(torn)
                taken.append(size)
            except Conflict:
                pass
        return taken

    assert [] == anyio.run(verify)
    for size in (0, 1, 79, 80, len(data) // 2, len(data) - 80, len(data) - 1):
        torn.write_bytes(data[:size])
        refused(desk, torn, Conflict, "torn or altered")
    torn.write_bytes(data + b"\0")
    refused(desk, torn, Conflict, "torn or altered")


def test_every_flipped_bit_is_refused(desk: Desk, archive: Path) -> None:
    """S1-27: an altered backup is refused, whichever bit it is: also one that neither tar nor zstd looks at."""
    data, altered = archive.read_bytes(), archive.with_name("altered")

    async def verify() -> list[tuple[int, int]]:
        taken = []
        for place in range(len(data)):
            bit = place % 8
            altered.write_bytes(data[:place] + bytes([data[place] ^ (1 << bit)]) + data[place + 1 :])
            try:
                await DiskVault().verify(altered)
                taken.append((place, bit))
            except Conflict:
                pass
        return taken

    assert [] == anyio.run(verify)
    altered.write_bytes(data[:20] + b"?" + data[21:])
    refused(desk, altered, Conflict, "torn or altered")


def forged(archive: Path, change: Changed) -> Path:
    """The backup with other members, and an end that fits: as somebody makes it who wants it to be restored."""
    frame = archive.read_bytes()[:-80]
    out = io.BytesIO()
    with (
        tarfile.open(fileobj=io.BytesIO(zstandard.ZstdDecompressor().decompressobj().decompress(frame))) as old,
        tarfile.open(fileobj=out, mode="w", format=tarfile.PAX_FORMAT) as new,
    ):
        for member in old:
            stream = old.extractfile(member)
            changed = change(member, stream.read() if stream else b"")
            if changed:
                changed[0].size = len(changed[1])
                new.addfile(changed[0], io.BytesIO(changed[1]))
    packed = zstandard.ZstdCompressor().compress(out.getvalue())
    text = f"sha256:{hashlib.sha256(packed).hexdigest()}\n".encode()
    path = archive.with_name("forged")
    path.write_bytes(packed + struct.pack("<II", 0x184D2A5E, len(text)) + text)
    return path


def renamed(name: str, to: str) -> Changed:
    """A member with another name."""

    def change(member: tarfile.TarInfo, data: bytes) -> tuple[tarfile.TarInfo, bytes]:
        if member.name == name:
            member.name = to
            member.pax_headers.pop("path", None)
        return member, data

    return change


def linked(kind: bytes, target: str) -> Changed:
    """The folder within is something else."""

    def change(member: tarfile.TarInfo, data: bytes) -> tuple[tarfile.TarInfo, bytes]:
        if member.name == "data/main/inside":
            member.type, member.linkname = kind, target
        return member, data

    return change


def said(**changes: object) -> Changed:
    """Another head."""

    def change(member: tarfile.TarInfo, data: bytes) -> tuple[tarfile.TarInfo, bytes]:
        return member, json.dumps(json.loads(data) | changes).encode() if member.name == "backup.json" else data

    return change


FORGED: dict[str, tuple[Changed, str]] = {
    "content": (lambda m, d: (m, d.replace(b"of the", b"in the")), "is not what its list says"),
    "mode": (lambda m, d: (m.replace(mode=0o777), d), "is not what its list says"),
    "missing file": (lambda m, d: None if m.name.endswith("/file") else (m, d), "is not what its list says"),
    "missing list": (lambda m, d: None if m.name == "list.jsonl" else (m, d), "has no list"),
    "missing head": (lambda m, d: None if m.name == "backup.json" else (m, d), "is no backup of a service"),
    "more in the list": (lambda m, d: (m, d + b"{}\n" if m.name == "list.jsonl" else d), "ends elsewhere"),
    "later format": (said(format="shipways-backup/2"), "one of a later version"),
    "another head": (said(more=1), "cannot be read"),
    "absolute": (renamed("data/main/file", "/etc/passwd"), "has no place in it"),
    "above": (renamed("data/main/file", "data/main/../../file"), "has no place in it"),
    "beside": (renamed("data/main/file", "data/other/file"), "comes before its folder"),
    "elsewhere": (renamed("data/main/inside/another", "data/main/nowhere/another"), "comes before its folder"),
    "twice": (renamed("data/main/inside/another", "data/main/file"), "is there twice"),
    "no folder": (renamed("data/main", "data/else"), "cannot be read"),
    "link out": (linked(tarfile.SYMTYPE, "/etc"), "leads out of its folder"),
    "through a link": (linked(tarfile.SYMTYPE, "../main"), "comes before its folder"),
    "hard link": (linked(tarfile.LNKTYPE, "data/main/file"), "has no place in it"),
    "device": (linked(tarfile.CHRTYPE, ""), "has no place in it"),
}


@pytest.mark.parametrize("name", FORGED)
def test_forged(desk: Desk, archive: Path, name: str) -> None:
    """An archive whose end fits, but not what is in it, is laid beside the data and thrown away."""
    change, words = FORGED[name]
    refused(desk, forged(archive, change), Conflict, words)


def test_of_another_service(desk: Desk, archive: Path) -> None:
    """A backup of another service, another project, or of data that the service does not have, is refused."""
    for changes, words in (
        ({"service": "till"}, "is a backup of till of shop, not of shop of shop"),
        ({"project": "mall"}, "is a backup of shop of mall, not of shop of shop"),
        ({"folders": {"main": 1, "cache": 2}}, "has data that the service has not: cache"),
    ):
        refused(desk, forged(archive, said(**changes)), Conflict, words)
    refused(desk, desk.root / "nothing", PreflightError, "No such file")


def test_data_that_the_backup_does_not_have(desk: Desk, archive: Path) -> None:
    """A data directory that came later is left as it is, and named."""
    later = desk.other(text=SHOP.replace('"/data" }', '"/data", cache = "/cache" }'), volumes=("/data", "/cache"))
    (desk.root / "var" / "cache").mkdir()
    assert ("cache",) == later.restore(archive).left


def test_room(desk: Desk, archive: Path) -> None:
    """Where the disk has no room for it, nothing is begun; and a disk cannot be renamed."""

    class Full(DiskVault):
        def free(self, folder: Path) -> int:
            return 1000

    class Mounted(DiskVault):
        def mounted(self, folder: Path) -> bool:
            return True

    refused(desk.other(vault=Full()), archive, PreflightError, "there are 0.0 MB free")
    refused(desk.other(vault=Mounted()), archive, PreflightError, "is the top of a disk")


def test_a_service_that_does_not_start_with_it(desk: Desk, archive: Path) -> None:
    """What was restored is taken back when the service does not start with it, and it runs with what it had."""
    before = var(desk)
    desk.manager.refuses = 1
    with pytest.raises(Unfinished, match="Job for shop"):
        desk.restore(archive)
    assert (before, True) == (var(desk), desk.manager.runs)
    assert ["stop", "start", "start"] == desk.manager.told


def test_each_step_that_fails(desk: Desk, archive: Path) -> None:
    """Whichever rename fails, all is as it was, and the service runs."""
    before = var(desk)
    for number in range(2):

        class Failing(DiskVault):
            left = number

            def move(self, source: Path, place: Path) -> None:
                type(self).left -= 1
                super().move(source if type(self).left != -1 else desk.root / "nothing", place)

        with pytest.raises(Unfinished, match="No such file"):
            desk.other(vault=Failing()).restore(archive)
        assert (before, True) == (var(desk), desk.manager.runs)


def test_a_service_that_does_not_run(desk: Desk, archive: Path) -> None:
    """It stays so, and its data is restored; a link in the place of the data directory leads to where it is."""
    idle = desk.other(manager=Manager(runs=False))
    (desk.root / "disk").mkdir()
    desk.data.rename(desk.root / "disk" / "real")
    desk.data.symlink_to(desk.root / "disk" / "real")
    (aside,) = idle.restore(archive).aside
    assert ([], desk.root / "disk") == (idle.manager.told, aside.parent)
    assert "of the backup" == (desk.root / "disk" / "real" / "file").read_text()
