"""What the answers of GitHub mean to the reconciler."""

from typing import Final

import httpx
from github.GithubException import GithubException

from shipways.adapters import web
from shipways.errors import Problem, ShipwaysError, Transient, Unfinished
from shipways.ports import Clock

_LIMITS: Final = ("rate limit", "retry your request again later", "wait a few minutes")
"""Words of a limit that GitHub answers 403 for (REST API, "Rate limits")."""
_MINUTE: Final = 60.0
"""Seconds to wait for a secondary limit that names no time (the same page)."""
_HINTS: Final = {
    401: "let GH_TOKEN or GITHUB_TOKEN hold a valid token",
    403: "the token needs `contents: write` on this repository (in GitHub Actions: permissions), "
    "and for an organization with single sign-on to be authorized",
    404: "check project.repository; GitHub also answers this to a token without `contents: write`, "
    "and to one without `workflows: write` when the commit changes .github/workflows",
}


async def asked(
    http: httpx.AsyncClient, request: httpx.Request, clock: Clock, *, stream: bool = False
) -> httpx.Response:
    """The answer. Raises Transient as `web.send` does, and for 403 when it is a limit."""
    response = await web.send(http, request, clock=clock, stream=stream)
    if response.status_code == httpx.codes.FORBIDDEN:
        await response.aread()
        if limit := _limit(response, clock):
            raise limit
    return response


async def judged(what: str, response: httpx.Response) -> None:
    """Raises Unfinished for an answer that trying again does not change."""
    if not response.is_success:
        await response.aread()
        raise _refused(what, response)


def unanswered(what: str, error: Exception) -> Transient:
    """The error of a connection that failed."""
    return Transient(Problem(path=what, what=f"GitHub does not answer: {type(error).__name__}"))


def mapped(what: str, error: Exception, api: str, clock: Clock) -> Exception:
    """The error of ours for one of PyGithub, or of a connection to `api`; any other as it is."""
    if isinstance(error, GithubException):
        return _answer(what, error, api, clock)
    if isinstance(error, OSError):  # those of requests are
        return unanswered(what, error)
    if isinstance(error, ValueError):
        return Transient(Problem(path=what, what="GitHub's answer is not whole"))
    if isinstance(error, RuntimeError | AssertionError):  # PyGithub's, for an address that is not below that of the API
        hint = "check publish.github.api and project.repository"
        return Unfinished(Problem(path=what, what="GitHub sends us elsewhere", why=str(error), hint=hint))
    return error


def _answer(what: str, error: GithubException, api: str, clock: Clock) -> ShipwaysError:
    headers = {name: str(value) for name, value in (error.headers or {}).items() if not name.startswith("content-")}
    request = httpx.Request("GET", api)
    response = httpx.Response(error.status, headers=headers, json=error.data, request=request)
    if error.status >= httpx.codes.INTERNAL_SERVER_ERROR or error.status == httpx.codes.TOO_MANY_REQUESTS:
        problem = Problem(path=what, what=f"GitHub answered {error.status}", why=web.said(response))
        return Transient(problem, after=web.wait(response, clock))
    return _limit(response, clock) or _refused(what, response)


def _refused(what: str, response: httpx.Response) -> Unfinished:
    return web.refused(what, response, _HINTS.get(response.status_code, ""))


def _limit(response: httpx.Response, clock: Clock) -> Transient | None:
    """The error of an answer 403 that is a limit, with the time that GitHub asks for."""
    text, after = web.said(response), web.wait(response, clock)
    if response.status_code != httpx.codes.FORBIDDEN:
        return None
    if "retry-after" not in response.headers and not any(words in text.lower() for words in _LIMITS):
        return None
    problem = Problem(path="GitHub", what="says that its limit is reached", why=text)
    return Transient(problem, after=_MINUTE if after is None else after)
