"""The front desk of the stand-in for GitHub: who may do what, the budget, and the form of its answers."""

import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from shipways.rehearse.forgejson import Views, problem

API: Final = "/api/v3"
"""Where the API is below the server's URL, as on an Enterprise server; uploads have a place of their own."""
UPLOADS: Final = "/api/uploads"
INSTALLATION: Final = "ghs_"
"""How the tokens of installed apps begin."""
_RESET: Final = 3600.0
"""Seconds until a budget is full again."""


class Invalid(HTTPException):
    """422 with what is wrong with a field."""

    def __init__(self, **error: str) -> None:
        super().__init__(422)
        self.error = error


class Missing(HTTPException):
    """404, also for what one may not see."""

    def __init__(self) -> None:
        super().__init__(404, "Not Found")


@dataclass(slots=True)
class Desk:
    """Of the repository `name`. `tokens` have the right `read` or `write`; anybody may read what is public."""

    name: str
    tokens: Mapping[str, str]
    budget: int = 5000
    remaining: int = 5000

    def enter(self, request: Request, *, write: bool = False) -> str:
        """The caller's right, after a request was taken off the budget."""
        right = self.right(request)
        if self.remaining <= 0:
            raise HTTPException(403, "API rate limit exceeded for user ID 1.")
        self.remaining -= 1
        params = request.path_params
        if f"{params['owner']}/{params['repo']}".lower() != self.name.lower():
            raise Missing
        if write and not right:
            raise HTTPException(401, "Requires authentication")
        if write and right != "write":
            raise HTTPException(403, "Resource not accessible by personal access token")
        return right

    def right(self, request: Request) -> str:
        """`read` or `write`; empty for nobody."""
        _, _, token = request.headers.get("authorization", "").partition(" ")
        if token and token not in self.tokens:
            raise HTTPException(401, "Bad credentials")
        return self.tokens[token] if token else ""

    def pushes(self, request: Request) -> bool:
        """What a repository says of the caller: of an app's installation always that it cannot push."""
        _, _, token = request.headers.get("authorization", "").partition(" ")
        return self.right(request) == "write" and not token.startswith(INSTALLATION)

    def answer(self, body: object, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
        """JSON, with the budget."""
        budget = {
            "x-ratelimit-limit": str(self.budget),
            "x-ratelimit-remaining": str(self.remaining),
            "x-ratelimit-reset": str(int(self.reset())),
        }
        every = budget | dict(headers or {})
        return Response(status_code=status, headers=every) if body is None else JSONResponse(body, status, every)

    def page(self, request: Request, entries: list[dict[str, Any]]) -> Response:
        """The entries of the page that is asked for, with links to the others."""
        size = min(int(request.query_params.get("per_page", 30)), 100)
        page, last = int(request.query_params.get("page", 1)), max(1, -(-len(entries) // size))
        links = ", ".join(
            f'<{request.url.include_query_params(page=number)}>; rel="{rel}"' for rel, number in _links(page, last)
        )
        return self.answer(entries[(page - 1) * size : page * size], headers={"Link": links} if links else {})

    async def refuse(self, request: Request, error: Exception) -> Response:
        """The answer for an error."""
        del request
        if isinstance(error, Invalid):
            return self.answer(problem(422, "Validation Failed", error.error), 422)
        if isinstance(error, HTTPException):
            return self.answer(problem(error.status_code, error.detail), error.status_code)
        raise error

    def views(self, request: Request) -> Views:
        """The JSON of things, with the addresses that the caller used."""
        site = base(request)
        return Views(api=f"{site}{API}", uploads=f"{site}{UPLOADS}", site=site, repository=self.name)

    def reset(self) -> float:
        """When the budget is full again."""
        return time.time() + _RESET


def base(request: Request) -> str:
    """The server's URL as the caller wrote it."""
    return f"{request.url.scheme}://{request.url.netloc}"


def _links(page: int, last: int) -> Iterator[tuple[str, int]]:
    """The pages that a Link header names (RFC 8288)."""
    if page > 1:
        yield from (("prev", page - 1), ("first", 1))
    if page < last:
        yield from (("next", page + 1), ("last", last))
