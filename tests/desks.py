"""What the contract of the desk is held against: each kind of desk, and what a test may do to its world."""

import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass

import anyio
import pytest

from shipways.adapters.shell import OsClock
from shipways.deployer.desk import Desk
from shipways.errors import ShipwaysError
from shipways.model.job import Job, JobRequest, Method
from shipways.model.secret import Secret
from shipways.testing.desk import MemoryDesk

CANARY = "canary-7f3a"
"""The value of a variable of each request."""


@dataclass(frozen=True, kw_only=True)
class Office:
    """A desk while it is open.

    `sources` is where services may lie; the folders one, two and three are there. `sicken`: a service does not become
    healthy; `halt`: jobs stay as they are until `resume`; `fill`: no job can be written down any more.
    """

    desk: Desk
    sources: str
    sicken: Callable[[str], None]
    halt: Callable[[], None]
    resume: Callable[[], None]
    fill: Callable[[], None]

    def request(self, name: str = "pulse", folder: str = "one", **more: object) -> JobRequest:
        """To deploy a folder below the sources, with a variable that nobody may see."""
        request = JobRequest(
            service_path=f"{self.sources}/{folder}",
            service_name=name,
            droplet_id=24,
            service_port=8010,
            method=Method.SYSTEMD,
            environment={"KEY": Secret(CANARY)},
        )
        return JobRequest(**{name: more.get(name, getattr(request, name)) for name in JobRequest.__dataclass_fields__})

    async def deployed(self, name: str = "pulse", folder: str = "one", **more: object) -> Job:
        """The job of a deployment that has ended."""
        job = await self.desk.submit(self.request(name, folder, **more), by="ann")
        return await self.ended(job)

    async def ended(self, job: Job | None) -> Job:
        """A job when nothing of it changes any more."""
        assert job is not None
        async for _ in self.desk.follow(job.id):
            pass
        found = await self.desk.job(job.id)
        assert found is not None
        return found


Opened = Callable[[], AbstractAsyncContextManager[Office]]


@contextlib.asynccontextmanager
async def memory() -> AsyncIterator[Office]:
    """The public fake."""
    desk = MemoryDesk(clock=OsClock())
    yield Office(
        desk=desk,
        sources=desk.sources,
        sicken=desk.sick.add,
        halt=lambda: setattr(desk, "still", True),
        resume=lambda: setattr(desk, "still", False),
        fill=lambda: setattr(desk, "full", True),
    )


Play = Callable[[Office], Awaitable[None]]


def played(opened: Opened, play: Play) -> None:
    """Run a test on an open desk; none takes long."""

    async def run() -> None:
        with anyio.fail_after(20):
            async with opened() as office:
                await play(office)

    anyio.run(run)


async def refused(kind: type[ShipwaysError] | tuple[type[ShipwaysError], ...], asked: Awaitable[object]) -> str:
    """What is said to one who asks for what is not done."""
    with pytest.raises(kind) as caught:
        await asked
    return str(caught.value)
