"""The first difference of two files, in the words of what they are."""

import io
import struct
import sys
import tarfile
import tracemalloc
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any, BinaryIO

import cramjam
import pip
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shipways.adapters.inspect import LiefInspector
from shipways.pack.difference import Difference, first_difference

Members = dict[str, bytes]


def nowhere(program: BinaryIO, offset: int) -> str:
    return ""


def tar(members: Members, mode: str = "w:gz", **header: Any) -> bytes:
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode=mode) as archive:  # type: ignore[call-overload] # any mode
        for name, data in members.items():
            info = tarfile.TarInfo(name)
            info.size = len(data)
            for key, value in header.items():
                setattr(info, key, value)
            archive.addfile(info, io.BytesIO(data))
    return stream.getvalue()


def zipped(members: Members, method: int = zipfile.ZIP_DEFLATED) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", method) as archive:
        for name, data in members.items():
            archive.writestr(zipfile.ZipInfo(name), data, method)
    return stream.getvalue()


def found(old: bytes, new: bytes, section: Callable[[BinaryIO, int], str] = nowhere) -> Difference | None:
    return first_difference(io.BytesIO(old), io.BytesIO(new), section)


def zstd(members: Members) -> bytes:
    return bytes(cramjam.zstd.compress(tar(members, "w")))


@given(st.binary(max_size=64), st.binary(max_size=64))
def test_bytes(old: bytes, new: bytes) -> None:
    """Of any bytes, the first that is not the same, or that one file lacks."""
    told = found(old, new)
    assert (old == new) == (told is None)
    if told:
        at = told.offset
        assert at is not None
        assert (old[:at], True) == (new[:at], old[at : at + 1] != new[at : at + 1])


@pytest.mark.parametrize("pack", [tar, zipped, zstd, lambda m: tar(m, "w:xz"), lambda m: tar(m, "w")])
def test_member(pack: Callable[[Members], bytes]) -> None:
    """In an archive: the member, and the byte of it, however it is packed."""
    same = {"a": b"same" * 500}
    told = found(pack(same | {"b": b"0123456", "c": b"1"}), pack(same | {"b": b"01234x6", "c": b"2"}))
    assert Difference(what="differs", offset=5, members=("b",)) == told
    assert "differs at byte 5, in b" == str(told)


@pytest.mark.parametrize("pack", [tar, zipped])
def test_members(pack: Callable[[Members], bytes]) -> None:
    """A member that is new, gone, or somewhere else."""
    one, two = {"a": b"1"}, {"a": b"1", "b": b"2"}
    assert "b is new" == str(found(pack(one), pack(two)))
    assert "b is gone" == str(found(pack(two), pack(one)))
    assert "b is where a was" == str(found(pack(two), pack({"b": b"2", "a": b"1"})))


def test_header() -> None:
    """What a header says counts too, when the bytes are the same."""
    assert "time is 5, was 0, in a" == str(found(tar({"a": b"1"}), tar({"a": b"1"}, mtime=5)))
    assert "owner is 7:0 :, was 0:0 :, in a" == str(found(tar({"a": b"1"}), tar({"a": b"1"}, uid=7)))
    assert "compression is 0, was 8, in a" == str(found(zipped({"a": b"1"}), zipped({"a": b"1"}, zipfile.ZIP_STORED)))


def test_no_members() -> None:
    """Zeros are the end of an archive for tar, and no archive for us."""
    assert Difference(what="differs", offset=4096) == found(bytes(4096) + b"1", bytes(4096) + b"2")


def test_packing() -> None:
    """Equal members in another packing: the byte of the file itself."""
    plain = tar({"a": b"1" * 5000}, "w")
    old, new = bytes(cramjam.zstd.compress(plain, 1)), bytes(cramjam.zstd.compress(plain, 19))
    told = found(old, new)
    assert told
    assert ("only the packing differs", True) == (told.what, old[: told.offset] == new[: told.offset])


def test_archive_in_archive() -> None:
    """An archive in an archive is opened too, as an image for `docker load` has its layers."""
    old, new = ({"layer.tar": tar({"usr/bin/p": data}, "w")} for data in (b"one", b"onE"))
    assert "differs at byte 2, in usr/bin/p, in layer.tar" == str(found(tar(old, "w"), tar(new, "w")))


BIG = b"no archive\n" * (2 << 20)


@pytest.mark.parametrize("pack", [tar, zipped, zstd, lambda m: tar({"in": tar(m)}, "w")])
def test_memory(pack: Callable[[Members], bytes]) -> None:
    """A member is compared a piece at a time: a big one takes no more memory than a few of these."""
    old, new = (io.BytesIO(pack({"a": BIG, "b": BIG + end})) for end in (b"1", b"2"))
    tracemalloc.start()
    try:
        told = first_difference(old, new, nowhere)
        most = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert told
    assert (len(BIG), "b", True) == (told.offset, told.members[-1], most < len(BIG) // 2), most
    assert "differs" == told.what


def test_section_of_a_member() -> None:
    """A program is asked about its section where it lies in an archive."""

    def section(program: BinaryIO, offset: int) -> str:
        program.seek(0)
        return f".{program.read().decode()}{offset}"

    assert "differs at byte 3 (.abcX3), in p" == str(found(tar({"p": b"abcd"}), tar({"p": b"abcX"}), section))


@pytest.mark.parametrize("broken", [b"\x28\xb5\x2f\xfd nothing", b"\x1f\x8b nothing", b"PK\x03\x04 nothing", b""])
def test_no_archive(broken: bytes) -> None:
    """What only looks like an archive, or is cut short, is bytes."""
    told = found(broken + b"1", broken + b"2")
    assert Difference(what="differs", offset=len(broken)) == told


def _macho() -> bytes:
    """A Mach-O program of one section, 16 bytes at offset 0x100 (mach-o/loader.h)."""
    header = struct.pack("<8I", 0xFEEDFACF, 0x01000007, 3, 2, 1, 152, 0, 0)
    segment = struct.pack("<2I16s4Q4I", 0x19, 152, b"__TEXT", 0x1000, 0x1000, 0, 0x110, 7, 5, 1, 0)
    section = struct.pack("<16s16s2Q8I", b"__text", b"__TEXT", 0x1100, 16, 0x100, 0, 0, 0, 0, 0, 0, 0)
    return (header + segment + section).ljust(0x110, b"\x90")


def test_sections(tmp_path: Path) -> None:
    """The section that has a byte: of an ELF, a PE and a Mach-O program; none outside of all, and none of a text."""
    inspector = LiefInspector()
    elf = Path(sys.executable).resolve()
    if elf.read_bytes()[:4] == b"\x7fELF":
        assert ".interp" == inspector.section(elf, elf.read_bytes().index(b"/ld-"))
        assert "" == inspector.section(elf, 0)
    exe = Path(pip.__file__).parent / "_vendor" / "distlib" / "t64.exe"
    assert ".rsrc" == inspector.section(exe, exe.read_bytes().index(b"<assembly"))
    macho, text = tmp_path / "macho", tmp_path / "text"
    macho.write_bytes(_macho())
    text.write_text("text")
    assert ("__TEXT,__text", "") == (inspector.section(macho, 0x105), inspector.section(macho, 0x90))
    assert "" == inspector.section(text, 1)
