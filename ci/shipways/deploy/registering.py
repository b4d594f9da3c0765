"""A service that is registered, as one more item of its deployment: what the registry was told, and what it said."""

import json
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from shipways.deploy.berths import short
from shipways.errors import ShipwaysError
from shipways.model.deployment import Running
from shipways.model.job import Registration
from shipways.outside.registrars import Entry, Event, Registrar
from shipways.ports import Clock, Files


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """Digests of what is registered and what was before; `begun`: nobody knows whether the registry has heard of it.

    `at` is in seconds since the epoch.
    """

    running: str = ""
    previous: str = ""
    begun: bool = False
    at: float = 0.0
    answer: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Registering:
    """One service at one registry. `place` is the file of what it was told; `say` hears what did not go well."""

    registrar: Registrar
    files: Files
    clock: Clock
    place: Path
    droplet_id: int
    service_name: str
    endpoint: str
    say: Callable[[str], None]

    @property
    def told(self) -> Told:
        """As it is remembered; nothing where that cannot be read."""
        try:
            found: dict[str, Any] = json.loads(self.files.read(self.place))
            return Told(**found)
        except (OSError, ValueError, TypeError):
            return Told()

    @property
    def running(self) -> Running:
        """How the item stands."""
        told = self.told
        return Running(digest=told.running, previous=told.previous, torn=told.begun, url=self.endpoint)

    async def forward(self, digest: str, previous: str) -> None:
        """A release that was deployed. Raises Transient, Unfinished."""
        told = self.told
        self._write(replace(told, begun=True))
        answer = await self.registrar.register(self._entry(digest, Event.DEPLOYED))
        before = told.previous if previous == digest else previous
        self._write(Told(running=digest, previous=before, at=self.clock.now(), answer=answer))

    async def back(self, digest: str, previous: str) -> None:
        """One that was returned to; nothing where nothing is any more.

        A registry that is silent keeps nobody from returning: it is told with the next deployment.
        """
        self._write(replace(self.told, begun=True))
        now = Told(running=digest, previous=previous, at=self.clock.now())
        try:
            answer = await self.registrar.register(self._entry(digest, Event.RETURNED))
        except ShipwaysError as error:
            self._write(replace(now, begun=True))
            self.say(f"the registry does not know of the return: {error.problems[0].what}")
            return
        self._write(replace(now, answer=answer))

    @property
    def registration(self) -> Registration | None:
        """What the registry has said of what is registered; None where it has said nothing."""
        told = self.told
        if told.begun or not told.running:
            return None
        return Registration(
            droplet_id=self.droplet_id,
            service_name=self.service_name,
            endpoint=self.endpoint,
            registered=told.at,
            response=told.answer,
        )

    def _entry(self, digest: str, event: Event) -> Entry:
        return Entry(
            droplet_id=self.droplet_id,
            service_name=self.service_name,
            endpoint=self.endpoint,
            release=short(digest),
            event=event,
        )

    def _write(self, told: Told) -> None:
        with self.files.create(self.place, private=True) as stream:
            stream.write(json.dumps(asdict(told)).encode())
