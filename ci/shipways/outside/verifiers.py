"""Who says besides the deployer whether a service is what it should be, once it serves."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """What a verifier is asked about: `release` is the id of what serves now at `service_url`."""

    droplet_id: int
    service_name: str
    service_url: str
    release: str

    @property
    def told(self) -> Mapping[str, str | int]:
        """As it is sent."""
        return {
            "droplet_id": self.droplet_id,
            "service_name": self.service_name,
            "service_url": self.service_url,
            "version": self.release,
        }


class Verifier(Protocol):
    """One verifier."""

    async def verify(self, candidate: Candidate) -> None:
        """Ask it; to ask twice does no harm. Raises Transient, and Unfinished with its words when it refuses."""
        ...
