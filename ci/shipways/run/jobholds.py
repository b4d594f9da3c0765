"""The holds of services, as hosts have them: nobody else keeps any, so whoever deploys there sees the same."""

import contextlib
import functools
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Final

import anyio

from shipways.errors import Held, ShipwaysError
from shipways.model.job import Hold
from shipways.outside.jobs import Bringer
from shipways.outside.platforms import Site
from shipways.ports import Clock
from shipways.run.holding import refusal
from shipways.tasks import together

_FRESH: Final = 5.0
"""Seconds for which an answer is not asked for again by those who only look."""
_WAIT: Final = 10.0
"""Seconds after which a host is called silent."""


async def free(bringer: Bringer, site: Site, service: str) -> None:
    """Raises Held; Transient and PreflightError where a host cannot be asked."""
    if hold := await held(bringer, site, service):
        raise refused(hold)


def refused(hold: Hold) -> Held:
    """Why nothing is deployed."""
    return Held(refusal(hold, "take the hold back first"))


async def held(bringer: Bringer, site: Site, service: str) -> Hold | None:
    """The newest hold of a service on any host, asked now. Raises Transient, PreflightError."""
    there: list[Hold] = []

    async def look(host: str) -> None:
        there.extend(hold for hold in (await bringer.holds(site, host)).values() if hold.service == service)

    await together(functools.partial(look, host) for host in bringer.hosts)
    return max(there, key=lambda hold: hold.since, default=None)


class Holding:
    """Asks hosts, all at once and one time for all who want to know; and tells them."""

    def __init__(self, bringer: Bringer, clock: Clock) -> None:
        self._bringer = bringer
        self._clock = clock
        self._turn = anyio.Lock()
        self._seen: dict[str, Mapping[str, Hold]] = {}
        self._until = 0.0

    async def seen(self, site: Site) -> Mapping[str, Mapping[str, Hold]]:
        """By hosts, then by services; of a host that is silent what was seen last."""
        async with self._turn:
            if self._clock.monotonic() >= self._until:
                await together(functools.partial(self._look, site, host) for host in self._bringer.hosts)
                self._until = self._clock.monotonic() + _FRESH
        return dict(self._seen)

    async def all(self, site: Site) -> Sequence[Hold]:
        """The newest of each service, by their names."""
        newest: dict[str, Hold] = {}
        for holds in (await self.seen(site)).values():
            for name, hold in holds.items():
                newest[name] = max(newest.get(name, hold), hold, key=lambda each: each.since)
        return tuple(newest[name] for name in sorted(newest))

    async def put(self, site: Site, hold: Hold) -> None:
        """On every host that answers. Raises what one that does not raises."""
        await self._everywhere(lambda host: self._bringer.hold(site, host, hold))

    async def remove(self, site: Site, service: str) -> None:
        """The same."""
        await self._everywhere(lambda host: self._bringer.release(site, host, service))

    async def _look(self, site: Site, host: str) -> None:
        with contextlib.suppress(ShipwaysError, TimeoutError), anyio.fail_after(_WAIT):
            self._seen[host] = await self._bringer.holds(site, host)

    async def _everywhere(self, act: Callable[[str], Awaitable[None]]) -> None:
        failed: list[ShipwaysError] = []

        async def attempt(host: str) -> None:
            try:
                await act(host)
            except ShipwaysError as error:
                failed.append(error)

        await together(functools.partial(attempt, host) for host in self._bringer.hosts)
        self._until = 0.0
        if failed:
            raise failed[0]
