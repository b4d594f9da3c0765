"""Live progress on a terminal: a tree of what runs, with times; what is finished collapses into its stage's line."""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal, TextIO

from rich.console import Console, Group
from rich.live import Live
from rich.table import Table as RichTable
from rich.text import Text
from rich.tree import Tree

from shipways.adapters.console import plain
from shipways.model.digest import shortened
from shipways.model.event import Began, Ended, Event, Failed, Finished, Skipped, Started, Table

_PER_SECOND = 8


@dataclass(slots=True, kw_only=True)
class _Stage:
    """The steps whose ids begin with the same word. Times are the clock's."""

    total: int
    made: int = 0
    cached: int = 0
    skipped: int = 0
    begun: float | None = None
    ended: float = 0.0
    running: dict[str, float] = field(default_factory=dict)
    failed: dict[str, float] = field(default_factory=dict)

    def end(self, step: str, now: float) -> float:
        """Take a step off those that run; how long it ran, in seconds."""
        self.ended = now
        return now - self.running.pop(step, now)

    def tree(self, name: str, now: float, *, over: bool) -> Tree:
        """Its line, and below it what runs or has failed. When all is over, what still runs was stopped."""
        counts = [f"{self.made + self.cached} of {self.total}"]
        told = (("cached", self.cached), ("skipped", self.skipped), ("failed", len(self.failed)))
        counts += [f"{count} {what}" for what, count in told if count]
        counts += [f"{len(self.running)} stopped"] if over and self.running else []
        seconds = [] if self.begun is None else [f"  {(now if self.running else self.ended) - self.begun:.1f} s"]
        tree = Tree(_line((name, "bold"), ("  " + ", ".join(counts), ""), *((text, "cyan") for text in seconds)))
        for step, begun in () if over else self.running.items():
            tree.add(_line((f"{now - begun:5.1f} s  ", "cyan"), (step, "")))
        for step, took in self.failed.items():
            tree.add(_line((f"{took:5.1f} s  failed  {step}", "red")))
        return tree


class LiveConsole:
    """The `Console` port on a terminal: progress and the closing table on `log`, results on `out`.

    The terminal is redrawn by a thread of its own, so `_lock` guards the stages; nothing is printed while it is held.
    """

    def __init__(self, out: TextIO, log: TextIO, clock: Callable[[], float] = time.monotonic) -> None:
        self._out = out
        self._clock = clock
        self._console = Console(file=log, markup=False, highlight=False, emoji=False)
        self._live: Live | None = None
        self._lock = threading.Lock()
        self._stages: dict[str, _Stage] = {}
        self._over = False

    def emit(self, event: Event) -> None:
        """Show an event: in the tree when it is about a step that runs, else as a line above it."""
        match event:
            case Began():
                self._begin(event.steps)
            case Started() | Finished() | Failed():
                self._count(event)
            case Ended():
                self._end()
            case Table():
                self._console.print(_table(event, self._console.width))
            case _:
                self._count(event)
                if line := plain(event):
                    self._console.print(line, style="yellow" if isinstance(event, Skipped) else "")

    def print(self, text: str) -> None:
        """The result the user asked for."""
        print(text, file=self._out, flush=True)

    def _begin(self, steps: tuple[str, ...]) -> None:
        for step in steps:
            self._stages.setdefault(step.partition("/")[0], _Stage(total=0)).total += 1
        self._live = Live(get_renderable=self._draw, console=self._console, refresh_per_second=_PER_SECOND)
        self._live.start()

    def _end(self) -> None:
        """Leave the last picture on the screen and give the cursor back."""
        with self._lock:
            self._over = True
        if self._live is not None:
            self._live.stop()
            self._live = None

    def _draw(self) -> Group:
        with self._lock:
            now = self._clock()
            return Group(*(stage.tree(name, now, over=self._over) for name, stage in self._stages.items()))

    def _count(self, event: Event) -> None:
        if not isinstance(event, Started | Finished | Failed | Skipped):
            return
        name, _, step = event.step.partition("/")
        with self._lock:
            stage, now = self._stages.get(name), self._clock()
            if stage is None:  # a skip of the plan, told before the work begins
                return
            match event:
                case Started():
                    stage.begun = now if stage.begun is None else stage.begun
                    stage.running[step] = now
                case Finished():
                    stage.end(step, now)
                    stage.cached += event.cached
                    stage.made += not event.cached
                case Skipped():
                    stage.end(step, now)
                    stage.skipped += 1
                case Failed():
                    stage.failed[step] = stage.end(step, now)


def _line(*parts: tuple[str, str]) -> Text:
    """One line, cut where the terminal ends."""
    return Text.assemble(*parts, no_wrap=True, overflow="ellipsis")


def _table(table: Table, width: int) -> Group:
    """The table, its title and remarks below it. A narrow terminal leaves out text columns, the last first."""
    rows = [tuple(map(shortened, row)) for row in table.rows]
    widths = [max(len(cell) for cell in column) for column in zip(table.columns, *rows, strict=True)]
    shown = list(range(len(widths)))
    for index in reversed(shown[1:]):
        if sum(widths[i] + 2 for i in shown) > width and not table.columns[index].startswith("#"):
            shown.remove(index)
    drawn = RichTable(box=None, header_style="bold", pad_edge=False)
    for name in (table.columns[index] for index in shown):
        side: Literal["left", "right"] = "right" if name.startswith("#") else "left"
        drawn.add_column(name.removeprefix("#"), justify=side, no_wrap=side == "right", overflow="fold")
    for row in rows:
        drawn.add_row(*(Text(row[index]) for index in shown))
    remarks = [Text(remark, style="yellow") for remark in table.remarks]
    return Group("", drawn, "", Text(table.title, style="bold"), *remarks)
