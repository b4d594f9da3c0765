"""The step summary of GitHub Actions: what people read of a job without opening its log."""

from pathlib import Path
from typing import Final

from shipways.model.event import Event, Listing, Note, Sizes, Table
from shipways.ports import Console
from shipways.render.markdown import listing_markdown, sizes_markdown, table_markdown

LIMIT: Final = 1024 * 1024
"""Bytes of one step's summary; GitHub shows none of a bigger one (Workflow commands, "Step isolation and limits")."""


class SummaryConsole:
    """The `Console` port beside another one: closing tables and listings are appended to the file of
    GITHUB_STEP_SUMMARY too.
    """

    def __init__(self, inner: Console, path: Path) -> None:
        self._inner = inner
        self._path = path

    def emit(self, event: Event) -> None:
        """Show the event; a table, a listing, or what has changed, also stands in the summary."""
        self._inner.emit(event)
        try:
            self._append(event)
        except OSError as error:  # a release does not fail because nobody sees its summary
            why = error.strerror or str(error)
            self._inner.emit(Note(text=f"GITHUB_STEP_SUMMARY cannot be written: {why}", level="warning"))

    def print(self, text: str) -> None:
        """The result the user asked for."""
        self._inner.print(text)

    def _append(self, event: Event) -> None:
        if not isinstance(event, Table | Sizes | Listing):
            return
        with self._path.open("ab") as stream:
            stream.write(_markdown(event, LIMIT - stream.tell()).encode())


def _markdown(event: Table | Sizes | Listing, room: int) -> str:
    match event:
        case Table():
            return table_markdown(event, room)
        case Sizes():
            return sizes_markdown(event, room)
        case Listing():
            return listing_markdown(event, room)
