"""The registry of services: who serves what, and where, for everybody who looks for them."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol


class Event(StrEnum):
    """Why a service is registered."""

    DEPLOYED = "deployed"
    RETURNED = "rolled_back"


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """What a registry is told of a service: `release` is the id of what serves now at `endpoint`."""

    droplet_id: int
    service_name: str
    endpoint: str
    release: str
    event: Event

    @property
    def told(self) -> Mapping[str, str | int]:
        """As it is sent. Nothing in it is about when, so that the same once more is the same."""
        return {
            "droplet_id": self.droplet_id,
            "service_name": self.service_name,
            "endpoint": self.endpoint,
            "version": self.release,
            "event": str(self.event),
        }


class Registrar(Protocol):
    """One registry."""

    async def register(self, entry: Entry) -> Mapping[str, object]:
        """Tell it, and make sure that it knows; the same once more changes nothing there. Its answer.

        Raises Transient, and Unfinished when it refuses, or says that it knows something else.
        """
        ...

    async def standing(self) -> str:
        """`reachable`, or why it is not."""
        ...
