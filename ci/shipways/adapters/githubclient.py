"""PyGithub as channels use it: in a thread, one question at a time, and errors in our words."""

import threading
from collections.abc import Callable
from typing import Final, TypeVar

import httpx
from anyio import to_thread
from github import Auth, Github
from github.Consts import DEFAULT_BASE_URL
from github.GithubException import GithubException
from github.PaginatedList import PaginatedList
from github.Repository import Repository

from shipways import __version__
from shipways.adapters import web
from shipways.adapters.githuberrors import Hints, mapped
from shipways.adapters.shell import spare_loopback
from shipways.model.secret import Secret
from shipways.ports import Clock

_PAGE: Final = 100
"""The most entries that GitHub puts on a page."""
_INSTALLATION: Final = "ghs_"
"""How the tokens of installed apps begin."""
_T = TypeVar("_T")


class GithubClient:
    """The API with one token. Trying again is the reconciler's, so PyGithub's own retries and pauses are off."""

    def __init__(self, api: str, token: Secret, clock: Clock, hints: Hints) -> None:
        self._token = token
        self._clock = clock
        self.api: Final = api or DEFAULT_BASE_URL
        self._hints = hints
        self._lock = threading.Lock()
        if web.loopback(httpx.URL(self.api).host):
            spare_loopback()
        self.github: Final = Github(
            base_url=self.api,
            auth=Auth.Token(token.open()) if token else None,
            user_agent=f"shipways/{__version__}",
            per_page=_PAGE,
            retry=None,
            seconds_between_requests=None,
            seconds_between_writes=None,
            lazy=True,
        )

    def close(self) -> None:
        """End PyGithub's connections."""
        self.github.close()

    def may_push(self, repository: Repository) -> bool | None:
        """Whether this token may, by one request; of an app's installation, as in GitHub Actions, it is not told."""
        push = bool(repository.permissions and repository.permissions.push)
        return None if not push and self._token.open().startswith(_INSTALLATION) else push

    def reaches(self, repository: str) -> bool | None:
        """Whether an app's installation, as in GitHub Actions, may go to a repository; None where it is not told."""
        place = "/installation/repositories"
        try:
            found = PaginatedList(Repository, self.github.requester, place, None, list_item="repositories")
            return any(each.full_name.lower() == repository.lower() for each in found)
        except GithubException as error:
            if error.status not in (httpx.codes.FORBIDDEN, httpx.codes.NOT_FOUND):
                raise
            return None

    async def ask(self, what: str, question: Callable[[], _T]) -> _T:
        """In a thread, one at a time: PyGithub's notes on the times of its requests are not made for several."""

        def work() -> _T:
            with self._lock:
                return question()

        try:
            return await to_thread.run_sync(work)
        except Exception as error:
            raise mapped(what, error, self.api, self._clock, self._hints) from None
