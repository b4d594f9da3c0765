"""Plain lines on a stream that is no terminal, and JSON lines for programs."""

import dataclasses
import json
from typing import TextIO

from shipways.model.digest import shortened
from shipways.model.event import Event, Failed, Finished, Note, Sizes, Skipped, Started, Table
from shipways.render.sizes import told


class PlainConsole:
    """The `Console` port as lines: progress on `log`, results on `out`."""

    def __init__(self, out: TextIO, log: TextIO) -> None:
        self._out = out
        self._log = log

    def emit(self, event: Event) -> None:
        """One line an event; those without news have none."""
        if line := plain(event):
            print(line, file=self._log, flush=True)

    def print(self, text: str) -> None:
        """The result the user asked for."""
        print(text, file=self._out, flush=True)


class JsonConsole:
    """The `Console` port as JSON lines: `{"event": NAME, …}` on `log`, results on `out`."""

    def __init__(self, out: TextIO, log: TextIO) -> None:
        self._out = out
        self._log = log

    def emit(self, event: Event) -> None:
        """The event's fields, with its name first."""
        print(
            json.dumps({"event": type(event).__name__.lower(), **dataclasses.asdict(event)}), file=self._log, flush=True
        )

    def print(self, text: str) -> None:
        """The result the user asked for."""
        print(text, file=self._out, flush=True)


def plain(event: Event) -> str:  # noqa: C901, PLR0911 - one line an event is the table itself
    """An event as text; empty for one that people need not read."""
    match event:
        case Note():
            return event.text if event.level == "info" else f"{event.level}: {event.text}"
        case Started():
            return f"  start   {event.step}"
        case Finished(cached=True):
            return f"  cached  {event.step}"
        case Finished():
            return f"  made    {event.step}  {event.seconds:.1f} s"
        case Skipped():
            return f"  skip    {event.step}: {event.reason}" + (f" ({event.fix})" if event.fix else "")
        case Failed():
            return f"  failed  {event.step}"
        case Sizes():
            return told(event)
        case Table():
            return table_text(event)
        case _:
            return ""


def table_text(table: Table) -> str:
    """The table with aligned columns."""
    rows = (tuple(name.lstrip("#") for name in table.columns), *(tuple(map(shortened, row)) for row in table.rows))
    widths = [max(len(row[index]) for row in rows) for index in range(len(table.columns))]
    lines = []
    for row in rows:
        cells = zip(row, widths, table.columns, strict=True)
        text = "  ".join(c.rjust(w) if name.startswith("#") else c.ljust(w) for c, w, name in cells)
        lines.append(text.rstrip())
    return "\n".join(["", *lines, "", table.title, *table.remarks])
