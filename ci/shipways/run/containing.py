"""Services that Docker Compose keeps, as backups need them: where their volumes lie, and who starts and stops them."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from shipways.deploy.managers import Control
from shipways.errors import PreflightError, Problem, Unfinished
from shipways.model.service import Service
from shipways.outside.vaults import Vault
from shipways.ports import Process

_STILL: Final = frozenset({"exited", "dead", "created"})
_WORDS: Final[Mapping[Control, tuple[str, ...]]] = {
    "start": ("up", "--detach", "--no-deps", "--no-build", "--no-recreate", "--wait"),
    "stop": ("stop",),
    "restart": ("restart",),
}
"""A start that waits until it is healthy: what was restored has to work."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Contained:
    """A service of a compose file, whose engine is on this machine."""

    process: Process
    file: Path
    service: Service

    @property
    def behind(self) -> tuple[str, ...]:
        """What a command in its container is run by."""
        return (*self._compose, "exec", "-T", self.service.name)

    async def up(self) -> bool:
        """As Docker says. Raises PreflightError."""
        return (await self._told())["State"]["Status"] not in _STILL

    async def control(self, what: Control) -> None:
        """By Compose. Raises Unfinished."""
        done = await self.process.run((*self._compose, *_WORDS[what], self.service.name))
        if done.code:
            problem = f"`docker compose {_WORDS[what][0]}` ended with status {done.code}"
            raise Unfinished(Problem(path=self.service.name, what=problem, why=done.stderr.strip()))

    async def folders(self, vault: Vault) -> Mapping[str, Path]:
        """Where the volume of each data directory lies on this machine. Raises PreflightError."""
        mounts = {each["Destination"]: each for each in (await self._told())["Mounts"]}
        found = {kept.name: mounts.get(kept.path) for kept in self.service.data}
        if problems := [problem for name, mount in found.items() for problem in self._absent(name, mount, vault)]:
            raise PreflightError(*problems)
        return {name: Path(mount["Source"]) for name, mount in found.items() if mount}

    def _absent(self, name: str, mount: Mapping[str, Any] | None, vault: Vault) -> Iterator[Problem]:
        path = f"service.{self.service.name}.data.{name}"
        if mount is None:
            yield Problem(path=path, what="the container has no volume there", hint="`docker compose up` makes it anew")
        elif not vault.there(Path(mount["Source"])):
            why = "the engine is on another machine, or this user may not look there"
            hint = "run it on the machine of the engine, as root"
            yield Problem(path=path, what=f"{mount['Source']} is not to be seen", why=why, hint=hint)

    async def _told(self) -> Mapping[str, Any]:
        """The container, as Docker knows it. Raises PreflightError."""
        name = self.service.name
        listed = await self._ran(*self._compose, "ps", "--all", "--quiet", name)
        if not listed.split():
            hint = f"make it first: `docker compose --file {self.file} up --detach`"
            raise PreflightError(Problem(path=name, what="has no container", hint=hint))
        found: list[Mapping[str, Any]] = json.loads(await self._ran("docker", "inspect", *listed.split()))
        return max(found, key=lambda each: str(each["Created"]))

    async def _ran(self, *argv: str) -> str:
        try:
            done = await self.process.run(argv)
        except OSError as error:
            raise PreflightError(Problem(path=argv[0], what="cannot be run", why=error.strerror or "")) from None
        if done.code:
            what = f"`{' '.join(argv)}` ended with status {done.code}"
            raise PreflightError(Problem(path=self.service.name, what=what, why=done.stderr.strip()))
        return done.stdout

    @property
    def _compose(self) -> tuple[str, ...]:
        return ("docker", "compose", "--file", str(self.file))
