"""A host that changes nothing any more once somebody else has got its lock."""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from shipways.errors import Problem, Transient, Unfinished
from shipways.outside.hosts import Host
from shipways.ports import Completed


@dataclass(frozen=True, slots=True, kw_only=True)
class Fenced:
    """The `Host` port: every command is one of whoever has the newest token (`tender fence`)."""

    host: Host
    tender: str
    lock: str

    def held(self, lock: str) -> str:
        """As the host says."""
        return self.host.held(lock)

    @property
    def fence(self) -> tuple[str, ...]:
        """What comes before a command. Raises Transient where the lock was lost: it is taken again at first."""
        held = self.held(self.lock)
        if not held:
            raise Transient(
                Problem(path=self.lock, what="is not held any more", why="the link was silent for too long")
            )
        token = str(json.loads(held)["token"])
        return (self.tender, "fence", "--file", self.lock, "--token", token, "--")

    async def run(self, argv: Sequence[str], stdin: bytes = b"") -> Completed:
        """Within the fence."""
        return await self.host.run((*self.fence, *argv), stdin)

    async def follow(self, argv: Sequence[str], told: Callable[[str], None]) -> Completed:
        """Within the fence."""
        return await self.host.follow((*self.fence, *argv), told)

    async def put(self, source: Path | bytes, path: str, *, mode: int, within: Sequence[str] = ()) -> None:
        """Its last step is within the fence."""
        await self.host.put(source, path, mode=mode, within=(*self.fence, *within))

    async def send(self, source: Path, path: str, told: Callable[[int], None]) -> None:
        """As it is: nothing reads it before a command does."""
        await self.host.send(source, path, told)

    async def digest(self, path: str) -> str:
        """As it is."""
        return await self.host.digest(path)

    async def hold(self, locks: Sequence[str], argv: Sequence[str]) -> Completed:
        """As it is."""
        return await self.host.hold(locks, argv)


async def must(host: Host, *argv: str, fine: frozenset[int] = frozenset({0}), stdin: bytes = b"") -> str:
    """What a command prints. Raises Unfinished where it fails."""
    done = await host.run(argv, stdin)
    if done.code not in fine:
        why = done.stderr.strip() or done.stdout.strip()
        raise Unfinished(Problem(path=argv[0], what=f"ended with status {done.code}", why=why))
    return done.stdout


async def read(host: Host, *paths: str) -> str:
    """Small files, one after the other; one that is not there is empty. Raises Transient."""
    return (await host.run(("cat", "--", *paths))).stdout


async def digests(host: Host, paths: Sequence[str]) -> dict[str, str]:
    """Of the files that are there."""
    if not paths:
        return {}
    lines = (await host.run(("sha256sum", "--", *paths))).stdout.splitlines()
    return {path: f"sha256:{digest}" for digest, _, path in (line.partition("  ") for line in lines)}
