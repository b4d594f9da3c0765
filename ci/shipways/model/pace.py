"""How fast a registry lets a release go, as a token bucket: known before the start, so no wait is a surprise."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Limit:
    """`burst` at once, then one more every `every` seconds."""

    burst: int
    every: float

    def seconds(self, count: int) -> float:
        """How long it takes at least until the last of so many may go, when nothing went before."""
        return max(0, count - self.burst) * self.every


def wait_text(seconds: float) -> str:
    """What people are told of a place that makes a release last so long."""
    return f"takes at least {seconds / 60:.0f} min, for the place takes only so many at a time"


@dataclass(slots=True, kw_only=True)
class Bucket:
    """What is left of a limit at a moment. Times are of one clock, in seconds."""

    limit: Limit
    level: float
    at: float

    def wait(self, now: float) -> float:
        """How long until the next one may go."""
        self.level = min(self.limit.burst, self.level + (now - self.at) / self.limit.every)
        self.at = now
        return max(0.0, (1 - self.level) * self.limit.every)

    def take(self) -> None:
        """One goes."""
        self.level -= 1

    def refused(self, now: float, after: float) -> None:
        """The place has refused one, and takes the next after so many seconds."""
        self.level, self.at = 1 - after / self.limit.every, now
