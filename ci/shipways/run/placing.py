"""What runs of each service on each host, as far as anybody has asked a moment ago."""

import functools
from collections.abc import Sequence
from dataclasses import replace
from typing import Final

import anyio

from shipways.errors import ShipwaysError
from shipways.model.deployment import Running
from shipways.model.event import Event
from shipways.model.item import Item
from shipways.model.job import Job, Placed
from shipways.outside.jobs import Bringer, JobJournal, Requested
from shipways.outside.platforms import Site
from shipways.ports import Clock
from shipways.run.jobholds import Holding
from shipways.run.phases import host_of, telling
from shipways.tasks import together

_FRESH: Final = 5.0
"""Seconds for which an answer is not asked for again."""
_WAIT: Final = 10.0
"""Seconds after which a host is called silent."""


class Quiet:
    """The `Console` port where nobody listens."""

    def emit(self, event: Event) -> None:
        """Nothing."""

    def print(self, text: str) -> None:
        """Nothing."""


class Placing:
    """Asks hosts, all at once and one time for all who want to know."""

    def __init__(self, journal: JobJournal, bringer: Bringer, clock: Clock, holding: Holding) -> None:
        self._journal = journal
        self._bringer = bringer
        self._clock = clock
        self._holding = holding
        self._turn = anyio.Lock()
        self._found: dict[tuple[str, str], Placed] = {}
        self._until = 0.0

    def stale(self) -> None:
        """Something has changed: it is asked for again."""
        self._until = 0.0

    async def placed(self, site: Site) -> Sequence[Placed]:
        """By the names of services and hosts, with the holds of now."""
        async with self._turn:
            if not self._found or self._clock.monotonic() >= self._until:
                await together(functools.partial(self._ask, site, job) for job in self._journal.services())
                self._until = self._clock.monotonic() + _FRESH
        holds = await self._holding.seen(site)
        return tuple(
            replace(self._found[service, host], hold=holds.get(host, {}).get(service))
            for service, host in sorted(self._found)
        )

    async def _ask(self, site: Site, job: Job) -> None:
        found = self._bringer.standing(job.request, Quiet())
        for item in telling(found.deployer.items()):
            key = (job.request.service_name, host_of(item.id))
            try:
                with anyio.fail_after(_WAIT):
                    self._found[key] = await self._look(site, found, item, job)
            except (ShipwaysError, TimeoutError) as error:
                why = error.problems[0].what if isinstance(error, ShipwaysError) else f"is silent for {_WAIT:g} s"
                none = Placed(service=key[0], host=key[1], digest="", previous="", since=0.0, seen=0.0)
                self._found[key] = replace(self._found.get(key, none), why=f"cannot be asked: {why}")

    async def _look(self, site: Site, found: Requested, item: Item, job: Job) -> Placed:
        running = (await found.deployer.observe(site, (item,))).get(item.id, Running())
        why = "nothing runs"
        if running.digest:
            pulse = await found.deployer.probe(site, replace(item, want=running.digest))
            why = "" if pulse.healthy else pulse.why
        return Placed(
            service=job.request.service_name,
            host=host_of(item.id),
            digest=running.digest,
            previous=running.previous,
            since=(job.ended or 0.0) if running.digest and running.digest == job.release else 0.0,
            seen=self._clock.now(),
            why=why,
        )
