"""What a release is compared with, and what it leaves for the next one."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import anyio
import pytest

from shipways.adapters.files import DiskFiles
from shipways.config.manifestfile import manifest_text
from shipways.errors import ConfigError, Conflict, Problem, Transient
from shipways.model.event import SizeLine, Sizes
from shipways.model.item import Item, Publication, Seen
from shipways.model.manifest import ArtifactEntry, Manifest, PackageEntry
from shipways.model.plan import Mode
from shipways.outside.channels import Outside
from shipways.render.sizes import changes, told
from shipways.run.history import KEPT, Known, compared, kept, knows_release, measured, read_known, recall, remember
from shipways.testing.console import ManualClock
from shipways.testing.doors import CLOSED
from support import sealed

FILES = DiskFiles()


def release(version: str, *entries: tuple[str, int]) -> Manifest:
    """The manifest of a version of `pulse` with these paths and sizes."""
    artifacts = [ArtifactEntry(path=path, kind="file", digest="sha256:0", size=size) for path, size in entries]
    return sealed(PackageEntry(name="pulse", version=version, tag=f"v{version}"), artifacts=artifacts)


def known(label: str, mode: Mode = Mode.RELEASE, **sizes: int) -> Known:
    return Known(label=label, mode=mode, sizes=sizes)


def test_names_without_versions() -> None:
    """A file keeps its name over versions, however its kind of file spells them; another number is left alone."""
    found = measured(
        release(
            "1.2.0-rc.1",
            ("pulse-1.2.0-rc.1-linux.tar.gz", 1),
            ("pulse-1.2.0rc1-py3-none-any.whl", 2),
            ("pulse-11.2.0-rc.12.txt", 3),
        )
    )
    assert {"pulse-{version}-linux.tar.gz": 1, "pulse-{version}-py3-none-any.whl": 2, "pulse-11.2.0-rc.12.txt": 3} == (
        found.sizes
    )
    assert "1.2.0-rc.1" == found.label


def test_image_is_one() -> None:
    """An image has the size of all its parts, for their names are digests."""
    found = measured(release("1.0.0", ("images/pulse/blobs/sha256/aa", 3), ("images/pulse/index.json", 4)))
    assert {"images/pulse": 7} == found.sizes


def test_label_of_several_versions() -> None:
    """Packages with versions of their own are named."""
    packages = [PackageEntry(name=name, version=v, tag=v) for name, v in (("a", "1.0.0"), ("b", "2.0.0"))]
    assert "a 1.0.0, b 2.0.0" == measured(sealed(*packages)).label


def test_changes() -> None:
    """New and gone ones first, then the biggest change; what is the same is not told."""
    sizes = compared(
        known("1.1", same=5, new=7, more=150, less=10, zero=4),
        [known("1.0", same=5, gone=1, more=100, less=300, zero=0)],
    )
    assert [
        ("new", "new"),
        ("gone", "gone"),
        ("less", "-290 B (-96.7%)"),
        ("more", "+50 B (+50.0%)"),
        ("zero", "+4 B"),
    ] == [(change.name, change.text) for change in changes(sizes)]
    assert "sizes, against 1.0: 1 new, 1 gone, 3 of another size, what both have -236 B (-58.3%)" == told(sizes)


def test_nothing_known() -> None:
    """It is said that there is nothing to compare with."""
    sizes = compared(known("1.0", a=1), [])
    assert ((), "sizes: no release before this one is known here, so nothing is compared") == (
        changes(sizes),
        told(sizes),
    )


def test_releases_go_before_snapshots() -> None:
    """Snapshots are compared with only where no release is known; the same version twice counts once, the last."""
    snapshot = known("1.1-snapshot", Mode.SNAPSHOT, a=9)
    assert ("1.0", "2.0") == compared(known("2.0", a=1), [known("1.0", a=1), snapshot]).releases
    assert ("1.1-snapshot", "2.0") == compared(known("2.0", a=1), [snapshot]).releases
    twice = compared(known("2.0", a=1), [known("1.0", a=1), known("2.0", a=5), known("1.0", a=2)])
    assert Sizes(releases=("1.0", "2.0"), lines=(SizeLine(name="a", sizes=(2, 1)),)) == twice


def test_named_one_comes_last() -> None:
    """What the user names is compared with, also when it is the same version."""
    before = [known(f"0.{number}", a=1) for number in range(20)]
    sizes = compared(known("1.0", a=3), before, known("1.0", a=2))
    assert ("0.19", "1.0", "1.0") == sizes.releases[-3:]
    assert (2, 3) == sizes.lines[0].sizes[-2:]
    assert KEPT == len(sizes.releases)


def test_part_of_a_release_lacks_nothing() -> None:
    """What a build of some steps did not make is not gone."""
    assert ["a"] == [line.name for line in compared(known("2", a=1), [known("1", a=1, b=1)], partial=True).lines]


def test_ledger_remembers(tmp_path: Path) -> None:
    """A run leaves its sizes for the next one, once for the same bytes; lines of others are passed over."""
    one, two = release("1.0.0", ("pulse-1.0.0", 5)), release("1.1.0", ("pulse-1.1.0", 6))
    assert () == recall(FILES, tmp_path)
    for manifest in (one, one, two, two, one):
        remember(FILES, tmp_path, manifest, Mode.RELEASE, ManualClock())
    with (tmp_path / "ledger.jsonl").open("a") as ledger:
        ledger.write('{"step": "a", "seconds": 1}\n{"sizes": 5}\n{"sizes"\n')
    assert ["1.0.0", "1.1.0", "1.0.0"] == [each.label for each in recall(FILES, tmp_path)]
    assert {"pulse-{version}": 5} == recall(FILES, tmp_path)[0].sizes


def test_manifest_of_the_user(tmp_path: Path) -> None:
    """A manifest that is named is read; what cannot be, or is none, is an error that names it."""
    path = tmp_path / "manifest.json"
    with pytest.raises(ConfigError, match="cannot be read"):
        read_known(FILES, path)
    path.write_text(manifest_text(release("1.0.0", ("a", 1))))
    assert ("1.0.0", {"a": 1}) == (read_known(FILES, path).label, read_known(FILES, path).sizes)
    path.write_text("{}")
    with pytest.raises(ConfigError, match="not a manifest"):
        read_known(FILES, path)


@dataclass
class Shelf:
    """A place that keeps manifests by tag, or does not answer."""

    name: str
    manifests: dict[str, Manifest]
    fails: bool = False

    def desired(self, manifest: Manifest) -> Sequence[Item]:
        return ()

    async def observe(self, outside: Outside, items: Sequence[Item]) -> Mapping[str, Seen]:
        return {}

    async def apply(self, outside: Outside, item: Item, seen: Seen) -> Publication:
        raise AssertionError(item)

    async def sealed(self, outside: Outside, tag: str, into: Path) -> bool:
        if self.fails:
            raise Transient(Problem(what="does not answer"))
        if tag in self.manifests:
            into.write_text(manifest_text(self.manifests[tag]))
        return tag in self.manifests

    async def retract(self, outside: Outside, item: Item, seen: Seen) -> None:
        raise AssertionError(item)


def ask(folder: Path, *shelves: Shelf, tags: tuple[str, ...] = ("v1.0.0",)) -> Known | None:
    return anyio.run(kept, shelves, "p", tags, folder, CLOSED)


def digested(version: str, path: str, size: int) -> Manifest:
    entry = ArtifactEntry(path=path, kind="file", digest="sha256:" + "0" * 64, size=size)
    return sealed(PackageEntry(name="pulse", version=version, tag=f"v{version}"), artifacts=[entry])


def test_kept_by_a_place(tmp_path: Path) -> None:
    """The first place that has the manifest of a tag tells its sizes; those of several tags count together."""
    full = Shelf("b", {"v1.0.0": digested("1.0.0", "a", 1), "v2.0.0": digested("2.0.0", "b", 2)})
    found = ask(tmp_path, Shelf("a", {}), full)
    assert found
    assert ("1.0.0", {"a": 1}) == (found.label, found.sizes)
    found = ask(tmp_path, full, tags=("v1.0.0", "v2.0.0"))
    assert found
    assert ("1.0.0, 2.0.0", {"a": 1, "b": 2}) == (found.label, found.sizes)
    assert ask(tmp_path, Shelf("a", {})) is None
    assert ask(tmp_path, full, tags=()) is None


def test_place_that_fails(tmp_path: Path) -> None:
    """A place that does not answer, or has the manifest of another tag, is an error for the caller."""
    with pytest.raises(Transient):
        ask(tmp_path, Shelf("a", {}, fails=True))
    with pytest.raises(Conflict, match="not of v1"):
        ask(tmp_path, Shelf("a", {"v1.0.0": digested("3.0.0", "a", 1)}))


def test_release_among_snapshots() -> None:
    """Only a release of another version is one that this can be compared with."""
    now = known("1.1", a=1)
    snapshot = known("1.0-snapshot", Mode.SNAPSHOT)
    assert [False, True] == [knows_release(now, before) for before in ([snapshot, known("1.1")], [known("1.0")])]
