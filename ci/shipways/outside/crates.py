"""The door to a registry of crates, as a Protocol of a few methods."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final, Protocol

from shipways.model.item import Seen
from shipways.model.pace import Limit

CRATES_IO: Final = frozenset({"", "crates-io"})
"""What the registry of everybody's crates is called in a config; cargo knows where it is."""


def token_variable(registry: str) -> str:
    """The variable with the token for a registry, which cargo itself reads (Cargo Book, "Environment Variables")."""
    named = registry not in CRATES_IO and not registry.startswith("sparse+")
    middle = f"REGISTRIES_{registry.upper().replace('-', '_')}" if named else "REGISTRY"
    return f"CARGO_{middle}_TOKEN"


class CrateRegistry(Protocol):
    """A registry of crates: a sparse index, and the web API for uploads (Cargo Book, "Registries")."""

    async def look(self, crates: Sequence[tuple[str, str]]) -> Mapping[tuple[str, str], Seen]:
        """What the index has of each name and version.

        `value` is the digest of the .crate, empty where there is none; `stamp` is empty for a crate that it has no
        version of. Raises Transient, Unfinished.
        """
        ...

    async def authorize(self) -> None:
        """Get a token to upload with. Raises Unfinished when there is none to be had, or nothing takes it, Transient.

        No registry tells whose a token is: whether a crate is ours is known when it is uploaded.
        """
        ...

    async def owners(self, name: str) -> tuple[str, ...]:
        """The logins of those who may publish a crate, as far as the registry tells; empty where it does not.

        Raises Transient.
        """
        ...

    async def upload(self, crate: Path, limit: Limit | None) -> None:
        """Send a .crate, as fast as the limit allows over all uploads of this run.

        Raises Transient; Moved when this version is there by now; Unfinished when it is refused.
        """
        ...

    async def shown(self, name: str, version: str) -> str:
        """Wait until the index shows a version that was uploaded; its URL. Raises Transient when it takes too long."""
        ...

    async def fetch(self, url: str, into: Path) -> None:
        """Download a .crate from where `look` has seen it. Raises Transient, Unfinished; Moved when it is gone."""
        ...
