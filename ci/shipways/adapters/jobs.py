"""Who a job of GitHub Actions is, as its environment leads to it: a rehearsal leads elsewhere, by one of its own."""

from collections.abc import Mapping
from contextlib import suppress
from typing import Final

import httpx

from shipways.adapters import web
from shipways.adapters.credentials import Credentials
from shipways.model.secret import Secret
from shipways.ports import Clock

_WHERE: Final = "ACTIONS_ID_TOKEN_REQUEST_URL"
"""GitHub Actions sets it in jobs with the permission `id-token: write`."""


class Job:
    """The job that has this environment, if it is that of one."""

    def __init__(self, env: Mapping[str, str], clock: Clock) -> None:
        self._url = env.get(_WHERE, "")
        self._credentials = Credentials(env)
        self._clock = clock

    @property
    def known(self) -> bool:
        """Whether somebody says who it is."""
        return bool(self._url)

    async def says(self, audience: str) -> Secret:
        """A JWT for an audience. Raises Transient, Unfinished, PreflightError."""
        bearer = self._credentials.secret("ACTIONS_ID_TOKEN_REQUEST_TOKEN")
        async with web.client(self._url) as http:
            place = httpx.URL(self._url).copy_merge_params({"audience": audience})
            request = http.build_request("GET", place, headers={"Authorization": f"Bearer {bearer.open()}"})
            answer = await web.send(http, request, clock=self._clock)
        return Secret(field_of(answer, "value", "an ID token", "the job needs the permission `id-token: write`"))


def field_of(answer: httpx.Response, key: str, what: str, hint: str) -> str:
    """A text in a JSON answer. Raises Unfinished; nothing of an answer that has it is ever shown."""
    with suppress(ValueError, KeyError, TypeError):
        if answer.is_success:
            return str(answer.json()[key])
    raise web.refused(what, answer, hint)
