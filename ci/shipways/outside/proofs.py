"""The door to whoever signs a release, and tells what a proof is worth."""

from collections.abc import Sequence
from typing import Protocol

from shipways.errors import Problem


class Notary(Protocol):
    """Signs as [publish.attest] says, and verifies under the key or identity that is pinned there."""

    async def ready(self) -> Sequence[Problem]:
        """What would keep it from signing. Raises Transient."""
        ...

    async def sign(self, name: str, subject: bytes) -> bytes:
        """A proof of these bytes, which people know by a name. Raises Transient, Unfinished when it cannot be made."""
        ...

    async def attest(self, statement: bytes) -> bytes:
        """An in-toto statement in an envelope that is signed. Raises as `sign` does."""
        ...

    async def verify(self, subject: bytes, proof: bytes) -> str:
        """Who has signed exactly these bytes. Raises Unproven unless it is the one that is pinned; Transient."""
        ...

    async def open(self, proof: bytes) -> bytes:
        """The statement in an envelope. Raises Unproven unless the one that is pinned has signed it; Transient."""
        ...
