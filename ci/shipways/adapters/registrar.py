"""A registry of services over HTTP: only the address of the config is asked, and nothing that an answer leads to."""

import json
from collections.abc import Mapping, Sequence
from typing import Final

import httpx

from shipways.adapters.peer import Peer
from shipways.adapters.web import said
from shipways.errors import Transient, Unfinished
from shipways.model.digest import digest_of
from shipways.outside.registrars import Entry
from shipways.ports import Clock

_SAME: Final = httpx.codes.CONFLICT
_ID: Final = "{droplet_id}"
_WHO: Final = ("droplet_id", "service_name", "endpoint")
"""What an answer of a registry may say again; a `version` in it may be its own."""


class HttpRegistrar:
    """The `Registrar` port. `url` is that of the config, `entry` the path below it where an entry is read; `wait` is in
    seconds.
    """

    def __init__(self, url: str, entry: str, wait: float, clock: Clock) -> None:
        self._peer = Peer(url.rstrip("/"), wait, clock)
        self._entry = entry

    async def register(self, entry: Entry) -> Mapping[str, object]:
        """POST /register, then a look at the entry, where the config says how."""
        told = entry.told
        headers = {"Idempotency-Key": digest_of(dict(told)).removeprefix("sha256:")}
        answer = await self._peer.ask("POST", "/register", json=told, headers=headers)
        if answer.status_code == _SAME and not self._entry:
            return self._confirmed(answer, told, tuple(told), sure=True)
        known = {} if answer.status_code == _SAME else self._confirmed(self._peer.fine(answer), told, _WHO)
        if self._entry:
            path = self._entry.replace(_ID, str(entry.droplet_id))
            found = await self._peer.ask("GET", path)
            if found.status_code == httpx.codes.NOT_FOUND:
                raise Transient(self._peer.problem("does not know what it was just told", f"GET {path} answered 404"))
            read = self._confirmed(self._peer.fine(found), told, tuple(told), sure=True)
            return known or read
        return known

    async def standing(self) -> str:
        """Any answer will do."""
        try:
            await self._peer.ask("GET", "/health")
        except Unfinished as error:
            return error.problems[0].what
        return "reachable"

    def _confirmed(
        self, answer: httpx.Response, told: Mapping[str, str | int], names: Sequence[str], *, sure: bool = False
    ) -> Mapping[str, object]:
        """The JSON object of an answer, which says nothing else than it was told; to be `sure`, it says whose it is."""
        known = _parsed(answer)
        if known is None:
            raise self._peer.wrong("does not say what it has registered", said(answer))
        if known.get("error") or known.get("success") is False:
            raise self._peer.wrong("says that it has not registered it", said(answer))
        members = _members(known)
        for name in names:
            if name in members and str(members[name]) != str(told[name]):
                raise self._peer.wrong(f"has registered another {name}", f"{members[name]!r} instead of {told[name]!r}")
        if sure and not {"droplet_id", "service_name"} & members.keys():
            raise self._peer.wrong("does not say what it has registered", said(answer))
        return known


def _parsed(answer: httpx.Response) -> Mapping[str, object] | None:
    """None for what is no object; nor is one that goes too deep, or that nobody could write down or tell again."""
    try:
        known = json.loads(answer.content)
        json.dumps(known, ensure_ascii=False, allow_nan=False).encode()
    except (ValueError, RecursionError):
        return None
    return known if isinstance(known, dict) else None


def _members(known: Mapping[str, object]) -> Mapping[str, object]:
    """Those of the object itself before those of objects in it."""
    inner = {name: value for each in known.values() if isinstance(each, dict) for name, value in each.items()}
    return {**inner, **known}
