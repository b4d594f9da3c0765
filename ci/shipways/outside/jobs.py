"""The doors of the desk that does jobs: where they are written down, and who brings what they ask for."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from shipways.errors import Problem
from shipways.model.item import Item
from shipways.model.job import Hold, Job, JobNews, JobRequest, JobStatus, Registration, Standing
from shipways.model.secret import Secret
from shipways.outside.moves import Moves
from shipways.outside.platforms import Deployer, Site
from shipways.ports import Console


@dataclass(frozen=True, slots=True, kw_only=True)
class Bounds:
    """What is remembered of the jobs of a service: so many, of the last of them the news, and none that ended `before`.

    That is in seconds since the epoch.
    """

    jobs: int
    news: int
    before: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """By which key somebody asked for a job, and a digest of the words, the values of variables included."""

    key: str = ""
    words: str = ""


class JobJournal(Protocol):
    """Every job that was not pruned. What a method has done outlives a power failure when it returns.

    Values of variables are no part of it: those of a job that has not ended lie beside it. Methods that write raise
    Unfinished, and have done nothing then.
    """

    def add(self, job: Job, asked: Asked) -> None:
        """A new job, with the values of its variables; its first news is its status."""
        ...

    def put(self, job: Job, news: Sequence[JobNews] = ()) -> None:
        """How it stands now, and what happened, which is numbered here. When it has ended its values go."""
        ...

    def keyed(self, by: str, key: str) -> tuple[Job, Asked] | None:
        """The job that somebody asked for by a key."""
        ...

    def job(self, id: str) -> Job | None:  # noqa: A002 - the word of the model
        """One job. The values of its variables are hidden."""
        ...

    def jobs(self, *, service: str = "", before: str = "", limit: int = 50) -> Sequence[Job]:
        """The newest first; only those older than the job `before`."""
        ...

    def unended(self) -> Sequence[Job]:
        """Those that wait or run, the oldest first."""
        ...

    def services(self) -> Sequence[Job]:
        """For each service, by their names, the last job that was completed; the last of all where none was."""
        ...

    def tally(self) -> Mapping[JobStatus, int]:
        """How many jobs there are of each status."""
        ...

    def news(self, id: str, after: int = 0, limit: int | None = None) -> Sequence[JobNews]:  # noqa: A002 - likewise
        """What happened in a job since the news of this number: the first of it, where there is a limit."""
        ...

    def values(self, id: str) -> Mapping[str, Secret]:  # noqa: A002 - the word of the model
        """The values of the variables of a job that has not ended."""
        ...

    def moves(self, service: str) -> Moves:
        """What the jobs of a service have moved and not settled."""
        ...

    def prune(self, service: str, bounds: Bounds) -> None:
        """Forget jobs of a service. One that has not ended stays, and the last that was completed, and the last of all.

        So what a rollback needs stays.
        """
        ...

    def sealed(self) -> tuple[int, str]:
        """The number and digest of the last line of the trail; 0 and nothing before the first."""
        ...

    def seal(self, number: int, digest: str) -> None:
        """The trail has another line."""
        ...


class Book(Protocol):
    """A file of lines that only grows."""

    def lines(self) -> Iterator[bytes]:
        """Every line with its end; the last may have none, where a machine died while it was written."""
        ...

    def append(self, line: bytes) -> None:
        """One line; it is on disk when this returns. Raises Unfinished."""
        ...

    def shorten(self, size: int) -> None:
        """Leave the first `size` bytes. Raises Unfinished."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Requested:
    """Who brings what a job asks for, and the items of it; `registration` is what the registry has said, afterwards."""

    deployer: Deployer
    items: tuple[Item, ...]
    registration: Callable[[], Registration | None] = lambda: None


class Bringer(Protocol):
    """Makes deployments of requests, and keeps the holds of services where they run."""

    def problems(self, request: JobRequest) -> Sequence[Problem]:
        """What is wrong with a request, as far as this machine knows at once."""
        ...

    async def requested(self, request: JobRequest, console: Console) -> Requested:
        """The deployment of its source tree, which tells the console of its progress.

        Raises ConfigError, PreflightError, Unfinished.
        """
        ...

    def standing(self, request: JobRequest, console: Console) -> Requested:
        """The same without the tree, which may be gone: for what was deployed before. Its items want nothing yet."""
        ...

    async def reached(self, site: Site) -> Standing:
        """Whether hosts and registry are there."""
        ...

    @property
    def hosts(self) -> Sequence[str]:
        """By the names that items have."""
        ...

    async def holds(self, site: Site, host: str) -> Mapping[str, Hold]:
        """By the names of services: of all that are held on a host, by whoever. Raises Transient, PreflightError.

        As the two that follow do, and Unfinished.
        """
        ...

    async def hold(self, site: Site, host: str, hold: Hold) -> None:
        """In the place of the one before."""
        ...

    async def release(self, site: Site, host: str, service: str) -> None:
        """Whether it is held or not."""
        ...
