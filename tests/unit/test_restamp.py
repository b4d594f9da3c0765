"""Archives of other programs with one time."""

import io
import tarfile

import pytest

from shipways.pack.restamp import restamp


class Sink:
    """Keeps what is written."""

    def __init__(self) -> None:
        self.data = b""

    def write(self, data: bytes) -> int:
        self.data += data
        return len(data)


def archive(*entries: tuple[tarfile.TarInfo, bytes], mtime: float) -> bytes:
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w", format=tarfile.PAX_FORMAT, encoding="utf-8") as target:
        for info, data in entries:
            info.mtime, info.size = mtime, len(data)
            target.addfile(info, io.BytesIO(data))
    return stream.getvalue()


def entry(name: str, kind: bytes = tarfile.REGTYPE, **changes: object) -> tarfile.TarInfo:
    info = tarfile.TarInfo(name)
    info.type, info.mode = kind, 0o4755
    for key, value in changes.items():
        setattr(info, key, value)
    return info


def restamped(data: bytes) -> bytes:
    sink = Sink()
    restamp(io.BytesIO(data), sink, 1_700_000_000)
    return sink.data


ATTRIBUTES = {"SCHILY.xattr.security.capability": "\x01\udcff\x02", "SCHILY.xattr.user.a": "ä"}


def everything() -> list[tuple[tarfile.TarInfo, bytes]]:
    """Every kind of entry that a layer has."""
    return [
        (entry("usr", tarfile.DIRTYPE, uid=10, gid=2_500_000), b""),
        (entry("usr/" + "long" * 80, pax_headers=dict(ATTRIBUTES)), b"data" * 1000),
        (entry("usr/grüß-\udcff"), b"\x00" * 513),
        (entry("usr/link", tarfile.SYMTYPE, linkname="x" * 200), b""),
        (entry("usr/hard", tarfile.LNKTYPE, linkname="usr/grüß-\udcff"), b""),
        (entry("usr/null", tarfile.CHRTYPE, devmajor=1, devminor=3), b""),
        (entry("usr/pipe", tarfile.FIFOTYPE), b""),
        (entry("usr/.wh.gone"), b""),
    ]


def test_only_the_time_changes() -> None:
    """Names, kinds, rights, owners, extended attributes and content of every kind of entry stay."""
    before = archive(*everything(), mtime=1_800_000_000)
    with tarfile.open(fileobj=io.BytesIO(before)) as old, tarfile.open(fileobj=io.BytesIO(restamped(before))) as new:
        for one, other in zip(old.getmembers(), new.getmembers(), strict=True):
            assert 1_700_000_000 == other.mtime
            for key in ("name", "type", "mode", "uid", "gid", "linkname", "devmajor", "devminor", "size"):
                assert getattr(one, key) == getattr(other, key)
            kept = {key: value for key, value in one.pax_headers.items() if key.startswith("SCHILY")}
            assert kept == {key: value for key, value in other.pax_headers.items() if key.startswith("SCHILY")}
            if one.isreg():
                assert old.extractfile(one).read() == new.extractfile(other).read()
        assert ATTRIBUTES.items() <= new.getmembers()[1].pax_headers.items()


@pytest.mark.parametrize("mtime", [0, 1.5, 1_600_000_000, 1_900_000_000.25])
def test_bytes_do_not_depend_on_the_hour(mtime: float) -> None:
    """Archives that differ in times alone become one."""
    expected = restamped(archive(*everything(), mtime=1_800_000_000))
    assert expected == restamped(archive(*everything(), mtime=mtime))
    assert expected == restamped(expected)


def test_no_archive() -> None:
    """What is none is an error of tarfile's."""
    with pytest.raises(tarfile.TarError):
        restamped(b"x" * 1024)
