"""A service that somebody else verifies, as one more item of its deployment: nothing of it is remembered."""

from dataclasses import dataclass

from shipways.deploy.berths import short
from shipways.outside.verifiers import Candidate, Verifier


@dataclass(frozen=True, slots=True, kw_only=True)
class Verifying:
    """One service before one verifier."""

    verifier: Verifier
    droplet_id: int
    service_name: str
    service_url: str

    async def ask(self, digest: str) -> None:
        """About the release that serves now. Raises Transient, Unfinished."""
        candidate = Candidate(
            droplet_id=self.droplet_id,
            service_name=self.service_name,
            service_url=self.service_url,
            release=short(digest),
        )
        await self.verifier.verify(candidate)
