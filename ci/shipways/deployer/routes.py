"""The operations on jobs."""

from collections.abc import AsyncIterator, Sequence
from typing import Annotated, Final
from urllib.parse import quote

import anyio
from fastapi import APIRouter, Depends, Header, HTTPException, Query, Response
from fastapi.sse import EventSourceResponse, ServerSentEvent
from pydantic import BaseModel, Field

from shipways.deployer import shown
from shipways.deployer.asked import Deployer, House, InHouse, Reader
from shipways.deployer.following import until
from shipways.deployer.models import DeployAccepted, DeployJob, DeployRequest, RollbackConfirmation
from shipways.deployer.problems import answers
from shipways.errors import ConfigError, Problem
from shipways.model.job import Job

_PATIENCE: Final = 60.0
"""Seconds in which a rollback is waited for."""
_FOLLOWERS: Final = 100
"""How many follow jobs at once: each holds a connection."""

Key = Annotated[
    str, Header(max_length=255, pattern=r"^[\x21-\x7e]*$", description="The same key again is the same job.")
]
LastEvent = Annotated[
    int, Header(alias="Last-Event-ID", ge=0, le=2**31 - 1, description="The number of the last event that came.")
]

router = APIRouter(tags=["jobs"])


class Paging(BaseModel):
    """Which part of a list."""

    limit: Annotated[int, Field(ge=1, le=200, description="How many at most.")] = 50
    before: Annotated[str, Field(max_length=64, description="Only those older than the job of this id.")] = ""


async def known(job_id: str, here: InHouse, _: Reader) -> Job:
    """A job that there is."""
    return there(await here.desk.job(job_id))


Known = Annotated[Job, Depends(known)]
Part = Annotated[Paging, Query()]


@router.post("/deploy", status_code=202, responses=answers(400, 403, 409, 500))
async def deploy(
    body: DeployRequest, response: Response, here: InHouse, who: Deployer, idempotency_key: Key = ""
) -> DeployAccepted:
    """Deploy a service: it is checked at once, and done in the background. 409 when it is held, or fifty jobs wait."""
    job = await here.desk.submit(shown.wanted(body), by=who.name, key=idempotency_key)
    response.headers["location"] = f"/deploy/{job.id}"
    return shown.accepted(job)


@router.get("/deploy", responses=answers(400, 403))
async def jobs(response: Response, here: InHouse, _: Reader, part: Part) -> list[DeployJob]:
    """All jobs, the newest first. The header `Link` has the next page."""
    return await _page(here, "/deploy", "", part, response)


@router.get("/deploy/{job_id}", responses=answers(403, 404))
async def job(found: Known) -> DeployJob:
    """How a job stands, with its six phases."""
    return shown.shown(found)


@router.get("/deploy/history/{service_name}", responses=answers(400, 403, 404))
async def history(service_name: str, response: Response, here: InHouse, _: Reader, part: Part) -> list[DeployJob]:
    """The jobs of a service, the newest first. The header `Link` has the next page."""
    if not await here.desk.jobs(service=service_name, limit=1):
        raise HTTPException(404, "there is no such service")
    return await _page(here, f"/deploy/history/{quote(service_name)}", service_name, part, response)


@router.post("/deploy/{job_id}/rollback", responses=answers(403, 404, 409, 500))
async def rollback(job_id: str, here: InHouse, who: Deployer) -> RollbackConfirmation:
    """Return the service of a job to what ran before it. 409 when nothing did, or when the job is not what runs."""
    job = there(await here.desk.rollback(job_id, by=who.name))
    with anyio.move_on_after(_PATIENCE):
        async for _ in until(here.stopping, here.desk.follow(job.id)):
            pass
    return shown.returned(there(await here.desk.job(job.id)), job_id)


@router.post("/deploy/{job_id}/cancel", responses=answers(403, 404, 500))
async def cancel(job_id: str, here: InHouse, who: Deployer) -> DeployJob:
    """End a job, and take back what it has done; it fails. One that has ended stays as it is."""
    return shown.shown(there(await here.desk.cancel(job_id, by=who.name)))


async def _listening(here: InHouse) -> AsyncIterator[None]:
    """One of those that follow jobs, for as long as it does."""
    if here.followers >= _FOLLOWERS:
        raise HTTPException(429, "too many follow jobs", {"retry-after": "60"})
    here.followers += 1
    try:
        yield
    finally:
        here.followers -= 1


@router.get(
    "/deploy/{job_id}/events",
    response_class=EventSourceResponse,
    responses=answers(400, 403, 404),
    dependencies=[Depends(_listening)],
)
async def events(found: Known, here: InHouse, last_event_id: LastEvent = 0) -> AsyncIterator[ServerSentEvent]:
    """What has happened in a job and what happens, as server-sent events, until it has ended: `end` is the last one."""
    async for news in until(here.stopping, here.desk.follow(found.id, after=last_event_id)):
        yield ServerSentEvent(data=shown.event(news), event=news.kind, id=str(news.number))
    job = there(await here.desk.job(found.id))
    if job.status.ended:
        yield ServerSentEvent(data=shown.shown(job), event="end")


def there(job: Job | None) -> Job:
    """The job, when there is one."""
    if job is None:
        raise HTTPException(404, "there is no such job")
    return job


async def _page(here: House, path: str, service: str, part: Paging, response: Response) -> list[DeployJob]:
    found, further = await older(here, service, part.before, part.limit)
    if further:
        response.headers["link"] = f'<{path}?limit={part.limit}&before={found[-1].id}>; rel="next"'
    return [shown.shown(job) for job in found]


async def older(here: House, service: str, before: str, limit: int) -> tuple[Sequence[Job], bool]:
    """Some jobs, and whether there are more after them. Raises ConfigError for a `before` that is no job."""
    if before and await here.desk.job(before) is None:
        raise ConfigError(Problem(path="before", what="there is no such job"))
    found = await here.desk.jobs(service=service, before=before, limit=limit + 1)
    return found[:limit], len(found) > limit
