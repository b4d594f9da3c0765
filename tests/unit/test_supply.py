"""What is brought back for a release that is finished elsewhere, and whom it trusts."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import anyio
import pytest

from shipways.adapters.files import DiskFiles
from shipways.config.manifestfile import FILE_NAME, manifest_text, read_sealed
from shipways.errors import Conflict, Problem, Transient
from shipways.model.digest import digest_bytes
from shipways.model.item import Item, ItemKind, Phase, Seen
from shipways.model.manifest import ArtifactEntry, Manifest, PackageEntry
from shipways.model.outcome import Outcome, Row, State
from shipways.outside.channels import Outside
from shipways.run.reconciler import Around
from shipways.run.supply import Sealed, agreed, bring, held, needed, sources, trust
from shipways.testing.console import ManualClock, RecordingConsole
from shipways.testing.doors import CLOSED
from shipways.testing.place import Place, PlaceChannel
from support import sealed

PACKAGE = PackageEntry(name="demo", version="1.0.0", tag="v1.0.0")
A, B = (ArtifactEntry(path=name, kind="file", digest=digest_bytes(name.encode()), size=1) for name in ("a", "x/b"))
MANIFEST = sealed(PACKAGE, artifacts=(A, B), project="demo")


class Shelf(PlaceChannel):
    """A channel that gives back what it is told to."""

    def __init__(self, name: str, gives: Mapping[str, bytes], busy: int = 0) -> None:
        super().__init__(name, Place(), ())
        self.gives = gives
        self.busy = busy

    async def fetch(self, outside: Outside, item: Item, seen: Seen, artifact: ArtifactEntry, into: Path) -> None:
        self.busy -= 1
        if self.busy >= 0:
            raise Transient(Problem(path=item.id, what="busy"))
        into.write_bytes(self.gives[artifact.path])


def row(name: str, state: State, path: str = "", *parts: str, kind: ItemKind = ItemKind.STAGED) -> Row:
    """How an item stands."""
    item = Item(id=name, kind=kind, phase=Phase.STAGE, want="w", path=path, parts=parts)
    there = state is State.DONE
    return Row(item=item, state=state, before="w" if there else "", stamp="s" if there else "")


@dataclass
class Machine:
    """A folder where artifacts are brought to."""

    folder: Path
    console: RecordingConsole = field(default_factory=RecordingConsole)

    def bring(self, outcome: Outcome, *shelves: Shelf) -> tuple[ArtifactEntry, ...]:
        around = Around(outside=CLOSED, console=self.console, clock=ManualClock())
        places = sources(shelves, outcome)
        return anyio.run(lambda: bring(needed(MANIFEST, outcome), places, self.folder, DiskFiles(), around))

    def notes(self) -> str:
        return "\n".join(self.console.notes)


def test_needed() -> None:
    """Only what is still to be sent, each once: not what is there, was kept, or is in conflict; nor the manifest."""
    rows = [row("1", state, "a") for state in (State.DONE, State.KEPT, State.CONFLICT)]
    assert () == needed(MANIFEST, Outcome(rows=tuple(rows), begun=False))
    rows += [row("2", State.PENDING, "x/b"), row("3", State.FAILED, FILE_NAME), row("4", State.PENDING, "a", "x/b")]
    assert (B, A) == needed(MANIFEST, Outcome(rows=tuple(rows), begun=False))


def test_held() -> None:
    """A place holds what it has, with all parts; a check that has passed holds nothing."""
    passed = Row(item=row("check", State.DONE, "a").item, state=State.DONE, before="w")
    rows = (row("1", State.DONE, "a", "x/b"), row("2", State.PENDING, "a"), passed)
    assert ["a", "x/b"] == [path for _, path in held(Outcome(rows=rows, begun=False))]


def test_bring(tmp_path: Path) -> None:
    """From the first place with the right bytes; a place that is busy is asked again; what lies there stays."""
    outcome = Outcome(
        rows=(
            row("bad/a", State.DONE, "a"),
            row("good/a", State.DONE, "a", "x/b"),
            row("y", State.PENDING, "a", "x/b"),
        ),
        begun=False,
    )
    machine = Machine(tmp_path)
    assert () == machine.bring(
        outcome, Shelf("bad", {"a": b"other"}), Shelf("good", {"a": b"a", "x/b": b"x/b"}, busy=2)
    )
    assert (b"a", b"x/b") == ((tmp_path / "a").read_bytes(), (tmp_path / "x" / "b").read_bytes())
    assert "bad/a: sends other bytes" in machine.notes()
    assert () == Machine(tmp_path).bring(outcome)


def test_missing(tmp_path: Path) -> None:
    """What no place has is told, and wrong bytes are not left."""
    outcome = Outcome(rows=(row("bad/a", State.DONE, "a"), row("y", State.PENDING, "a")), begun=False)
    assert (A,) == Machine(tmp_path).bring(outcome, Shelf("bad", {"a": b"other"}))
    assert [] == list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("states", "trusted"),
    [
        ([], True),
        ([State.DONE], True),
        ([State.DONE, State.PENDING], True),
        ([State.PENDING], False),
        ([State.FAILED], False),
        ([State.DONE, State.CONFLICT], False),
    ],
)
def test_trust(states: list[State], *, trusted: bool) -> None:
    """Where a manifest is to be signed, one proof must hold and none may contradict; nothing else counts as one."""
    rows = [row("o", State.PENDING, "a", kind=ItemKind.PROOF), row("m", State.PENDING, FILE_NAME)]
    rows += [row(f"p{number}", state, FILE_NAME, kind=ItemKind.PROOF) for number, state in enumerate(states)]
    outcome = Outcome(rows=tuple(rows), begun=True)
    if trusted:
        trust(outcome)
    else:
        with pytest.raises(Conflict):
            trust(outcome)


def test_agreed() -> None:
    """Stages with different manifests are a conflict, in which each is named."""
    one = Sealed(channel="github", data=b"1", manifest=MANIFEST)
    two = Sealed(channel="files", data=b"2", manifest=MANIFEST)
    assert one == agreed((one, one))
    with pytest.raises(Conflict, match=r"(?s)github/manifest.json.*files/manifest.json"):
        agreed((one, two))


def read(manifest: Manifest, tag: str = "v1.0.0", project: str = "demo") -> Manifest:
    """As it comes from outside."""
    return read_sealed(manifest_text(manifest).encode(), project=project, tag=tag)


def test_read_sealed() -> None:
    """The manifest of a tag is read as it is; that of another tag or project, or no manifest, is a conflict."""
    assert MANIFEST == read(MANIFEST)
    for tag, project, told in (("v2.0.0", "demo", "not of v2.0.0"), ("v1.0.0", "other", "not of other")):
        with pytest.raises(Conflict, match=told):
            read(MANIFEST, tag, project)
    with pytest.raises(Conflict, match="is not a manifest"):
        read_sealed(b"{}", project="demo", tag="v1.0.0")
    with pytest.raises(Conflict, match="says more than this shipways understands"):
        read_sealed(manifest_text(MANIFEST).encode() + b"\n", project="demo", tag="v1.0.0")


@pytest.mark.parametrize(
    "path", ["../a", "/etc/passwd", "a/../../b", "a//b", "", "a\\b", "manifest.json", "ledger.jsonl"]
)
def test_paths(path: str) -> None:
    """A path that leads out of dist/, or is that of a record, is nobody's artifact."""
    entry = ArtifactEntry(path=path, kind="file", digest=A.digest, size=1)
    with pytest.raises(Conflict, match="cannot be that of an artifact"):
        read(sealed(PACKAGE, artifacts=(entry,), project="demo"))


def test_digests() -> None:
    """Every artifact has one digest."""
    with pytest.raises(Conflict, match="has no digest of a"):
        read(sealed(PACKAGE, artifacts=(ArtifactEntry(path="a", kind="file", digest="md5:0", size=1),), project="demo"))
    with pytest.raises(Conflict, match="has a more than once"):
        read(sealed(PACKAGE, artifacts=(A, A), project="demo"))
