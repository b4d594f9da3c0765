"""Holds of deployments: nothing is deployed to what somebody holds as it is, with a reason, until it is taken back."""

import json
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, runtime_checkable

from shipways.errors import Held, Problem, Unfinished
from shipways.model.job import Hold
from shipways.outside.hosts import Address, Host
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
        if not isinstance(self.deployer, OnHosts):
            texts = {self._name: self.site.files.read(self._file)} if self.site.files.exists(self._file) else {}
        else:
            texts = {place: done.encode() async for place, done in self._texts(self.deployer)}
        return tuple(_hold(place, text) for place, text in texts.items())

    async def refuse(self) -> None:
        """Raises Held with each that there is."""
        if found := await self.found():
            hint = f"`shipways hold {self._name} --release` takes it back"
            raise Held(*(Problem(path=e.service, what=f"is held by {e.by}", why=e.reason, hint=hint) for e in found))

    async def put(self, hold: Mapping[str, str | float]) -> None:
        """Everywhere; another one replaces it."""
        text = json.dumps(hold).encode() + b"\n"
        if not isinstance(self.deployer, OnHosts):
            with self.site.files.create(self._file) as stream:
                stream.write(text)
            return
        async for _, host, path in self._places(self.deployer):
            await host.put(text, path, mode=0o644)

    async def release(self) -> None:
        """Everywhere."""
        if not isinstance(self.deployer, OnHosts):
            self.site.files.remove(self._file)
            return
        async for place, host, path in self._places(self.deployer):
            done = await host.run(("rm", "-f", "--", path))
            if done.code:
                raise Unfinished(Problem(path=place, what=f"{path} cannot be removed", why=done.stderr.strip()))

    @property
    def _name(self) -> str:
        return self.deployer.name.removeprefix("deploy.")

    @property
    def _file(self) -> Path:
        return self.folder / f"{self.deployer.name}.hold.json"

    async def _texts(self, deployer: OnHosts) -> AsyncIterator[tuple[str, str]]:
        async for place, host, path in self._places(deployer):
            done = await host.run(("cat", "--", path))
            if not done.code:
                yield place, done.stdout

    async def _places(self, deployer: OnHosts) -> AsyncIterator[tuple[str, Host, str]]:
        """Of each service on each host: how people call it, the host, and the file."""
        names = dict.fromkeys(tuple(item.id.split("/")[1:3]) for item in self.deployer.items())
        addresses = {address.name: address for address in deployer.addresses}
        for host, service in names:
            reached = await self.site.hosts.reach(addresses[host])
            yield f"{host}/{service}", reached, f"{deployer.root}/{service}/hold.json"


def _hold(place: str, text: bytes) -> Hold:
    """What cannot be read holds, too."""
    try:
        told = json.loads(text)
        return Hold(service=place, reason=str(told["reason"]), by=str(told["by"]), since=float(told["since"]))
    except (ValueError, KeyError, TypeError):
        return Hold(service=place, reason="its file cannot be read", by="somebody", since=0.0)
