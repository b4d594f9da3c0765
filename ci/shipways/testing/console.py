"""A console that remembers, and a clock that moves when told."""

from shipways.model.event import Event, Note


class RecordingConsole:
    """The `Console` port: keeps every event and every printed text."""

    def __init__(self) -> None:
        self.events: list[Event] = []
        self.printed: list[str] = []

    def emit(self, event: Event) -> None:
        """Keep the event."""
        self.events.append(event)

    def print(self, text: str) -> None:
        """Keep the text."""
        self.printed.append(text)

    @property
    def notes(self) -> list[str]:
        """The texts of the lines for people."""
        return [event.text for event in self.events if isinstance(event, Note)]


class ManualClock:
    """The `Clock` port: stands still until `advance`."""

    def __init__(self, start: float = 0.0) -> None:
        self._now = start

    def now(self) -> float:
        """Seconds since 1970."""
        return self._now

    def monotonic(self) -> float:
        """Seconds for measuring."""
        return self._now

    def advance(self, seconds: float) -> None:
        """Let time pass."""
        self._now += seconds

    async def sleep(self, seconds: float) -> None:
        """Let that time pass at once."""
        self._now += seconds
