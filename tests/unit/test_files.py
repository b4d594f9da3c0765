"""A folder as a stage: the manifest of a tag, and what goes away again."""

from dataclasses import replace
from pathlib import Path

import anyio
import pytest

from shipways.config.manifestfile import manifest_digest
from shipways.config.publish import FilesTable
from shipways.errors import Moved
from shipways.model.item import Phase, Seen
from shipways.model.manifest import ArtifactEntry, PackageEntry
from shipways.publish.files import FilesChannel
from shipways.testing.bucket import MemoryBucket
from shipways.testing.doors import CLOSED
from support import sealed

CHANNEL = FilesChannel(table=FilesTable(folder="/"), project="p")
FORMULA = ArtifactEntry(path="formula/p.rb", kind="formula", digest="sha256:0", size=1)
MANIFEST = sealed(PackageEntry(name="p", version="1.0.0", tag="v1.0.0"), artifacts=(FORMULA,), project="p")


def test_items() -> None:
    """The manifest is staged beside before it is public; a formula keeps its folder."""
    items = {item.id: item for item in CHANNEL.desired(MANIFEST)}
    staged, public = items["files/p/staged/v1.0.0/manifest.json"], items["files/p/v1.0.0/manifest.json"]
    assert (Phase.STAGE, True, manifest_digest(MANIFEST)) == (staged.phase, staged.passing, staged.want)
    assert (Phase.COMMIT, (staged.id,)) == (public.phase, public.needs)
    assert "files/p/v1.0.0/formula/p.rb" in items


def test_sealed(tmp_path: Path) -> None:
    """The published manifest goes before the staged one; without either there is none."""
    bucket = MemoryBucket()
    outside = replace(CLOSED, bucket=lambda _: bucket)

    def told() -> bytes:
        found = anyio.run(CHANNEL.sealed, outside, "v1.0.0", tmp_path / "into")
        return (tmp_path / "into").read_bytes() if found else b""

    assert b"" == told()
    bucket.files["p/staged/v1.0.0/manifest.json"] = b"staged"
    assert b"staged" == told()
    bucket.files["p/v1.0.0/manifest.json"] = b"public"
    assert b"public" == told()


def test_retract() -> None:
    """A staged file goes away, unless it is not what was seen."""
    bucket = MemoryBucket()
    bucket.files["p/v1.0.0/formula/p.rb"] = b"1"
    outside = replace(CLOSED, bucket=lambda _: bucket)
    item = next(item for item in CHANNEL.desired(MANIFEST) if item.path == FORMULA.path)
    with pytest.raises(Moved):
        anyio.run(CHANNEL.retract, outside, item, Seen(value="x", stamp="sha256:0"))
    anyio.run(CHANNEL.retract, outside, item, Seen(value="x", stamp=anyio.run(bucket.digest, "p/v1.0.0/formula/p.rb")))
    assert {} == bucket.files
