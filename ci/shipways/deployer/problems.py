"""What is answered when something is wrong: everything of it at once, as problem details (RFC 9457)."""

import json
import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, Final, cast

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import HTMLResponse, JSONResponse, Response
from starlette.exceptions import HTTPException
from starlette.routing import Match
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from shipways.deployer.models import ProblemDetails, ProblemEntry
from shipways.errors import ConfigError, Conflict, Held, NothingBefore, Problem, ShipwaysError
from shipways.render.text import render

_LONG: Final = 200
"""How much is told of a name that somebody has made up."""
_CODES: Final[Sequence[tuple[type[ShipwaysError], int]]] = (
    (Held, 409),
    (Conflict, 409),
    (NothingBefore, 409),
    (ConfigError, 400),
)
"""The first that fits; any other error of ours is 500: what is asked for is right, and a host or the disk is not."""
_log = logging.getLogger("shipways.deployer")


class ProblemResponse(JSONResponse):
    """Problem details."""

    media_type = "application/problem+json"

    def render(self, content: Any) -> bytes:
        """As ASCII: half a letter in a name can be told so, and cannot be encoded."""
        return json.dumps(content).encode()


def answered(status: int, *problems: Problem, headers: Mapping[str, str] | None = None) -> ProblemResponse:
    """What is wrong, as an answer."""
    details = ProblemDetails.model_construct(
        type="about:blank",
        title=HTTPStatus(status).phrase,
        status=status,
        detail="; ".join(f"{each.path}: {each.what}" if each.path else each.what for each in problems),
        problems=[
            ProblemEntry.model_construct(path=each.path, what=each.what, why=each.why, hint=each.hint)
            for each in problems
        ],
    )
    return ProblemResponse(details.model_dump(), status, headers)


def answers(*codes: int) -> dict[int | str, dict[str, Any]]:
    """How an operation may end badly, for its description."""
    return {code: {"model": ProblemDetails, "description": HTTPStatus(code).phrase} for code in codes}


def install(app: FastAPI) -> None:
    """Every error of the application is told in one form."""
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(HTTPException, _refused)
    app.add_exception_handler(ShipwaysError, _ours)


@dataclass(frozen=True, slots=True)
class Caught:
    """What nobody thought of is a bug: the log says where it happened, and who asks is told nothing of it."""

    app: ASGIApp

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """An answer that has begun is broken off."""
        begun = False

        async def watched(message: Message) -> None:
            nonlocal begun
            begun = True
            await send(message)

        try:
            await self.app(scope, receive, watched)
        except Exception:
            if begun:
                raise
            _log.exception("%s %r", scope["method"], scope["path"])
            problem = Problem(what="this is a bug in shipways", hint="the log of the deployer has where it is")
            await answered(500, problem)(scope, receive, send)


async def _invalid(request: Request, error: Exception) -> Response:
    """The specification wants 400. What was sent is not repeated: it may be a secret."""
    return _told(request, 400, *(_problem(each) for each in cast(RequestValidationError, error).errors()))


async def _refused(request: Request, error: Exception) -> Response:
    refused = cast(HTTPException, error)
    if refused.status_code == 405:  # the router names the methods of one of several operations
        refused.headers = {"allow": ", ".join(sorted(_methods(request)))}
    return _told(request, refused.status_code, Problem(what=str(refused.detail)), headers=refused.headers)


async def _ours(request: Request, error: Exception) -> Response:
    ours = cast(ShipwaysError, error)
    status = status_of(ours)
    if status == 500:
        _log.error("%s", ours)
    return _told(request, status, *ours.problems)


def status_of(error: ShipwaysError) -> int:
    """The code of an error."""
    return next((code for kind, code in _CODES if isinstance(error, kind)), 500)


def _told(request: Request, status: int, *problems: Problem, headers: Mapping[str, str] | None = None) -> Response:
    """A person gets a page."""
    if not request.url.path.startswith("/ui/"):
        return answered(status, *problems, headers=headers)
    title = HTTPStatus(status).phrase
    return HTMLResponse(render("deployer/problem.html", title=title, problems=problems, who=None), status, headers)


def _methods(request: Request) -> set[str]:
    """Those of every operation at this path."""
    at = [route for route in request.app.routes if route.matches(request.scope)[0] is not Match.NONE]
    return {method for route in at for method in getattr(route, "methods", None) or ()}


def _problem(error: Mapping[str, Any]) -> Problem:
    """`("body", "environment_vars", "A")` is the path environment_vars.A."""
    place = ".".join(str(part) for part in error["loc"][1:])[:_LONG] or str(error["loc"][0])
    return Problem(path=place, what=str(error["msg"]))
