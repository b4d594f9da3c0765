"""Layers are read in every packing that registries have."""

import hashlib
from collections.abc import Callable
from pathlib import Path

import cramjam
import pytest

from imaging import gzipped, tarred
from shipways.errors import BuildError
from shipways.images.measure import Contents, measure, stacked
from shipways.model.oci import LAYER, LAYER_GZIP, LAYER_ZSTD

TREE = tarred({"a": None, "a/big": bytes(3000), "a/small": b"x", "./b/": None, "link": "a"})


def read(tmp_path: Path, data: bytes, media_type: str) -> Contents:
    place = tmp_path / "layer"
    place.write_bytes(data)
    with place.open("rb") as stream:
        return measure(stream, media_type, tmp_path)


@pytest.mark.parametrize(
    ("media_type", "pack"),
    [(LAYER, bytes), (LAYER_GZIP, gzipped), (LAYER_ZSTD, lambda data: bytes(cramjam.zstd.compress(data)))],
)
def test_every_packing(tmp_path: Path, media_type: str, pack: Callable[[bytes], bytes]) -> None:
    """The diff_id is the digest of the tar archive, however it is packed; sizes count files."""
    found = read(tmp_path, pack(TREE), media_type)
    assert "sha256:" + hashlib.sha256(TREE).hexdigest() == found.diff_id
    assert (3001, ((3000, "a/big"), (1, "a/small"))) == (found.size, found.largest)
    assert ({"a", "b"}, {"link": "a"}) == (found.folders.keys(), found.links)


@pytest.mark.parametrize(
    ("media_type", "data"),
    [
        (LAYER_GZIP, gzipped(TREE)[:-20]),
        (LAYER_GZIP, b"no gzip"),
        (LAYER_ZSTD, b"no zstd"),
        (LAYER, b"no tar" * 500),
        ("application/x-other", TREE),
    ],
)
def test_broken_layers(tmp_path: Path, media_type: str, data: bytes) -> None:
    """What is no layer is a problem, not a traceback."""
    with pytest.raises(BuildError):
        read(tmp_path, data, media_type)


def test_highest_layer_wins(tmp_path: Path) -> None:
    """A link that a higher layer makes a folder is one no more, and the other way round."""
    low, high = (
        read(tmp_path, tarred(tree), LAYER) for tree in ({"x": "y", "z": "y", "f": None}, {"x": None, "f": "y"})
    )
    folders, links = stacked((low, high))
    assert ({"x"}, {"z": "y", "f": "y"}) == (folders.keys(), links)
