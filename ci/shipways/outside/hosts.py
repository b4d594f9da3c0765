"""Hosts: machines that are reached over the network, as Protocols of a few methods."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from shipways.ports import Completed


@dataclass(frozen=True, slots=True, kw_only=True)
class Address:
    """Where a host is, who logs in, and by what the two know each other.

    `key` is a file with a private key, empty for the agent's and the user's own; `known` the file of known hosts,
    empty for the user's.
    """

    user: str
    host: str
    port: int
    key: str = ""
    known: str = ""

    @property
    def name(self) -> str:
        """How people and items call it."""
        return self.host if self.port == 22 else f"{self.host}:{self.port}"


class Host(Protocol):
    """One host; everything is done as root there.

    Every method raises Transient where the host does not answer, or the connection ends before it has.
    """

    def held(self, lock: str) -> str:
        """The line with the token by which a lock is held over this connection; empty where it is not."""
        ...

    async def run(self, argv: Sequence[str], stdin: bytes = b"") -> Completed:
        """Run to the end. What it is told by `stdin` is in no list of processes."""
        ...

    async def follow(self, argv: Sequence[str], told: Callable[[str], None]) -> Completed:
        """Run to the end; `told` hears whole lines of either stream as they come. `stdout` is the end of all of it."""
        ...

    async def put(self, source: Path | bytes, path: str, *, mode: int, within: Sequence[str] = ()) -> None:
        """Write a file: whole, or it is as it was. The command `within` runs the last step. Raises Unfinished."""
        ...

    async def send(self, source: Path, path: str, told: Callable[[int], None]) -> None:
        """Bring a file, of which an earlier attempt may have brought a part; its folder is there for nothing else.

        `told` hears how many bytes are there. Raises Unfinished.
        """
        ...

    async def digest(self, path: str) -> str:
        """The digest of a file; empty when there is none."""
        ...

    async def hold(self, locks: Sequence[str], argv: Sequence[str]) -> Completed:
        """Start `tender lock` of these, which stays until the connection ends: the line with its token, and code 0.

        Where somebody else holds one of them: as it ended.
        """
        ...


class Hosts(Protocol):
    """All hosts; one connection to each."""

    async def reach(self, address: Address) -> Host:
        """Raises Transient; PreflightError for a host key that is not the known one, or a login that is refused."""
        ...

    async def aclose(self) -> None:
        """End all connections, and what is held over them."""
        ...
