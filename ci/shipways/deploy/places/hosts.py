"""Hosts that are reached by SSH: releases start beside each other, and the public port goes from one to the next."""

import contextlib
import functools
import itertools
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

import anyio

from shipways.config.kinds import in_bytes, milliseconds
from shipways.config.schema import Config
from shipways.deploy import moves
from shipways.deploy.berths import Berth, short
from shipways.deploy.brought import ProgramSource
from shipways.deploy.chains import chains, names
from shipways.deploy.fronts import Front
from shipways.deploy.hostchecks import checked, engineless, hidden, stranded, strange, taken, ungiven
from shipways.deploy.mooring import Mooring, Phase
from shipways.deploy.pruning import Kept, make_room, prune
from shipways.deploy.pulled import ImageSource
from shipways.deploy.pulses import pulse
from shipways.deploy.sources import Source, Wanted
from shipways.deploy.wanted import chosen, terms
from shipways.errors import ConfigError, PreflightError, Problem, Transient, Unfinished
from shipways.model.daemon import Machine
from shipways.model.deployment import Pulse, Running, Terms
from shipways.model.item import Item
from shipways.model.manifest import Manifest
from shipways.model.secret import masked, telling
from shipways.model.service import CONTAINER, HOST, Service
from shipways.outside.hosts import Address, Host
from shipways.outside.platforms import Site
from shipways.tasks import together

