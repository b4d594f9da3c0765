"""Remembers what happens in a run, with times, for the report; whatever is shown to people goes through it."""

from shipways.model.event import Event, Printed
from shipways.ports import Clock, Console


class Journal:
    """The `Console` port before another one. What commands print is not kept: a report is no log."""

    def __init__(self, inner: Console, clock: Clock) -> None:
        self._inner = inner
        self._clock = clock
        self._entries: list[tuple[float, Event]] = []

    def emit(self, event: Event) -> None:
        """Keep the event with its time, and show it."""
        if not isinstance(event, Printed):
            self._entries.append((self._clock.monotonic(), event))
        self._inner.emit(event)

    def print(self, text: str) -> None:
        """The result the user asked for."""
        self._inner.print(text)

    @property
    def entries(self) -> tuple[tuple[float, Event], ...]:
        """Every event so far, with the seconds of the monotonic clock when it was told."""
        return tuple(self._entries)
