"""The page for people: services, jobs as they go on, history, rollback, holds. It works without scripts."""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Final

import anyio
from fastapi import APIRouter, Form, HTTPException, Query, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response
from starlette.staticfiles import StaticFiles

from shipways.config.services import ServiceName
from shipways.deployer.access import COOKIE, LASTS, cookie_of
from shipways.deployer.asked import Deployer, Holder, House, InHouse, Reader
from shipways.deployer.following import until
from shipways.deployer.models import HoldRequest
from shipways.deployer.problems import status_of
from shipways.deployer.routes import older, there
from shipways.deployer.rows import hold_rows, job_row, line, placed_rows
from shipways.deployer.tokens import Scope
from shipways.errors import ShipwaysError
from shipways.model.job import Job
from shipways.render.text import render

PAGE: Final = 25
_LINES: Final = 500
"""How much of a log is shown at once."""
_SOON: Final = 0.3
"""Seconds for the news of a job that has not ended: those that there are come at once."""
STATIC: Final = StaticFiles(directory=Path(__file__).parent / "static")

router = APIRouter(include_in_schema=False, default_response_class=HTMLResponse)

Before = Annotated[str, Query(max_length=64)]


@router.get("/")
async def overview(request: Request, here: InHouse, _: Reader, before: Before = "") -> Response:
    """What runs, and the newest jobs."""
    found, further = await older(here, "", before, PAGE)
    placed, holds = placed_rows(await here.desk.placed()), hold_rows(await here.desk.holds())
    jobs, last = [job_row(job) for job in found], found[-1].id if further else ""
    return shown("overview", request, placed=placed, holds=holds, jobs=jobs, older=last)


@router.get("/ui/services/{name}")
async def service(request: Request, name: ServiceName, here: InHouse, _: Reader, before: Before = "") -> Response:
    """Where a service runs, and its history."""
    return await _service(request, name, here, before)


@router.post("/ui/services/{name}/hold")
async def hold(
    request: Request, name: ServiceName, here: InHouse, who: Holder, reason: Annotated[str, Form()] = ""
) -> Response:
    """From now on nothing is deployed to it."""
    try:
        said = HoldRequest(reason=reason)
    except ValueError:
        return await _service(request, name, here, "", problem="A reason is needed: a line that says why.")
    await here.desk.hold(name, reason=said.reason, by=who.name)
    return _to(f"/ui/services/{name}")


@router.post("/ui/services/{name}/release")
async def release(name: ServiceName, here: InHouse, who: Holder) -> Response:
    """Take the hold back."""
    await here.desk.release(name, by=who.name)
    return _to(f"/ui/services/{name}")


@router.get("/ui/jobs/{job_id}")
async def job(request: Request, job_id: str, here: InHouse, _: Reader) -> Response:
    """A job, its phases and its log."""
    found = there(await here.desk.job(job_id))
    log: list[str] = []
    with anyio.move_on_after(_SOON):
        async for news in until(here.stopping, here.desk.follow(job_id)):
            log.append(line(news))
    return shown("job", request, job=job_row(found), log=log[-_LINES:])


@router.get("/ui/jobs/{job_id}/{act}")
async def question(request: Request, job_id: str, act: str, here: InHouse, _: Deployer) -> Response:
    """Whether somebody really wants it."""
    return _question(request, there(await here.desk.job(job_id)), act)


@router.post("/ui/jobs/{job_id}/{act}")
async def acted(request: Request, job_id: str, act: str, here: InHouse, who: Deployer) -> Response:
    """They do."""
    found = there(await here.desk.job(job_id))
    verbs = {"cancel": here.desk.cancel, "rollback": here.desk.rollback}
    if act not in verbs:
        raise HTTPException(404, "there is no such page")
    try:
        made = there(await verbs[act](job_id, by=who.name))
    except ShipwaysError as error:
        return _question(request, found, act, problem=str(error), status=status_of(error))
    return _to(f"/ui/jobs/{made.id}")


@router.get("/ui/login")
async def login(request: Request) -> Response:
    """Ask for a token."""
    return shown("login", request)


@router.post("/ui/login")
async def logged_in(request: Request, here: InHouse, token: Annotated[str, Form(max_length=500)] = "") -> Response:
    """A session for a token that may read."""
    holder = here.keys.holder(token.strip())
    if holder is None or Scope.READ not in holder.scopes:
        return shown("login", request, status=401, problem="This token is not valid here.")
    answer, secure = _to("/"), bool(here.serve.access.certificate)
    word = here.sessions.begin(holder)
    answer.set_cookie(COOKIE, word, max_age=LASTS, httponly=True, samesite="strict", secure=secure)
    return answer


@router.post("/ui/logout")
async def logged_out(request: Request, here: InHouse, _: Reader) -> Response:
    """End the session."""
    here.sessions.end(cookie_of(request.headers))
    answer = _to("/ui/login")
    answer.delete_cookie(COOKIE)
    return answer


def shown(template: str, request: Request, status: int = 200, **values: object) -> HTMLResponse:
    """A page."""
    who = request.state.asker
    scopes = who.scopes if who else frozenset()
    usual: Mapping[str, object] = {
        "who": who,
        "session": bool(cookie_of(request.headers)),
        "may_deploy": Scope.DEPLOY in scopes,
        "may_hold": Scope.HOLD in scopes,
        "problem": "",
    }
    return HTMLResponse(render(f"deployer/{template}.html", **{**usual, **values}), status)


async def _service(request: Request, name: str, here: House, before: str, problem: str = "") -> Response:
    found, further = await older(here, name, before, PAGE)
    placed, holds = placed_rows(await here.desk.placed(), name), hold_rows(await here.desk.holds(), name)
    if not (found or placed or holds or problem):
        raise HTTPException(404, "there is no such service")
    return shown(
        "service",
        request,
        400 if problem else 200,
        name=name,
        placed=placed,
        holds=holds,
        jobs=[job_row(job) for job in found],
        older=found[-1].id if further else "",
        problem=problem,
    )


def _question(request: Request, job: Job, act: str, *, problem: str = "", status: int = 200) -> Response:
    name = job.request.service_name
    said = {
        "cancel": ("Cancel", f"Job {job.id} ends, and what it has done to {name} is taken back."),
        "rollback": ("Roll back", f"{name} returns to what ran before job {job.id}, on every host."),
    }
    if act not in said:
        raise HTTPException(404, "there is no such page")
    verb, means = said[act]
    return shown("confirm", request, status, job=job_row(job), verb=verb, means=means, problem=problem)


def _to(path: str) -> RedirectResponse:
    return RedirectResponse(path, 303)
