"""Compressors: what any tool unpacks, and bytes that depend only on what goes in."""

import gzip
import hashlib
import io
import lzma
import threading
import time
import zlib
from collections.abc import Callable, Mapping

import cramjam
import pytest

from shipways.pack.compress import Codec, PackedWriter, recipe

UNPACK: Mapping[Codec, Callable[[bytes], bytes]] = {
    "gzip": gzip.decompress,
    "deflate": lambda data: zlib.decompress(data, wbits=-15),
    "xz": lzma.decompress,
    "zstd": lambda data: bytes(cramjam.zstd.decompress(data)),
}
TEXT = b"".join(hashlib.sha256(b"%d" % number).digest() + b" and again " * 3 for number in range(2000))
LONG = TEXT + bytes(9 << 20) + TEXT  # more than goes in one call
each = pytest.mark.parametrize("codec", UNPACK)


def pack(codec: Codec, data: bytes, piece: int = 1 << 20) -> bytes:
    stream = io.BytesIO()
    with PackedWriter(codec, stream) as packed:
        for begin in range(0, len(data), piece):
            packed.write(data[begin : begin + piece])
    return stream.getvalue()


@each
@pytest.mark.parametrize("data", [b"", b"a", TEXT])
def test_tools_unpack_it(codec: Codec, data: bytes) -> None:
    """What goes in comes out again, nothing at all included."""
    assert data == UNPACK[codec](pack(codec, data))


@each
def test_long_streams_are_flushed_and_whole(codec: Codec) -> None:
    """A stream too long for one call is unpacked like any other, and does not depend on how it was cut."""
    whole = pack(codec, LONG)
    assert LONG == UNPACK[codec](whole)
    assert whole == pack(codec, LONG, piece=3_333_333)


@each
def test_pieces_leave_no_trace(codec: Codec) -> None:
    """How a caller cuts what it writes does not change the result."""
    assert pack(codec, TEXT) == pack(codec, TEXT, piece=997)


# The same on every machine; they change with the release of cramjam or a level, and then every key does.
@pytest.mark.parametrize(
    ("codec", "digest"),
    [
        ("gzip", "d75e73553c6abe08"),
        ("deflate", "369deddef5e0f107"),
        ("xz", "3ce91325986d6231"),
        ("zstd", "6d3dd00b4df09d7b"),
    ],
)
def test_bytes_are_these(codec: Codec, digest: str) -> None:
    """The pinned wheel gives exactly these bytes."""
    assert digest == hashlib.sha256(pack(codec, TEXT)).hexdigest()[:16]


def test_gzip_has_no_stamp() -> None:
    """RFC 1952: no flags, so no name; no time; and no operating system."""
    assert bytes.fromhex("1f8b0800000000") == pack("gzip", b"x")[:7]
    assert 255 == pack("gzip", b"x")[9]


@each
def test_error_leaves_no_end(codec: Codec) -> None:
    """After an error in the block the stream is not ended as if it were whole."""
    stream = io.BytesIO()
    with pytest.raises(OSError, match="gone"), PackedWriter(codec, stream) as packed:
        packed.write(TEXT)
        raise OSError("gone")
    assert b"" == stream.getvalue()


def test_recipe_names_what_decides_the_bytes() -> None:
    """The release of the wheel, its backend, the level, and where streams are flushed."""
    assert f"cramjam {cramjam.__version__}/c gzip 6 8388608/1048576" == recipe("gzip")


def test_other_threads_run_meanwhile() -> None:
    """Packing a file of usual size does not hold the interpreter lock."""
    seen: list[float] = []
    done = threading.Event()

    def watch() -> None:
        while not done.is_set():
            seen.append(time.monotonic())
            time.sleep(0.001)

    watcher = threading.Thread(target=watch)
    watcher.start()
    begin = time.monotonic()
    pack("xz", TEXT * 40, piece=8 << 20)
    end = time.monotonic()
    done.set()
    watcher.join()
    rest = (end - begin) / 4
    assert [moment for moment in seen if begin + rest < moment < end - rest]
