"""A registry of services over HTTP: only the address of the config is asked, and nothing that an answer leads to."""

import json
from collections.abc import Mapping, Sequence
from typing import Any, Final

import anyio
import httpx

from shipways import __version__
from shipways.adapters.web import body, origin, said, settled
from shipways.errors import Problem, Transient, Unfinished
from shipways.model.digest import digest_of
from shipways.outside.registrars import Entry
from shipways.ports import Clock

_MOST: Final = 64 << 10
"""Bytes of an answer that are read."""
_SAME: Final = httpx.codes.CONFLICT
_ID: Final = "{droplet_id}"
_WHO: Final = ("droplet_id", "service_name", "endpoint")
"""What an answer of a registry may say again; a `version` in it may be its own."""


class HttpRegistrar:
    """The `Registrar` port. `url` is that of the config, `entry` the path below it where an entry is read; `wait` is in
    seconds.

    Redirects are not followed and no proxy of the environment is asked: an answer leads nobody to another machine.
    """

    def __init__(self, url: str, entry: str, wait: float, clock: Clock) -> None:
        self._url = url.rstrip("/")
        self._entry = entry
        self._wait = wait
        self._clock = clock

    async def register(self, entry: Entry) -> Mapping[str, object]:
        """POST /register, then a look at the entry, where the config says how."""
        told = entry.told
        headers = {"Idempotency-Key": digest_of(dict(told)).removeprefix("sha256:")}
        answer = await self._ask("POST", "/register", json=told, headers=headers)
        if answer.status_code == _SAME and not self._entry:
            return self._confirmed(answer, told, tuple(told), sure=True)
        known = {} if answer.status_code == _SAME else self._confirmed(self._fine(answer), told, _WHO)
        if self._entry:
            path = self._entry.replace(_ID, str(entry.droplet_id))
            found = await self._ask("GET", path)
            if found.status_code == httpx.codes.NOT_FOUND:
                raise Transient(self._problem("does not know what it was just told", f"GET {path} answered 404"))
            read = self._confirmed(self._fine(found), told, tuple(told), sure=True)
            return known or read
        return known

    async def standing(self) -> str:
        """Any answer will do."""
        try:
            await self._ask("GET", "/health")
        except Unfinished as error:
            return error.problems[0].what
        return "reachable"

    async def _ask(self, method: str, path: str, **words: Any) -> httpx.Response:
        """An answer that says what was done, read. Raises Transient, Unfinished."""
        try:
            with anyio.fail_after(self._wait):
                async with self._client() as http, http.stream(method, self._url + path, **words) as answer:
                    text = await body(answer, _MOST)
        except TimeoutError:
            raise Transient(self._problem("does not answer", f"it has {self._wait:g} s")) from None
        except httpx.HTTPError as error:
            raise Transient(self._problem("does not answer", str(error) or type(error).__name__)) from None
        if text is None:
            raise self._wrong(f"answers more than {_MOST // 1024} KiB")
        if answer.is_redirect:
            raise self._wrong(f"answers {answer.status_code}, a redirect: that is followed nowhere")
        return settled(
            httpx.Response(answer.status_code, headers=_plain(answer), content=text, request=answer.request),
            self._clock,
        )

    def _client(self) -> httpx.AsyncClient:
        headers = {"User-Agent": f"shipways/{__version__}"}
        return httpx.AsyncClient(timeout=self._wait, follow_redirects=False, trust_env=False, headers=headers)

    def _fine(self, answer: httpx.Response) -> httpx.Response:
        if not answer.is_success:
            raise self._wrong(f"refuses it: {answer.status_code}", said(answer))
        return answer

    def _confirmed(
        self, answer: httpx.Response, told: Mapping[str, str | int], names: Sequence[str], *, sure: bool = False
    ) -> Mapping[str, object]:
        """The JSON object of an answer, which says nothing else than it was told; to be `sure`, it says whose it is."""
        known = _parsed(answer)
        if known is None:
            raise self._wrong("does not say what it has registered", said(answer))
        if known.get("error") or known.get("success") is False:
            raise self._wrong("says that it has not registered it", said(answer))
        members = _members(known)
        for name in names:
            if name in members and str(members[name]) != str(told[name]):
                raise self._wrong(f"has registered another {name}", f"{members[name]!r} instead of {told[name]!r}")
        if sure and not {"droplet_id", "service_name"} & members.keys():
            raise self._wrong("does not say what it has registered", said(answer))
        return known

    def _wrong(self, what: str, why: str = "") -> Unfinished:
        return Unfinished(self._problem(what, why))

    def _problem(self, what: str, why: str) -> Problem:
        return Problem(path=origin(httpx.URL(self._url)), what=what, why=why)


def _plain(answer: httpx.Response) -> Mapping[str, str]:
    """The one header that is looked at: the body is unpacked by now."""
    return {name: value for name, value in answer.headers.items() if name.lower() == "retry-after"}


def _parsed(answer: httpx.Response) -> Mapping[str, object] | None:
    try:
        known = json.loads(answer.content)
    except ValueError:
        return None
    return known if isinstance(known, dict) else None


def _members(known: Mapping[str, object]) -> Mapping[str, object]:
    """Those of the object itself before those of objects in it."""
    inner = {name: value for each in known.values() if isinstance(each, dict) for name, value in each.items()}
    return {**inner, **known}
