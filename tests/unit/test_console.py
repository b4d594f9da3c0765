"""How events look: as lines, as JSON, and on a terminal."""

import io
import json
from collections.abc import Sequence

import pytest

from shipways.adapters.console import JsonConsole, PlainConsole
from shipways.adapters.live import LiveConsole
from shipways.model.event import (
    Began,
    Ended,
    Event,
    Failed,
    Finished,
    Note,
    Planned,
    SizeLine,
    Sizes,
    Skipped,
    Started,
    Table,
)
from shipways.testing.console import ManualClock
from support import plan_record

TABLE = Table(
    title="dist/  2 artifacts",
    columns=("artifact", "kind", "#size", "digest"),
    rows=(
        ("a.tar.gz", "archive", "9 B", "sha256:0123456789ab" + "0" * 52),
        ("long/name.txt", "file", "10 kB", "ba9876543210"),
    ),
    remarks=("b is skipped: no compiler",),
)
PLAN = plan_record()
EVENTS: Sequence[tuple[Event, str]] = (
    (Note(text="snapshot: why"), "snapshot: why\n"),
    (Note(text="old", level="warning"), "warning: old\n"),
    (Began(steps=("builders/a",)), ""),
    (Started(step="builders/a"), "  start   builders/a\n"),
    (Finished(step="builders/a", seconds=1.25, size=9, cached=False), "  made    builders/a  1.2 s\n"),
    (Finished(step="builders/a", seconds=0.1, size=9, cached=True), "  cached  builders/a\n"),
    (Skipped(step="b", kind="toolchain", reason="no compiler", fix=""), "  skip    b: no compiler\n"),
    (Skipped(step="b", kind="image", reason="no", fix="do"), "  skip    b: no (do)\n"),
    (Failed(step="c", reason="long story"), "  failed  c\n"),
    (Ended(), ""),
    (
        Sizes(releases=("1.0", "1.1"), lines=(SizeLine(name="a", sizes=(100, 150)),)),
        "sizes, against 1.0: 1 of another size, what both have +50 B (+50.0%)\n",
    ),
    (Planned(plan=PLAN), ""),
    (
        TABLE,
        "\nartifact       kind      size  digest\n"
        "a.tar.gz       archive    9 B  0123456789ab\n"
        "long/name.txt  file     10 kB  ba9876543210\n\n"
        "dist/  2 artifacts\nb is skipped: no compiler\n",
    ),
)


@pytest.mark.parametrize(("event", "expected"), EVENTS)
def test_plain(event: Event, expected: str) -> None:
    """An event is a line for people, or nothing; results go to the other stream."""
    out, log = io.StringIO(), io.StringIO()
    PlainConsole(out, log).emit(event)
    assert ("", expected) == (out.getvalue(), log.getvalue())


@pytest.mark.parametrize(("event", "_"), EVENTS)
def test_json(event: Event, _: str) -> None:
    """Every event is a line of JSON: its name, then its fields."""
    log = io.StringIO()
    JsonConsole(io.StringIO(), log).emit(event)
    [line] = log.getvalue().splitlines()
    names = list(json.loads(line))
    assert ["event", *type(event).__dataclass_fields__] == names
    assert type(event).__name__.lower() == json.loads(line)["event"]


@pytest.mark.parametrize("console", [PlainConsole, JsonConsole, LiveConsole])
def test_results(console: type[PlainConsole] | type[JsonConsole] | type[LiveConsole]) -> None:
    """What the user asked for goes to the output as it is, and nothing to the log."""
    out, log = io.StringIO(), io.StringIO()
    console(out, log).print("{} [b] ✓")
    assert ("{} [b] ✓\n", "") == (out.getvalue(), log.getvalue())


class TestLive:
    """A terminal, without one: what rich leaves when the display ends is what stays on the screen."""

    @pytest.fixture(autouse=True)
    def terminal(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """80 columns, no colours."""
        for name, value in {"COLUMNS": "80", "NO_COLOR": "1", "TERM": "xterm"}.items():
            monkeypatch.setenv(name, value)

    def shown(self, *events: Event) -> list[str]:
        """What is left of these events, a second apart."""
        log, clock = io.StringIO(), ManualClock()
        console = LiveConsole(io.StringIO(), log, clock=clock.monotonic)
        for event in events:
            clock.advance(1)
            console.emit(event)
        return [line.rstrip() for line in log.getvalue().splitlines()]

    def test_finished(self) -> None:
        """Finished steps collapse into the line of their stage, with counts and time."""
        steps = ("builders/a/x", "builders/a/y", "bundle/a")
        expected = ["builders  2 of 2, 1 cached  1.0 s", "bundle  0 of 1, 1 skipped"]
        told = self.shown(
            Began(steps=steps),
            Finished(step=steps[0], seconds=0, size=1, cached=True),
            Started(step=steps[1]),
            Finished(step=steps[1], seconds=1, size=1, cached=False),
            Skipped(step=steps[2], kind="toolchain", reason="no [tool]", fix=""),
            Ended(),
        )
        assert ["  skip    bundle/a: no [tool]", *expected] == told

    def test_failed(self) -> None:
        """A failure stays visible; what ran beside it was stopped."""
        steps = ("builders/a/x", "builders/a/y")
        told = self.shown(
            Began(steps=steps),
            Started(step=steps[0]),
            Started(step=steps[1]),
            Failed(step=steps[0], reason="x"),
            Ended(),
        )
        assert ["builders  0 of 2, 1 failed, 1 stopped  3.0 s", "└──   2.0 s  failed  a/x"] == told

    def test_before_the_work(self) -> None:
        """What is told before the work begins, or without any work, is a line."""
        skip = Skipped(step="builders/a", kind="toolchain", reason="no", fix="do")
        assert ["why", "  skip    builders/a: no (do)"] == self.shown(Note(text="why"), skip, Ended())

    def test_table(self) -> None:
        """The closing table has its title and remarks below it."""
        assert [
            "",
            "artifact       kind      size  digest",
            "a.tar.gz       archive    9 B  0123456789ab",
            "long/name.txt  file     10 kB  ba9876543210",
            "",
            "dist/  2 artifacts",
            "b is skipped: no compiler",
        ] == self.shown(TABLE)

    def test_without_words(self) -> None:
        """An event of which people need not read leaves no empty line."""
        assert [] == self.shown(Planned(plan=PLAN))

    def test_narrow(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """A narrow terminal leaves out text columns and keeps names and numbers."""
        monkeypatch.setenv("COLUMNS", "30")
        assert ["", "artifact        size", "a.tar.gz         9 B", "long/name.txt  10 kB"] == self.shown(TABLE)[:4]
