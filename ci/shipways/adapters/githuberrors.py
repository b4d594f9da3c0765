"""What the answers of GitHub mean to the reconciler."""

from collections.abc import Mapping
from typing import Final, TypeAlias

import httpx
from github.GithubException import GithubException

from shipways.adapters import web
from shipways.errors import Problem, ShipwaysError, Transient, Unfinished
from shipways.ports import Clock

_LIMITS: Final = ("rate limit", "retry your request again later", "wait a few minutes")
"""Words of a limit that GitHub answers 403 for (REST API, "Rate limits")."""
_MINUTE: Final = 60.0
"""Seconds to wait for a secondary limit that names no time (the same page)."""
Hints: TypeAlias = Mapping[int, str]
"""What to do about an answer, by its status."""
RELEASES: Final[Hints] = {
    301: "check publish.github.api and project.repository",
    401: "let GH_TOKEN or GITHUB_TOKEN hold a valid token",
    403: "the token needs `contents: write` on this repository (in GitHub Actions: permissions), "
    "and for an organization with single sign-on to be authorized",
    404: "check project.repository; GitHub also answers this to a token without `contents: write`, "
    "and to one without `workflows: write` when the commit changes .github/workflows",
}
_NO_STORE: Final = (
    "an Enterprise server keeps no attestations, and GitHub those of a private repository only with Enterprise Cloud: "
    "there `store = false` in [publish.attest]"
)
ATTESTATIONS: Final[Hints] = {
    401: RELEASES[401],
    403: f"the token needs `attestations: write` (in GitHub Actions: permissions); {_NO_STORE}",
    404: f"check project.repository; {_NO_STORE}",
}
TAPS: Final[Hints] = {
    301: "check publish.homebrew.api and publish.homebrew.tap",
    401: "let HOMEBREW_TAP_TOKEN (or GH_TOKEN, GITHUB_TOKEN) hold a valid token",
    403: "the token needs `contents: write` on the tap, for a pull request `pull-requests: write` too; "
    "that of GitHub Actions is for its own repository alone",
    404: "check publish.homebrew.tap and branch; GitHub also answers this to a token that may not see or change them",
    409: "where a fork is used, sync its branch by hand: it has commits of its own that are in the way",
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
        raise web.refused(what, response, RELEASES.get(response.status_code, ""))


def unanswered(what: str, error: Exception) -> Transient:
    """The error of a connection that failed."""
    return Transient(Problem(path=what, what=f"GitHub does not answer: {type(error).__name__}"))


def mapped(what: str, error: Exception, api: str, clock: Clock, hints: Hints) -> Exception:
    """The error of ours for one of PyGithub, or of a connection to `api`; any other as it is."""
    if isinstance(error, GithubException):
        return _answer(what, error, api, clock, hints)
    if isinstance(error, OSError):  # those of requests are
        return unanswered(what, error)
    if isinstance(error, ValueError):
        return Transient(Problem(path=what, what="GitHub's answer is not whole"))
    if isinstance(error, RuntimeError | AssertionError):  # PyGithub's, for an address that is not below that of the API
        return Unfinished(Problem(path=what, what="GitHub sends us elsewhere", why=str(error), hint=hints[301]))
    return error


def _answer(what: str, error: GithubException, api: str, clock: Clock, hints: Hints) -> ShipwaysError:
    headers = {name: str(value) for name, value in (error.headers or {}).items() if not name.startswith("content-")}
    request = httpx.Request("GET", api)
    response = httpx.Response(error.status, headers=headers, json=error.data, request=request)
    if error.status >= httpx.codes.INTERNAL_SERVER_ERROR or error.status == httpx.codes.TOO_MANY_REQUESTS:
        problem = Problem(path=what, what=f"GitHub answered {error.status}", why=web.said(response))
        return Transient(problem, after=web.wait(response, clock))
    return _limit(response, clock) or web.refused(what, response, hints.get(response.status_code, ""))


def _limit(response: httpx.Response, clock: Clock) -> Transient | None:
    """The error of an answer 403 that is a limit, with the time that GitHub asks for."""
    text, after = web.said(response), web.wait(response, clock)
    if response.status_code != httpx.codes.FORBIDDEN:
        return None
    if "retry-after" not in response.headers and not any(words in text.lower() for words in _LIMITS):
        return None
    problem = Problem(path="GitHub", what="says that its limit is reached", why=text)
    return Transient(problem, after=_MINUTE if after is None else after)
