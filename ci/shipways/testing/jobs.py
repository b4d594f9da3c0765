"""A journal of jobs and a book in memory."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from shipways.model.job import Job, JobNews, JobStatus
from shipways.model.secret import Secret
from shipways.outside.jobs import Asked, Bounds
from shipways.outside.moves import Moves
from shipways.testing.moves import MemoryMoves

_HIDDEN = Secret("")


@dataclass(slots=True)
class MemoryBook:
    """The `Book` port: each line is an element, the last one perhaps a torn one."""

    text: bytes = b""

    def lines(self) -> Iterator[bytes]:
        """All of it."""
        yield from self.text.splitlines(keepends=True)

    def append(self, line: bytes) -> None:
        """At the end."""
        self.text += line

    def shorten(self, size: int) -> None:
        """The end goes."""
        self.text = self.text[:size]


@dataclass(slots=True)
class MemoryJournal:
    """The `JobJournal` port. `before` is asked before each change, with what it is called, and may raise."""

    before: Callable[[str], None] = lambda _: None
    kept: dict[str, Job] = field(default_factory=dict)
    told: dict[str, list[JobNews]] = field(default_factory=dict)
    secrets: dict[str, Mapping[str, Secret]] = field(default_factory=dict)
    _keys: dict[tuple[str, str], tuple[str, Asked]] = field(default_factory=dict)
    _moves: dict[str, MemoryMoves] = field(default_factory=dict)
    _seal: tuple[int, str] = (0, "")

    def add(self, job: Job, asked: Asked) -> None:
        """With its values beside it."""
        self.before("add")
        if job.request.environment:
            self.secrets[job.id] = dict(job.request.environment)
        if asked.key:
            self._keys[job.by, asked.key] = (job.id, asked)
        self.told[job.id] = []
        self._put(job, [JobNews(number=0, time=job.created, kind="status", text=job.status)])

    def put(self, job: Job, news: Sequence[JobNews] = ()) -> None:
        """Both or none."""
        self.before("put")
        self._put(job, news)
        if job.status.ended:
            self.secrets.pop(job.id, None)

    def keyed(self, by: str, key: str) -> tuple[Job, Asked] | None:
        """By the asker's own key."""
        found = self._keys.get((by, key))
        return (self.kept[found[0]], found[1]) if found else None

    def job(self, id: str) -> Job | None:  # noqa: A002 - the word of the model
        """As it was last put."""
        return self.kept.get(id)

    def jobs(self, *, service: str = "", before: str = "", limit: int = 50) -> Sequence[Job]:
        """In the order they were added, backwards."""
        order = [*self.kept]
        older = order[: order.index(before) if before in order else 0] if before else order
        found = [self.kept[name] for name in reversed(older)]
        return tuple(job for job in found if service in {"", job.request.service_name})[:limit]

    def unended(self) -> Sequence[Job]:
        """In the order they were added."""
        return tuple(job for job in self.kept.values() if not job.status.ended)

    def services(self) -> Sequence[Job]:
        """One of each."""
        last: dict[str, Job] = {}
        for job in self.kept.values():
            there = last.get(job.request.service_name)
            if not there or job.status is JobStatus.COMPLETED or there.status is not JobStatus.COMPLETED:
                last[job.request.service_name] = job
        return tuple(last[name] for name in sorted(last))

    def tally(self) -> Mapping[JobStatus, int]:
        """Counted."""
        statuses = [job.status for job in self.kept.values()]
        return {status: statuses.count(status) for status in statuses}

    def news(self, id: str, after: int = 0, limit: int | None = None) -> Sequence[JobNews]:  # noqa: A002 - likewise
        """In their order."""
        return tuple(self.told.get(id, ())[after:][:limit])

    def values(self, id: str) -> Mapping[str, Secret]:  # noqa: A002 - the word of the model
        """While it has not ended."""
        return self.secrets.get(id, {})

    def moves(self, service: str) -> Moves:
        """Each service has its own."""
        made = self._moves.setdefault(service, MemoryMoves())
        made.before = self.before
        return made

    def prune(self, service: str, bounds: Bounds) -> None:
        """The newest are counted."""
        self.before("prune")
        mine = [job for job in self.kept.values() if job.request.service_name == service][::-1]
        last = {
            next((job.id for job in mine if (job.status is JobStatus.COMPLETED) is well), "") for well in (True, False)
        }
        for place, job in enumerate(mine):
            if job.status.ended and place >= bounds.news:
                self.told[job.id] = []
            old = place >= bounds.jobs or (job.ended is not None and job.ended < bounds.before)
            if job.status.ended and old and job.id not in last:
                del self.kept[job.id], self.told[job.id]
        self._keys = {key: asked for key, asked in self._keys.items() if asked[0] in self.kept}

    def sealed(self) -> tuple[int, str]:
        """The last."""
        return self._seal

    def seal(self, number: int, digest: str) -> None:
        """The next."""
        self.before("seal")
        self._seal = (number, digest)

    def _put(self, job: Job, news: Sequence[JobNews]) -> None:
        hidden = dict.fromkeys(job.request.environment, _HIDDEN)
        self.kept[job.id] = replace(job, request=replace(job.request, environment=hidden))
        told = self.told[job.id]
        told += [replace(each, number=len(told) + place) for place, each in enumerate(news, 1)]
