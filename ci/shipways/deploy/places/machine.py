"""This machine, without containers: programs as they were released, kept running by systemd or launchd."""

import shutil
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from shipways.config.schema import Config
from shipways.deploy.definitions import Definitions, image_of, read
from shipways.deploy.records import Record, recorded
from shipways.deploy.wanted import chosen, items, programs, service_of, terms
from shipways.errors import PreflightError, Problem, Unfinished
from shipways.model.daemon import Machine, Scope, place
from shipways.model.deployment import Pulse, Running, Terms
from shipways.model.item import Item
from shipways.model.manifest import Manifest
from shipways.model.service import Service
from shipways.outside.platforms import Services, Site

_SYSTEMS: Final = {"systemd": "linux", "launchd": "darwin"}
_STATE: Final = "state.json"
_BEGUN: Final = "begun"
"""A file that is there while a service is started: what a start that was cut off has left is not what was started."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MachineDeployer:
    """Programs in one folder. Those of now and before are kept by their digests in `../lib/shipways/SERVICE`.

    What is compared is the program and the files of the service: units, property lists, its config.
    """

    name: str
    kind: str
    machine: Machine
    scope: Scope
    services: tuple[Service, ...]
    terms: Terms

    def items(self) -> tuple[Item, ...]:
        """A service each."""
        return items(self.name, self.services)

    def desired(self, manifest: Manifest) -> tuple[Item, ...]:
        """The program of each service for this machine. Raises ConfigError with each that was not built."""
        found = programs(self.services, self.machine, manifest)
        return tuple(
            replace(item, want=program.digest, path=program.path)
            for item, program in zip(self.items(), found, strict=True)
        )

    async def preflight(self, site: Site) -> tuple[Problem, ...]:
        """It is the system that was meant, with the right to change it, and what units need besides is there."""
        if self.machine.system != _SYSTEMS[self.kind]:
            what = f"this machine has no {self.kind}"
            return (Problem(path=f"{self.name}.kind", what=what, hint="run it on the machine itself"),)
        try:
            return tuple(self._manager(site).lacks())
        except PreflightError as error:
            return tuple(error.problems)

    async def observe(self, site: Site, items: Sequence[Item]) -> Mapping[str, Running]:
        """The program that the service was last started from; one that was changed since is another."""
        return {item.id: self._running(site, service_of(item, self.services)) for item in items}

    async def apply(self, site: Site, item: Item, seen: Running, previous: str) -> str:
        """Keep the new program and the old, put the new one in its place whole, and start the service from it."""
        service = service_of(item, self.services)
        del seen  # what was started, and whether that still lies there, is on the disk
        program, folder, want = Path(service.command[0]), _folder(service), image_of(item.want)
        record, current = _known(site, folder) or Record(), site.files.digest(program)
        known = self._definitions(site, service, record)
        definition = known.named(item.want)
        if current and current == (record.running or current):
            _keep(site, program, folder, current)
        if not site.files.digest(folder / _hex(want)):
            _keep(site, site.artifact(item.path), folder, want)
        _copy(site, folder / _hex(want), program)
        with site.files.create(folder / _BEGUN):
            pass
        await self._manager(site).bring(service.name, definition["texts"])
        told = Record(running=want, previous=known.whole(previous), since=site.clock.now())
        with site.files.create(folder / _STATE) as stream:
            stream.write(replace(told, definitions=known.after(definition)).encoded)
        for path in site.files.list(folder):
            if path.name not in {_STATE, _hex(want), _hex(image_of(previous))}:
                site.files.remove(path)
        return service.published_url

    async def probe(self, site: Site, item: Item) -> Pulse:
        """What its manager says, then the service itself."""
        service = service_of(item, self.services)
        if why := await self._manager(site).standing(service.name):
            return Pulse(healthy=False, why=why, lost=why.startswith("failed"))
        if service.health and service.health.path:
            why = await site.prober.ask(service.health_url, service.health)
        return Pulse(healthy=not why, why=why)

    async def withdraw(self, site: Site, item: Item) -> None:
        """Uninstall the service and its program; its data stay."""
        service = service_of(item, self.services)
        await self._manager(site).end(service.name)
        site.files.remove(Path(service.command[0]))
        site.files.remove(_folder(service))

    async def logs(self, site: Site, item: Item) -> str:
        """Of its own journal or file."""
        return await self._manager(site).log(service_of(item, self.services).name)

    def _manager(self, site: Site) -> Services:
        return site.services(self.scope)

    def _running(self, site: Site, service: Service) -> Running:
        """What it was started from. Another program in that place is of a start that was cut off, or of an edit."""
        there = site.files.digest(Path(service.command[0]))
        if not there:
            return Running()
        record = _known(site, _folder(service)) or Record(running=there)
        known = self._definitions(site, service, record)
        return Running(
            digest=known.running(record.running),
            previous=known.short(record.previous),
            torn=there != record.running or not known.kept or site.files.exists(_folder(service) / _BEGUN),
        )

    def _definitions(self, site: Site, service: Service, record: Record) -> Definitions:
        """What it is by the config, and by what was started."""
        return read({"texts": dict(self._manager(site).texts(service.name))}, record.definitions)


def _folder(service: Service) -> Path:
    return Path(service.command[0]).parent.parent / "lib" / "shipways" / service.name


def _hex(digest: str) -> str:
    return digest.rpartition(":")[2]


def _known(site: Site, folder: Path) -> Record | None:
    """What was started there."""
    try:
        return recorded(site.files.read(folder / _STATE))
    except OSError:
        return None


def _keep(site: Site, source: Path, folder: Path, digest: str) -> None:
    """Raises Unfinished where the program is not there, or has other bytes."""
    kept = folder / _hex(digest)
    if site.files.digest(kept) == digest:
        return
    if site.files.digest(source) != digest:
        why = f"{source.name} has other bytes, or is not there"
        raise Unfinished(Problem(path=str(source), what=f"is not {digest}", why=why, hint="release it again"))
    _copy(site, source, kept)


def _copy(site: Site, source: Path, target: Path) -> None:
    with site.files.open(source) as old, site.files.create(target, executable=True) as new:
        shutil.copyfileobj(old, new)


def plan(config: Config, machine: Machine) -> Iterator[MachineDeployer]:
    """The deployments of both kinds."""
    for name, table in config.deploy.items():
        if table.kind in {"systemd", "launchd"}:
            scope = Scope(system=table.machine.system, programs=table.machine.programs, profile=table.profile)
            there = place(machine, system=scope.system, programs=scope.programs)
            yield MachineDeployer(
                name=f"deploy.{name}",
                kind=table.kind,
                machine=machine,
                scope=scope,
                services=chosen(config, name, there),
                terms=terms(table, 1.0),
            )
