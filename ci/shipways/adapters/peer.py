"""A service beside the deployer, over HTTP: only the address of the config is asked, and nothing that it leads to."""

from collections.abc import Mapping
from typing import Any, Final

import anyio
import httpx

from shipways import __version__
from shipways.adapters.web import body, origin, said, settled
from shipways.errors import Problem, Transient, Unfinished
from shipways.ports import Clock

_MOST: Final = 64 << 10
"""Bytes of an answer that are read."""


class Peer:
    """Asks below `url`; `wait` is in seconds, for one answer with all of its body.

    Redirects are not followed and no proxy of the environment is asked: an answer leads nobody to another machine.
    """

    def __init__(self, url: str, wait: float, clock: Clock) -> None:
        self._url = url
        self._wait = wait
        self._clock = clock

    async def ask(self, method: str, path: str, **words: Any) -> httpx.Response:
        """An answer that says what was done, read. Raises Transient, Unfinished."""
        try:
            with anyio.fail_after(self._wait):
                async with self._client() as http, http.stream(method, self._url + path, **words) as answer:
                    text = await body(answer, _MOST)
        except TimeoutError:
            raise Transient(self.problem("does not answer", f"it has {self._wait:g} s")) from None
        except httpx.HTTPError as error:
            raise Transient(self.problem("does not answer", str(error) or type(error).__name__)) from None
        if text is None:
            raise self.wrong(f"answers more than {_MOST // 1024} KiB")
        if answer.is_redirect:
            raise self.wrong(f"answers {answer.status_code}, a redirect: that is followed nowhere")
        return settled(
            httpx.Response(answer.status_code, headers=_plain(answer), content=text, request=answer.request),
            self._clock,
        )

    def fine(self, answer: httpx.Response) -> httpx.Response:
        """The same. Raises Unfinished where it is a refusal."""
        if not answer.is_success:
            raise self.wrong(f"refuses it: {answer.status_code}", said(answer))
        return answer

    def wrong(self, what: str, why: str = "") -> Unfinished:
        """An error that asking again does not change."""
        return Unfinished(self.problem(what, why))

    def problem(self, what: str, why: str) -> Problem:
        """At this place."""
        return Problem(path=origin(httpx.URL(self._url)), what=what, why=why)

    def _client(self) -> httpx.AsyncClient:
        headers = {"User-Agent": f"shipways/{__version__}"}
        return httpx.AsyncClient(timeout=self._wait, follow_redirects=False, trust_env=False, headers=headers)


def _plain(answer: httpx.Response) -> Mapping[str, str]:
    """The one header that is looked at: the body is unpacked by now."""
    return {name: value for name, value in answer.headers.items() if name.lower() == "retry-after"}
