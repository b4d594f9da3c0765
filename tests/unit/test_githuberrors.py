"""What GitHub's answers mean: worth another try, when, or not."""

import pytest
from github import GithubException

from shipways.adapters.githuberrors import RELEASES, mapped
from shipways.errors import ShipwaysError, Transient, Unfinished
from shipways.testing.console import ManualClock

API = "https://github.example.org/api/v3"
SECONDARY = "You have exceeded a secondary rate limit. Please wait a few minutes before you try again."


def mean(error: Exception) -> ShipwaysError:
    """The error of ours, at the time 1000."""
    found = mapped("v1", error, API, ManualClock(1000.0), RELEASES)
    assert isinstance(found, ShipwaysError)
    return found


@pytest.mark.parametrize(
    ("status", "message", "headers", "after"),
    [
        (500, "Server Error", {}, None),
        (502, "Server Error", {"retry-after": "7"}, 7.0),
        (429, "API rate limit exceeded", {"x-ratelimit-remaining": "0", "x-ratelimit-reset": "1060"}, 60.0),
        (403, "API rate limit exceeded", {"x-ratelimit-remaining": "0", "x-ratelimit-reset": "1030"}, 30.0),
        (403, SECONDARY, {"retry-after": "5"}, 5.0),
        (403, SECONDARY, {"x-ratelimit-remaining": "4000", "x-ratelimit-reset": "1030"}, 60.0),
    ],
)
def test_again(status: int, message: str, headers: dict[str, str], after: float | None) -> None:
    """Faults of the server and limits are worth another try, after the time that it names, or a minute."""
    error = mean(GithubException(status, {"message": message}, headers))
    assert isinstance(error, Transient)
    assert after == error.after


@pytest.mark.parametrize(
    ("status", "hint"),
    [(401, "GH_TOKEN"), (403, "contents: write"), (404, "project.repository"), (422, "")],
)
def test_refused(status: int, hint: str) -> None:
    """What trying again does not change comes with GitHub's words, and a hint."""
    error = mean(
        GithubException(status, {"message": "no", "errors": [{"field": "tag_name"}]}, {"x-ratelimit-remaining": "9"})
    )
    assert (Unfinished, True) == (type(error), hint in error.problems[0].hint)
    assert "tag_name" in error.problems[0].why
    assert f"https://github.example.org refuses it: {status}" in error.problems[0].what


def test_connection() -> None:
    """No answer, or half of one, is worth another try; a redirect to somewhere else is not."""
    assert Transient is type(mean(ConnectionError("reset")))
    assert Transient is type(mean(ValueError("half an object")))
    assert "publish.github.api" in mean(RuntimeError("redirected")).problems[0].hint


def test_bug() -> None:
    """A mistake of ours stays one."""
    error = KeyError("x")
    assert error is mapped("v1", error, API, ManualClock(), RELEASES)
