"""Docker Compose on one machine, which DOCKER_HOST or a context of Docker may say is another."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any, Final

from shipways.config.schema import Config
from shipways.deploy.compose import DEFINITIONS, PREVIOUS, variable
from shipways.deploy.definitions import Definitions, image_of, read
from shipways.deploy.programs import failed, ran
from shipways.deploy.services import asking
from shipways.deploy.wanted import chosen, images, items, reference, service_of, terms
from shipways.errors import Moved, Problem, Transient, Unfinished
from shipways.model.daemon import Machine
from shipways.model.deployment import Pulse, Running, Terms
from shipways.model.item import Item
from shipways.model.manifest import Manifest
from shipways.model.service import CONTAINER, Service
from shipways.outside.platforms import Site
from shipways.ports import Completed

_CRASHES: Final = 3
"""How often a container may have been started again before it is given up."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ComposeDeployer:
    """Containers of a rendered file. What ran before is a label of the container, so any machine can return to it.

    What is compared is the image and the definition of the service in the file, with the digests of the files that it
    reads from the repository: those are not kept, so a rollback returns to everything else.
    """

    name: str
    file: str
    services: tuple[Service, ...]
    terms: Terms

    def items(self) -> tuple[Item, ...]:
        """A service each."""
        return items(self.name, self.services)

    def desired(self, manifest: Manifest) -> tuple[Item, ...]:
        """The image of each service."""
        return images(self.name, self.services, manifest)

    async def preflight(self, site: Site) -> tuple[Problem, ...]:
        """The engine answers, and Compose understands the file with the variables of this user."""
        told = await ran(site, "docker", "version", "--format", "{{.Server.Version}}")
        if told.code:
            hint = "start it, or say with DOCKER_HOST where it is"
            return (Problem(path=self.name, what="no Docker engine answers", why=told.stderr.strip(), hint=hint),)
        said = await self._compose(site, "config", "--quiet")
        return (Problem(path=self.file, what="is refused by Compose", why=said.stderr.strip()),) if said.code else ()

    async def observe(self, site: Site, items: Sequence[Item]) -> Mapping[str, Running]:
        """The image of each container, and what it was started as."""
        found = {}
        for item in items:
            service = service_of(item, self.services)
            if told := await self._inspect(site, service):
                found[item.id] = _running(told, self._definitions(site, service, told))
        return found

    async def apply(self, site: Site, item: Item, seen: Running, previous: str) -> str:
        """Pull the image, then put a container of it in the place of the other."""
        service = service_of(item, self.services)
        told = await self._inspect(site, service)
        if (told["Id"] if told else "") != seen.stamp:
            raise Moved(Problem(path=item.id, what="another container runs since it was looked at"))
        known = self._definitions(site, service, told)
        definition = known.named(item.want)
        image = reference(service, image_of(item.want))
        pulled = await ran(site, "docker", "pull", "--quiet", image)
        if pulled.code:
            raise failed(item.id, f"{image} could not be pulled", pulled)
        name = variable(service)
        env = {f"{name}_IMAGE": image, f"{name}_PREVIOUS": known.whole(previous)}
        env[f"{name}_DEFINITIONS"] = known.after(definition)
        words = ("compose", "--project-directory", str((site.root / self.file).parent), "--file", "-", "up", "--detach")
        text = json.dumps(_with(self._document(site), service, definition)).encode()
        done = await ran(site, "docker", *words, "--no-deps", "--no-build", service.name, env=env, stdin=text)
        if done.code:
            raise Unfinished(Problem(path=item.id, what="Compose did not start it", why=done.stderr.strip()))
        return service.published_url

    async def probe(self, site: Site, item: Item) -> Pulse:
        """Ask in the container itself, as the engine does from time to time."""
        service = service_of(item, self.services)
        told = await self._inspect(site, service)
        if told is None:
            return Pulse(healthy=False, why="there is no container", lost=True)
        state, name = told["State"], _running(told, self._definitions(site, service, told)).digest
        if state["Status"] != "running" or told["RestartCount"] >= _CRASHES:
            lost = state["Status"] in {"exited", "dead"} or told["RestartCount"] >= _CRASHES
            why = (
                f"it is {state['Status']}, started again {told['RestartCount']} times, last status {state['ExitCode']}"
            )
            return Pulse(healthy=False, why=why, lost=lost)
        if name != item.want:
            return Pulse(healthy=False, why=f"{name or 'another image'} runs", lost=True)
        command = asking(service)
        asked = await ran(site, "docker", "exec", told["Id"], *command) if command else None
        if asked and asked.code:
            said = (asked.stderr or asked.stdout).strip().splitlines()
            return Pulse(healthy=False, why=said[-1] if said else f"`{' '.join(command)}` ended with {asked.code}")
        return Pulse(healthy=True)

    async def withdraw(self, site: Site, item: Item) -> None:
        """Remove the container; its volumes stay."""
        done = await self._compose(site, "rm", "--stop", "--force", service_of(item, self.services).name)
        if done.code:
            raise Unfinished(Problem(path=item.id, what="could not be removed", why=done.stderr.strip()))

    async def logs(self, site: Site, item: Item) -> str:
        """Of the container, with what it wrote to either stream."""
        told = await self._inspect(site, service_of(item, self.services))
        done = await ran(site, "docker", "logs", "--tail", "50", told["Id"]) if told else None
        return done.stdout + done.stderr if done else ""

    async def _inspect(self, site: Site, service: Service) -> Mapping[str, Any] | None:
        """What the engine knows of a service's container; None without one. Raises Transient.

        While one takes the place of another there are two, also when that was interrupted: the newer one counts.
        """
        found = await self._compose(site, "ps", "--all", "--quiet", service.name)
        names = found.stdout.split()
        told = await ran(site, "docker", "inspect", *names) if names and not found.code else found
        if told.code:
            raise Transient(Problem(path=self.name, what="does not tell what runs", why=told.stderr.strip()))
        return max(json.loads(told.stdout), key=lambda each: str(each["Created"])) if names else None

    def _document(self, site: Site) -> Mapping[str, Any]:
        """The file, before Compose fills in anything."""
        import yaml  # noqa: PLC0415 - 15 ms that only this needs

        found: Mapping[str, Any] = yaml.safe_load(site.files.read(site.root / self.file))
        return found

    def _definitions(self, site: Site, service: Service, told: Mapping[str, Any] | None) -> Definitions:
        """What a service is by the file and by its container."""
        labels = (told["Config"]["Labels"] or {}) if told else {}
        return read(_definition(self._document(site), service, site), labels.get(DEFINITIONS, ""))

    async def _compose(self, site: Site, *words: str, env: Mapping[str, str] | None = None) -> Completed:
        return await ran(site, "docker", "compose", "--file", str(site.root / self.file), *words, env=env)