_BUSY: Final = 75
_INTERVAL: Final = 0.25
"""Seconds between questions for health: they are asked on the host itself."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HostsDeployer:
    """Each service on each host is a chain of items. Whoever changes something of it holds its lock there."""

    name: str
    addresses: tuple[Address, ...]
    batch: int
    root: str
    arch: str
    tender: str
    drain: str
    kept: Kept
    sources: tuple[Source, ...]
    terms: Terms

    def items(self) -> tuple[Item, ...]:
        """The chain of each service on each host."""
        return chains(self.name, [each.name for each in self.addresses], self.sources, self.batch)

    def desired(self, manifest: Manifest) -> tuple[Item, ...]:
        """The release of each service. Raises ConfigError with each whose program or image was not made."""
        wanted: dict[str, Wanted] = {}
        problems: list[Problem] = []
        for source in self.sources:
            try:
                wanted[source.name] = source.wanted(manifest)
            except ConfigError as error:
                problems += error.problems
        if problems:
            raise ConfigError(*problems)
        return self.wanting(wanted)

    def wanting(self, wanted: Mapping[str, Wanted]) -> tuple[Item, ...]:
        """The items with what should run of each service, by its name."""
        return tuple(
            replace(item, want=told.digest, path=told.path, version=told.version)
            for item in self.items()
            for told in (wanted[names(item)[1]],)
        )

    async def preflight(self, site: Site) -> tuple[Problem, ...]:
        """Every host can be changed, and from then on by nobody else where the site holds."""
        if problems := (*self._unfit(site), *await ungiven(site, self.sources)):
            return problems
        found: dict[Address, tuple[Problem, ...]] = {}
        silent: list[Transient] = []

        async def ask(address: Address) -> None:
            try:
                with self._bounded(address.name):
                    found[address] = await self._checked(site, address)
            except PreflightError as error:
                found[address] = tuple(error.problems)
            except Transient as error:
                silent.append(error)

        await together(functools.partial(ask, address) for address in self.addresses)
        problems = tuple(itertools.chain.from_iterable(found[each] for each in self.addresses if each in found))
        if silent and not problems:
            raise silent[0]
        return problems

    async def observe(self, site: Site, items: Sequence[Item]) -> Mapping[str, Running]:
        """A look at each service of each host, for all of its items."""
        seen: dict[str, Running] = {}
        groups: dict[tuple[str, str, str], list[Item]] = {}
        for item in items:
            groups.setdefault((*names(item)[:2], item.want), []).append(item)

        async def look(group: list[Item]) -> None:
            with self._bounded(names(group[0])[0]):
                mooring = await self._mooring(site, group[0])
                found = await mooring.view(group[0].want)
            seen.update({item.id: found.running(names(item)[2]) for item in group})

        await together(functools.partial(look, group) for group in groups.values())
        return seen

    async def apply(self, site: Site, item: Item, seen: Running, previous: str) -> str:
        """One step of a service, with the lock held."""
        mooring, phase = await self._ready(site, item), names(item)[2]
        if phase is Phase.TRANSFER:
            await make_room(mooring, item, self.kept, size := mooring.source.size(site, item))
            await moves.transfer(mooring, item)
            if not size:  # how large an image is, is known now
                await make_room(mooring, item, self.kept, 0)
        elif phase is Phase.BUILD:
            await moves.build(mooring, item)
            await make_room(mooring, item, self.kept, 0)
        elif phase is Phase.START:
            with self._bounded(item.id):
                await moves.start(mooring, item, seen)
        elif phase is Phase.SWITCH:
            with self._bounded(item.id):
                await moves.switch(mooring, item, previous)
                await prune(mooring, (item.want, previous, seen.digest, seen.previous), self.kept)
        return ""

    async def probe(self, site: Site, item: Item) -> Pulse:
        """What its manager says, then the service itself, asked on its host."""
        return await pulse(await self._mooring(site, item), item, names(item)[2])

    async def withdraw(self, site: Site, item: Item) -> None:
        """Undo a step where nothing ran before; data of the service stay."""
        mooring, phase = await self._ready(site, item), names(item)[2]
        if phase is Phase.TRANSFER:
            await moves.discard(mooring, item)
        elif phase is Phase.BUILD:
            await moves.unbuild(mooring, item)
        elif phase is Phase.START:
            await moves.unstart(mooring, item)
        elif phase is Phase.SWITCH:
            await moves.unswitch(mooring)

    async def logs(self, site: Site, item: Item) -> str:
        """Of this release alone, without the values that it was given: who reads a job or CI need not know them."""
        mooring = await self._mooring(site, item)
        want = item.want or (await mooring.look("")).want
        instance = await mooring.instance(short(want))
        values = await mooring.values(instance.folder)
        return masked(await mooring.runner(instance).logs(mooring.host, instance), telling(values.values()))

    @contextlib.contextmanager
    def _bounded(self, path: str) -> Iterator[None]:
        """A host that answers may have an engine that does not. Raises Unfinished after the time of a way back."""
        seconds = self.terms.back
        try:
            with anyio.fail_after(seconds):
                yield
        except TimeoutError:
            hint = "look at what hangs there: its disk, its Docker Engine"
            raise Unfinished(Problem(path=path, what=f"it was not done in {seconds:g} s", hint=hint)) from None

    @property
    def _tender(self) -> str:
        return f"{self.root}/bin/tender"

    def _berth(self, service: str) -> Berth:
        return Berth(root=self.root, service=service)

    def _unfit(self, site: Site) -> Iterator[Problem]:
        """What cannot be brought to any host."""
        if not site.files.digest(site.root / self.tender):
            hint = "build it for the hosts, or take it from the package shipways-tender"
            yield Problem(path=f"{self.name}.ssh.tender", what=f"there is no {self.tender}", hint=hint)
        for source in self.sources:
            for known, path in source.files(site).items():
                if not site.files.digest(path):
                    what = f"there is no {path.relative_to(site.root)}"
                    yield Problem(path=f"service.{source.name}.files", what=what, why=f"it is brought as {known}")
            yield from hidden(source, self.sources)

    async def _checked(self, site: Site, address: Address) -> tuple[Problem, ...]:
        host = await site.hosts.reach(address)
        problems = await checked(host, address.name, self.root, self.arch, site.clock.now())
        problems = problems or await engineless(host, address.name, self.sources)
        problems = problems or await taken(host, address.name, self.sources)
        problems = problems or await strange(host, address.name, self.root, self.sources)
        problems = problems or await stranded(host, address.name, self.root, self.sources)
        return problems or (await self._hold(site, host, address) if site.holds else ())

    async def _hold(self, site: Site, host: Host, address: Address) -> tuple[Problem, ...]:
        """Tender first, by which the locks of all services are held until the connection ends."""
        locks = [lock for each in self.sources if not host.held(lock := self._berth(each.name).lock)]
        if not locks:
            return ()
        local = site.root / self.tender
        if await host.digest(self._tender) != site.files.digest(local):
            await host.put(local, self._tender, mode=0o755)
        who = f"{self.name} by {site.env.get('USER', 'somebody')}"
        files = (word for lock in locks for word in ("--file", lock))
        done = await host.hold(locks, (self._tender, "lock", *files, "--holder", who, "--wait", "2s"))
        if not done.code:
            return ()
        why = done.stderr.strip() or done.stdout.strip()
        what = "somebody else deploys there" if done.code == _BUSY else "its lock cannot be held"
        return (Problem(path=address.name, what=what, why=why, hint="wait until that has ended"),)

    async def _ready(self, site: Site, item: Item) -> Mooring:
        """With its lock held. Raises Transient where it was lost, also when it is held again: what was seen is old."""
        mooring = await self._mooring(site, item)
        if not mooring.host.held(mooring.berth.lock):
            what = "the lock was lost, and is held again: what runs is looked at once more"
            again = (Problem(path=item.id, what=what),)
            raise Transient((await self._hold(site, mooring.host, self._address(item)) or again)[0])
        return mooring

    async def _mooring(self, site: Site, item: Item) -> Mooring:
        source = next(each for each in self.sources if each.name == names(item)[1])
        return Mooring(
            site=site,
            host=await site.hosts.reach(self._address(item)),
            tender=self._tender,
            berth=self._berth(source.name),
            source=source,
            front=Front(service=source.name, tender=self._tender, drain=self.drain),
        )

    def _address(self, item: Item) -> Address:
        return next(address for address in self.addresses if address.name == names(item)[0])


def plan(config: Config, machine: Machine) -> Iterator[HostsDeployer]:
    """The deployments of this kind, from whatever machine."""
    del machine
    for name, table in config.deploy.items():
        if table.kind == "hosts":
            ssh = table.ssh
            there, kind = Machine(system="linux", arch=ssh.arch, home="", uid=0), config.deployment.systemd.type
            docker = table.method == "docker"
            yield HostsDeployer(
                name=f"deploy.{name}",
                addresses=tuple(parsed(each, ssh.key, ssh.known_hosts) for each in table.hosts),
                batch=ssh.batch,
                root=ssh.root,
                arch=ssh.arch,
                tender=ssh.tender,
                drain=ssh.drain,
                kept=Kept(age=milliseconds(table.kept.age) / 1000, quota=in_bytes(table.kept.quota)),
                sources=tuple(
                    ImageSource(service=each)
                    if docker
                    else ProgramSource(service=_settled(each), machine=there, kind=kind)
                    for each in chosen(config, name, CONTAINER if docker else HOST)
                ),
                terms=terms(table, _INTERVAL),
            )


def parsed(text: str, key: str, known: str) -> Address:
    """The address of a host, as `hosts` has it."""
    user, _, place = text.rpartition("@")
    host, _, port = place.partition(":")
    return Address(user=user or "root", host=host, port=int(port or 22), key=key, known=known)


def _settled(service: Service) -> Service:
    """With what is of its host alone where it is for programs that are installed there."""
    return replace(service, settings=f"/etc/{service.name}")
