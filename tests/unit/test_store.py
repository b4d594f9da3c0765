"""The store on disk: what `cache` shows and removes."""

import os
from pathlib import Path

import anyio
import pytest

from shipways.adapters.store import DiskStore
from shipways.errors import PreflightError
from shipways.model.artifact import Kind, Output
from shipways.model.digest import digest_of

LONG_AGO = 1_000_000_000


class Shelf:
    """A store, and results put into it."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.store = DiskStore(root)

    def put(self, name: str, text: str) -> str:
        """A result of one file that was used long ago; its key."""

        async def save() -> None:
            with self.store.scratch() as folder:
                (folder / "file").write_text(text)
                await self.store.save(digest_of(name), [Output(name="file", kind=Kind.FILE, path=folder / "file")])

        anyio.run(save)
        for result in (self.root / "results").rglob("*.json"):
            os.utime(result, (LONG_AGO, LONG_AGO))
        return digest_of(name)

    def has(self, key: str) -> bool:
        return anyio.run(self.store.load, key) is not None


@pytest.fixture
def shelf(tmp_path: Path) -> Shelf:
    return Shelf(tmp_path / "store")


def test_prune(shelf: Shelf) -> None:
    """A result that was not used for a while goes, with the bytes that no other result names; one just read stays."""
    shared, old, read = shelf.put("shared", "same"), shelf.put("old", "seldom"), shelf.put("read", "same")
    assert shelf.has(read)
    assert (1, len("seldom")) == shelf.store.prune(LONG_AGO + 1)
    assert [False, False, True] == [shelf.has(key) for key in (shared, old, read)]


def test_prune_of_nothing(shelf: Shelf) -> None:
    """A store that is not there yet has nothing to show or remove."""
    assert ({}, (0, 0), (0, 0)) == (shelf.store.usage(), shelf.store.prune(LONG_AGO), shelf.store.clear())


def test_broken_result(shelf: Shelf) -> None:
    """A result that cannot be read keeps no bytes."""
    key = shelf.put("a", "text")
    for result in (shelf.root / "results").rglob("*.json"):
        result.write_text("[")
    assert (1, 4) == shelf.store.prune(LONG_AGO)
    assert not shelf.has(key)


def test_usage(shelf: Shelf) -> None:
    """Usage counts files and bytes of each part."""
    shelf.put("a", "text")
    usage = shelf.store.usage()
    assert (1, 4) == usage["objects"]
    assert 1 == usage["results"][0]


def test_clear(shelf: Shelf) -> None:
    """Everything goes, write-protected compiler caches too."""
    key = shelf.put("a", "text")
    cache = shelf.root / "caches" / "mod"
    cache.mkdir(parents=True)
    (cache / "file").write_text("x")
    cache.chmod(0o500)
    shelf.store.clear()
    assert not shelf.has(key)
    assert [] == list(shelf.root.iterdir())


def test_not_while_a_run_uses_it(shelf: Shelf) -> None:
    """Nothing is removed under a run; the scratch folder of one that was killed does not count."""
    key = shelf.put("a", "text")
    (shelf.root / "tmp" / "run-dead").mkdir()
    (shelf.root / "tmp" / "run-dead.lock").touch()
    with shelf.store.scratch():
        for remove in (lambda: shelf.store.prune(LONG_AGO + 1), shelf.store.clear):
            with pytest.raises(PreflightError, match="a run is using the store"):
                remove()
    assert shelf.has(key)
    shelf.store.clear()
