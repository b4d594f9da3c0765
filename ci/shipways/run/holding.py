"""Holds of deployments: nothing is deployed to what somebody holds as it is, with a reason, until it is taken back."""

from collections.abc import AsyncIterator, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Protocol, runtime_checkable

from shipways.deploy import holds
from shipways.deploy.holds import encoded, told
from shipways.errors import Held, Problem
from shipways.model.job import Hold
from shipways.outside.hosts import Address
from shipways.outside.platforms import Deployer, Site


@runtime_checkable
class OnHosts(Protocol):
    """A deployer whose services lie on hosts, below a root: a hold lies there too, and everybody sees it."""

    @property
    def addresses(self) -> tuple[Address, ...]:
        """The hosts."""
        ...

    @property
    def root(self) -> str:
        """Where services lie."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Holds:
    """The holds of one deployment. Those of what does not lie on hosts are in `folder`, and known only there.

    Every method raises Transient, PreflightError, Unfinished where a host cannot be asked or told.
    """

    deployer: Deployer
    site: Site
    folder: Path

    async def found(self) -> Sequence[Hold]:
        """Each that there is; `service` is HOST/SERVICE on hosts, else the name of the deployment."""
        if isinstance(self.deployer, OnHosts):
            return [hold async for hold in self._there(self.deployer)]
        return (told(self._name, self.site.files.read(self._file)),) if self.site.files.exists(self._file) else ()

    async def refuse(self) -> None:
        """Raises Held with each that there is."""
        if found := await self.found():
            hint = f"`shipways hold {self._name} --release` takes it back"
            raise Held(*(refusal(each, hint) for each in found))

    async def put(self, *, reason: str, by: str, since: float) -> None:
        """Everywhere; another one replaces it."""
        hold = Hold(service=self._name, reason=reason, by=by, since=since)
        if not isinstance(self.deployer, OnHosts):
            with self.site.files.create(self._file) as stream:
                stream.write(encoded(hold))
            return
        for host, services in self._places(self.deployer):
            for service in services:
                await holds.put(await self.site.hosts.reach(host), self.deployer.root, replace(hold, service=service))

    async def release(self) -> None:
        """Everywhere."""
        if not isinstance(self.deployer, OnHosts):
            self.site.files.remove(self._file)
            return
        for host, services in self._places(self.deployer):
            for service in services:
                await holds.remove(await self.site.hosts.reach(host), self.deployer.root, service)

    @property
    def _name(self) -> str:
        return self.deployer.name.removeprefix("deploy.")

    @property
    def _file(self) -> Path:
        return self.folder / f"{self.deployer.name}.hold.json"

    async def _there(self, deployer: OnHosts) -> AsyncIterator[Hold]:
        for host, services in self._places(deployer):
            found = await holds.holds(await self.site.hosts.reach(host), deployer.root)
            for service in services:
                if service in found:
                    yield replace(found[service], service=f"{host.name}/{service}")

    def _places(self, deployer: OnHosts) -> Iterator[tuple[Address, Sequence[str]]]:
        """Each host, and the services that are deployed to it."""
        names = dict.fromkeys(tuple(item.id.split("/")[1:3]) for item in self.deployer.items())
        for address in deployer.addresses:
            yield address, [service for host, service in names if host == address.name]


def refusal(hold: Hold, hint: str) -> Problem:
    """Why nothing is deployed."""
    return Problem(path=hold.service, what=f"is held by {hold.by}", why=hold.reason, hint=hint)
