"""Programs of platforms as deployers call them, and what their errors mean to the core."""

from collections.abc import Mapping
from typing import Final

from shipways.errors import PreflightError, Problem, Transient, Unfinished
from shipways.outside.platforms import Site
from shipways.ports import Completed

_AGAIN: Final = (
    "connection refused",
    "connection reset",
    "the connection to the server",
    "unable to connect",
    "no such host",
    "timeout",
    "timed out",
    "deadline exceeded",
    "unexpected eof",
    "too many requests",
    "toomanyrequests",
    "serviceunavailable",
    "service unavailable",
    "internalerror",
    "internal server error",
    "bad gateway",
)
"""What clients written in Go say when nobody answered, or a server of the platform did not do well."""


async def ran(
    site: Site, *argv: str, stdin: bytes = b"", folder: str = "", env: Mapping[str, str] | None = None
) -> Completed:
    """How a program ended, with the user's environment and `env`, in a folder below the top of the repository.

    Raises PreflightError where there is no program of this name.
    """
    try:
        return await site.process.run(argv, cwd=site.root / folder, env={**site.env, **(env or {})}, stdin=stdin)
    except FileNotFoundError:
        hint = "install it, or put its folder on PATH"
        raise PreflightError(Problem(path=argv[0], what="there is no such program", hint=hint)) from None


def failed(path: str, what: str, done: Completed) -> Unfinished:
    """The error of a program that did not end well: Transient where another try may."""
    said = done.stderr.strip()
    problem = Problem(path=path, what=what, why=said)
    again = any(word in said.lower() for word in _AGAIN)
    return Transient(problem) if again else Unfinished(problem)