def _running(told: Mapping[str, Any], known: Definitions) -> Running:
    """A container that was stopped runs nothing, and what it ran is what ran before."""
    config = told["Config"]
    name = known.running(config["Image"].partition("@")[2] or told["Image"])
    if told["State"]["Status"] in {"exited", "dead", "created"}:
        return Running(previous=name, stamp=told["Id"])
    previous = known.short((config["Labels"] or {}).get(PREVIOUS, ""))
    return Running(digest=name, previous=previous, stamp=told["Id"], torn=not known.kept)


def _definition(document: Mapping[str, Any], service: Service, site: Site) -> Mapping[str, Any]:
    """The service in the file, what it names of the rest of that, and the files that it reads."""
    said = document["services"][service.name]
    volumes = document.get("volumes") or {}
    mounted = {str(each).partition(":")[0] for each in said.get("volumes") or () if isinstance(each, str)}
    secrets = document.get("secrets") or {}
    return {
        "service": said,
        "volumes": {name: volumes[name] for name in volumes if name in mounted},
        "secrets": {name: secrets[name] for name in secrets if name in (said.get("secrets") or ())},
        "files": dict(_digests(service, site)),
    }


def _digests(service: Service, site: Site) -> Iterator[tuple[str, str]]:
    """Of each file that is mounted, or that is in a folder which is."""
    for source in (site.root / kept.source for kept in service.files):
        for path in site.files.list(source) or (source,):
            yield str(PurePosixPath(path.relative_to(site.root))), site.files.digest(path)


def _with(document: Mapping[str, Any], service: Service, definition: Mapping[str, Any]) -> Mapping[str, Any]:
    """The file with another definition of a service."""
    tables = {
        "services": {service.name: definition["service"]},
        "volumes": definition["volumes"],
        "secrets": definition["secrets"],
    }
    return {**document, **{key: {**(document.get(key) or {}), **table} for key, table in tables.items() if table}}


def plan(config: Config, machine: Machine) -> Iterator[ComposeDeployer]:  # noqa: ARG001 - the shape of every place
    """The deployments of this kind."""
    for name, table in config.deploy.items():
        if table.kind == "compose":
            yield ComposeDeployer(
                name=f"deploy.{name}",
                file=config.deployment.compose.file,
                services=chosen(config, name, CONTAINER),
                terms=terms(table, 1.0),
            )
