"""The deployer of a source tree: that of its hosts, and after them who verifies it, and the registry."""

import contextlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from shipways.deploy.berths import Berth
from shipways.deploy.chains import names
from shipways.deploy.hostroom import pythonless, roomless
from shipways.deploy.mooring import Phase
from shipways.deploy.places.hosts import HostsDeployer
from shipways.deploy.pruning import crowded
from shipways.deploy.registering import Registering
from shipways.deploy.treesource import TreeSource
from shipways.deploy.verifying import Verifying
from shipways.errors import PreflightError, Problem, Transient
from shipways.model.deployment import Pulse, Running, Terms
from shipways.model.item import Item, ItemKind
from shipways.model.item import Phase as Turn
from shipways.model.manifest import Manifest
from shipways.outside.platforms import Site

_APPROVE, _REGISTER = "approve", "register"


@dataclass(frozen=True, slots=True, kw_only=True)
class TreeDeployer:
    """The `Deployer` of one service. `url` is where people reach it; `release` what it brings, empty for what is there.

    Without `registering` the registry is left alone, without `verifying` nobody else is asked.
    """

    hosts: HostsDeployer
    source: TreeSource
    url: str
    release: str
    registering: Registering | None
    verifying: Verifying | None = None

    @property
    def name(self) -> str:
        """As its hosts have it."""
        return self.hosts.name

    @property
    def terms(self) -> Terms:
        """As its hosts have them."""
        return self.hosts.terms

    def items(self) -> tuple[Item, ...]:
        """It is verified when it serves on every host, and registered then."""
        found = self.hosts.items()
        needs = tuple(item.id for item in found if names(item)[2] is Phase.SWITCH)
        place = f"{self.name}/{self.hosts.addresses[0].name}/{self.source.name}"
        if self.verifying:
            approved = Item(id=f"{place}/{_APPROVE}", kind=ItemKind.PROOF, phase=Turn.DEPLOY, want="", needs=needs)
            found, needs = (*found, approved), (*needs, approved.id)
        if self.registering:
            found += (Item(id=f"{place}/{_REGISTER}", kind=ItemKind.MOVING, phase=Turn.DEPLOY, want="", needs=needs),)
        return found

    def desired(self, manifest: Manifest) -> tuple[Item, ...]:
        """The release of the tree, whatever the manifest says."""
        del manifest
        return tuple(replace(item, want=self.release) for item in self.items())

    async def preflight(self, site: Site) -> tuple[Problem, ...]:
        """What hosts need for any release, and for this tree."""
        problems = list(await self.hosts.preflight(site))
        for address in self.hosts.addresses:
            with contextlib.suppress(Transient, PreflightError):  # told of by now
                host = await site.hosts.reach(address)
                berth = Berth(root=self.hosts.root, service=self.source.name)
                if self.source.walked:
                    size, quota = self.source.walked.tree.size, self.hosts.kept.quota
                    problems += await roomless(host, address.name, berth, size)
                    found = await crowded(host, berth, self.release, size, quota)
                    problems += [replace(each, path=address.name) for each in found]
                if not self.source.docker:
                    problems += await pythonless(host, address.name)
        return tuple(problems)

    async def observe(self, site: Site, items: Sequence[Item]) -> Mapping[str, Running]:
        """Hosts are asked; of the registry is known what it was told. Nothing is verified before this run asks."""
        mine = [item for item in items if not _beside(item)]
        seen = {name: replace(each, url=self.url) for name, each in (await self.hosts.observe(site, mine)).items()}
        seen |= {item.id: Running() for item in items if _step(item) == _APPROVE}
        if self.registering:
            seen |= {item.id: self.registering.running for item in items if _step(item) == _REGISTER}
        return seen

    async def apply(self, site: Site, item: Item, seen: Running, previous: str) -> str:
        """A step on a host, or one after them. The registry hears of what has returned, too."""
        returns = item.want != self.release
        if not _beside(item):
            await self.hosts.apply(site, item, seen, previous)
            if returns and names(item)[2] in {Phase.START, Phase.SWITCH}:
                await self._returned(item.want)
        elif self.verifying and _step(item) == _APPROVE:
            await self.verifying.ask(item.want)
        elif self.registering and returns:
            await self.registering.back(item.want, previous)
        elif self.registering:
            await self.registering.forward(item.want, previous)
        return self.url

    async def probe(self, site: Site, item: Item) -> Pulse:
        """As its hosts say; who verifies it, and the registry, were asked."""
        return Pulse(healthy=True) if _beside(item) else await self.hosts.probe(site, item)

    async def withdraw(self, site: Site, item: Item) -> None:
        """Nothing is registered any more where nothing was before. Who verifies it is not asked about a return."""
        if not _beside(item):
            await self.hosts.withdraw(site, item)
        elif self.registering and _step(item) == _REGISTER:
            await self.registering.back("", "")

    async def logs(self, site: Site, item: Item) -> str:
        """Of its hosts."""
        return "" if _beside(item) else await self.hosts.logs(site, item)

    async def _returned(self, digest: str) -> None:
        """Where it was not registered yet: that what is registered has returned."""
        if self.registering and (told := self.registering.told).running == digest and not told.begun:
            await self.registering.back(digest, told.previous)


def _step(item: Item) -> str:
    return item.id.rpartition("/")[2]


def _beside(item: Item) -> bool:
    """Whether it is on no host."""
    return _step(item) in {_APPROVE, _REGISTER}
