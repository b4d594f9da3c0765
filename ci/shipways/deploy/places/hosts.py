"""Hosts that are reached by SSH: programs as they were released, kept running there by systemd."""

import functools
import itertools
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import PurePosixPath
from typing import Final

from shipways.config.schema import Config
from shipways.deploy import systemd
from shipways.deploy.hostchecks import checked, taken
from shipways.deploy.managers import Control, Systemd
from shipways.deploy.onhost import digests, must, prune, started
from shipways.deploy.releases import Berth, Release, short, told
from shipways.deploy.wanted import chosen, items, programs, service_of, terms
from shipways.errors import PreflightError, Problem, Transient, Unfinished
from shipways.model.daemon import Command, Machine
from shipways.model.deployment import Pulse, Running, Terms
from shipways.model.digest import digest_bytes
from shipways.model.item import Item
from shipways.model.manifest import Manifest
from shipways.model.service import LINUX, Service
from shipways.outside.hosts import Address, Host
from shipways.outside.platforms import Site
from shipways.tasks import together

_MANAGER: Final = Systemd(user=False)
_BUSY: Final = 75
_CONTROL: Final = frozenset({"start", "restart"})
"""Whether these went well is for the question for health to say, which shows the log."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HostsDeployer:
    """Each service on each host is an item. Whoever changes something holds the lock of the host."""

    name: str
    addresses: tuple[Address, ...]
    batch: int
    root: str
    arch: str
    tender: str
    kind: str
    services: tuple[Service, ...]
    terms: Terms

    def items(self) -> tuple[Item, ...]:
        """Those of a batch need those of the batch before it."""
        found: list[Item] = []
        before: tuple[str, ...] = ()
        for start in range(0, len(self.addresses), self.batch):
            made = [
                replace(item, needs=(*item.needs, *before))
                for address in self.addresses[start : start + self.batch]
                for item in items(f"{self.name}/{address.name}", self.services)
            ]
            before = tuple(item.id for item in made)
            found += made
        return tuple(found)

    def desired(self, manifest: Manifest) -> tuple[Item, ...]:
        """The release of each service. Raises ConfigError with each whose program was not built."""
        machine = Machine(system="linux", arch=self.arch, home="", uid=0)
        made = {
            f"/{service.name}": (self._release(service, program.digest).digest, program.path)
            for service, program in zip(self.services, programs(self.services, machine, manifest), strict=True)
        }
        return tuple(
            replace(item, want=want, path=path)
            for item in self.items()
            for want, path in (made[item.id[item.id.rindex("/") :]],)
        )

    async def preflight(self, site: Site) -> tuple[Problem, ...]:
        """Every host can be changed, and from then on by nobody else."""
        if problems := tuple(self._unfit(site)):
            return problems
        found: dict[Address, tuple[Problem, ...]] = {}
        silent: list[Transient] = []

        async def ask(address: Address) -> None:
            try:
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
        """What was last started; files that are not those of that release make it another."""
        return {item.id: await self._running(site, item) for item in items}

    async def apply(self, site: Site, item: Item, seen: Running, previous: str) -> str:
        """Bring the release, let the link point to it in one step, and start the service from there."""
        host, service, berth = await self._ready(site, item), *self._berth(item)
        release = await self._brought(site, host, item)
        daemon, fence = release.daemon(service), self._fence(host)
        there = await digests(host, tuple(release.texts))
        changed = [path for path, text in release.texts.items() if there.get(path) != digest_bytes(text.encode())]
        for path in changed:
            await host.put(release.texts[path].encode(), path, mode=0o644, within=fence)
        await must(host, (*fence, self._tender, "swap", berth.current, short(item.want)))
        state = _MANAGER.told(0, await must(host, _MANAGER.ask(daemon).argv))
        commands = _MANAGER.begin(daemon, state, changed)
        anew: Control = "restart"
        if state.up and not any(anew in command.argv for command in commands):
            commands = (*commands, *_MANAGER.control(daemon, state, anew))
        await self._commanded(host, commands)
        known = json.dumps({"running": item.want, "previous": previous}).encode() + b"\n"
        await host.put(known, berth.state, mode=0o644, within=fence)
        await prune(host, berth, (item.want, previous, seen.digest, seen.previous))
        return ""

    async def probe(self, site: Site, item: Item) -> Pulse:
        """What systemd says, then the service itself, asked on its host."""
        host, service, berth = await site.hosts.reach(self._address(item)), *self._berth(item)
        state = await host.run(_MANAGER.ask(Release(program="").daemon(service)).argv)
        said = _MANAGER.told(state.code, state.stdout)
        if not said.active:
            return Pulse(healthy=False, why=said.words, lost=said.words.startswith("failed"))
        if not service.health or not service.health.path:
            return Pulse(healthy=True)
        done = await host.run((f"{berth.current}/tender", "probe", service.health_url, *service.health.flags))
        return Pulse(healthy=done.code == 0, why=done.stderr.strip() if done.code else "")

    async def withdraw(self, site: Site, item: Item) -> None:
        """Uninstall the service and its releases; its data stay."""
        host, service, berth = await self._ready(site, item), *self._berth(item)
        daemon, fence = self._release(service, "").daemon(service), self._fence(host)
        state = _MANAGER.told(0, await must(host, _MANAGER.ask(daemon).argv))
        await self._commanded(host, _MANAGER.end(daemon, state))
        await must(host, (*fence, "rm", "-f", "--", *(each.path for each in daemon.texts)))
        await self._commanded(host, _MANAGER.forget(daemon))
        await must(host, (*fence, "rm", "-rf", "--", berth.folder))

    async def logs(self, site: Site, item: Item) -> str:
        """Of its own journal."""
        service, _ = self._berth(item)
        host = await site.hosts.reach(self._address(item))
        return (await host.run(_MANAGER.logs(Release(program="").daemon(service), 50, follow=False))).stdout

    @property
    def _tender(self) -> str:
        return f"{self.root}/bin/tender"

    @property
    def _lock(self) -> str:
        return f"{self.root}/lock"

    def _address(self, item: Item) -> Address:
        name = item.id.split("/")[1]
        return next(address for address in self.addresses if address.name == name)

    def _berth(self, item: Item) -> tuple[Service, Berth]:
        service = service_of(item, self.services)
        return service, Berth(root=self.root, service=service.name)

    def _release(self, service: Service, program: str) -> Release:
        texts = systemd.daemon(service, self.kind).texts
        return Release(program=program, texts={each.path: each.text for each in texts})

    def _unfit(self, site: Site) -> Iterator[Problem]:
        """What is not brought to hosts."""
        if not site.files.digest(site.root / self.tender):
            hint = "build it for the hosts, or take it from the package shipways-tender"
            yield Problem(path=f"{self.name}.ssh.tender", what=f"there is no {self.tender}", hint=hint)
        for service in self.services:
            for what in (("a socket unit",) if service.socket else ()) + (("config files",) if service.files else ()):
                hint = "install it with `shipways service` on the host itself"
                yield Problem(path=f"service.{service.name}", what=f"has {what}, not brought to hosts yet", hint=hint)

    async def _checked(self, site: Site, address: Address) -> tuple[Problem, ...]:
        host = await site.hosts.reach(address)
        problems = await checked(host, address.name, self.root, self.arch, site.clock.now())
        problems = problems or await taken(host, address.name, self.services)
        return problems or await self._hold(site, host, address)

    async def _hold(self, site: Site, host: Host, address: Address) -> tuple[Problem, ...]:
        """Tender first, by which the lock is held until the connection ends."""
        if host.held:
            return ()
        local = site.root / self.tender
        if await host.digest(self._tender) != site.files.digest(local):
            await host.put(local, self._tender, mode=0o755)
        who = f"{self.name} by {site.env.get('USER', 'somebody')}"
        done = await host.hold((self._tender, "lock", "--file", self._lock, "--holder", who, "--wait", "2s"))
        if not done.code:
            return ()
        why = done.stdout.strip() or done.stderr.strip()
        what = "somebody else deploys there" if done.code == _BUSY else "its lock cannot be held"
        return (Problem(path=address.name, what=what, why=why, hint="wait until that has ended"),)

    async def _ready(self, site: Site, item: Item) -> Host:
        """The host, with its lock held: a connection that was lost has lost that, too. Raises Transient."""
        address = self._address(item)
        host = await site.hosts.reach(address)
        if problems := await self._hold(site, host, address):
            raise Transient(problems[0])
        return host

    def _fence(self, host: Host) -> tuple[str, ...]:
        token = str(json.loads(host.held)["token"])
        return (self._tender, "fence", "--file", self._lock, "--token", token, "--")

    async def _running(self, site: Site, item: Item) -> Running:
        service, berth = self._berth(item)
        host = await site.hosts.reach(self._address(item))
        encoded = (await host.run(("cat", "--", f"{berth.current}/release.json"))).stdout
        if not encoded:
            return Running()
        there, release = digest_bytes(encoded.encode()), told(encoded)
        known = started((await host.run(("cat", "--", berth.state))).stdout)
        wanted = {path: digest_bytes(text.encode()) for path, text in release.texts.items()}
        wanted[service.command[0]] = release.program
        running = known.get("running", there)
        torn = there != running or await digests(host, tuple(wanted)) != wanted
        return Running(digest=running, previous=known.get("previous", ""), torn=torn)

    async def _brought(self, site: Site, host: Host, item: Item) -> Release:
        """The release in its folder, whole. Raises Unfinished where it is neither there nor what is sent."""
        service, berth = self._berth(item)
        folder, program = berth.release(item.want), PurePosixPath(service.command[0]).name
        release = told((await host.run(("cat", "--", f"{folder}/release.json"))).stdout)
        if release.digest == item.want and await host.digest(f"{folder}/{program}") == release.program:
            return release
        source = site.artifact(item.path)
        release = self._release(service, site.files.digest(source))
        if release.digest != item.want:
            why = "it is not on the host any more, and what is here is another"
            raise Unfinished(Problem(path=item.id, what=f"{item.want} cannot be brought", why=why))
        await host.put(source, f"{folder}/{program}", mode=0o755)
        await must(host, ("ln", "-fT", "--", self._tender, f"{folder}/tender"))
        await host.put(release.encoded, f"{folder}/release.json", mode=0o644)
        return release

    async def _commanded(self, host: Host, commands: Sequence[Command]) -> None:
        for command in commands:
            argv = (*self._fence(host), *command.argv)
            if _CONTROL.isdisjoint(command.argv):
                await must(host, argv, command.fine)
            else:
                await host.run(argv)


def plan(config: Config, machine: Machine) -> Iterator[HostsDeployer]:
    """The deployments of this kind, from whatever machine."""
    del machine
    for name, table in config.deploy.items():
        if table.kind == "hosts":
            ssh = table.ssh
            yield HostsDeployer(
                name=f"deploy.{name}",
                addresses=tuple(_parsed(each, ssh.key, ssh.known_hosts) for each in table.hosts),
                batch=ssh.batch,
                root=ssh.root,
                arch=ssh.arch,
                tender=ssh.tender,
                kind=config.deployment.systemd.type,
                services=tuple(_berthed(each, ssh.root) for each in chosen(config, name, LINUX)),
                terms=terms(table, 1.0),
            )


def _parsed(text: str, key: str, known: str) -> Address:
    user, _, place = text.rpartition("@")
    host, _, port = place.partition(":")
    return Address(user=user or "root", host=host, port=int(port or 22), key=key, known=known)


def _berthed(service: Service, root: str) -> Service:
    """Its program, by way of the link."""
    program = f"{Berth(root=root, service=service.name).current}/{PurePosixPath(service.command[0]).name}"
    return replace(service, command=(program, *service.command[1:]))
