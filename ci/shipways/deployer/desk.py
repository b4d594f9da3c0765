"""What the API asks for: the desk that takes jobs, and knows how they stand."""

from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Protocol

from shipways.model.job import Hold, Job, JobNews, JobRequest, JobStatus, Placed, Standing


class Desk(Protocol):
    """Jobs of one service come one after the other. Nothing that it tells has the value of a variable in it."""

    async def submit(self, request: JobRequest, *, by: str, key: str = "") -> Job:
        """A new job; or, with a key that the same asker has used before, the job of that time.

        Raises ConfigError with everything that is wrong with the request, Held, Conflict when the key
        belongs to another request or too many jobs of the service wait, and Unfinished when the job cannot be written
        down; then there is no job.
        """
        ...

    async def job(self, id: str) -> Job | None:  # noqa: A002 - the word of the model
        """How a job stands; None when there is no such job."""
        ...

    async def jobs(self, *, service: str = "", before: str = "", limit: int = 50) -> Sequence[Job]:
        """The newest first: of one service or of all, and only those older than the job `before`, if that is said."""
        ...

    async def tally(self) -> Mapping[JobStatus, int]:
        """How many jobs there are of each status; one that is not named has none."""
        ...

    async def cancel(self, id: str, *, by: str) -> Job | None:  # noqa: A002 - the word of the model
        """End a job, and take back what it has done: it fails, and its error says who wanted it. None as in `job`.

        One that is running may not have ended when this returns. One that has ended stays as it is.
        """
        ...

    async def rollback(self, id: str, *, by: str) -> Job | None:  # noqa: A002 - the word of the model
        """A new job that returns the service of this job to what ran before it. None as in `job`.

        Raises NothingBefore, Held, and Conflict when what runs is not what this job has brought: because it failed, has
        not ended, or was followed by another. So, asked for twice, it is done once.
        """
        ...

    def follow(self, id: str, *, after: int = 0) -> AsyncIterator[JobNews]:  # noqa: A002 - the word of the model
        """What has happened in a job since the news of this number, and what happens until it has ended.

        Ends with the job; at once for a job that is unknown.
        """
        ...

    async def placed(self) -> Sequence[Placed]:
        """What runs of each service on each host, in the order of their names."""
        ...

    async def holds(self) -> Sequence[Hold]:
        """Of every service that is held, whoever holds it, by their names; also of one that runs nowhere."""
        ...

    async def hold(self, service: str, *, reason: str, by: str) -> Hold:
        """From now on nothing is deployed to a service, of which nothing need be known; another reason replaces it."""
        ...

    async def release(self, service: str, *, by: str) -> bool:
        """Take the hold back; whether there was one."""
        ...

    async def standing(self) -> Standing:
        """Ask the hosts and the registry whether they are there."""
        ...
