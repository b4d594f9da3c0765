"""Fly.io: an app for each service, by flyctl and the rendered fly.toml."""

import json
import posixpath
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from shipways.config.schema import Config
from shipways.deploy.flyrules import refused
from shipways.deploy.programs import failed, ran
from shipways.deploy.wanted import chosen, images, items, reference, service_of, terms, version
from shipways.errors import Moved, PreflightError, Problem, Unfinished
from shipways.model.daemon import Machine
from shipways.model.deployment import Pulse, Running, Terms
from shipways.model.item import Item
from shipways.model.manifest import Manifest
from shipways.model.service import CONTAINER, Service
from shipways.outside.platforms import Site
from shipways.ports import Completed

_IMAGE, _PREVIOUS = "SHIPWAYS_IMAGE", "SHIPWAYS_PREVIOUS"
"""Variables of a machine: the image that it was deployed with, and what ran before.

The digest that Fly.io itself tells of an image may be that of one of its platforms, which the manifest does not name.
"""
_GONE: Final = frozenset({"destroyed", "destroying"})
_RESTING: Final = frozenset({"stopped", "suspended"})
"""Where a machine is that nobody asks anything of (`auto_stop_machines`)."""

Told = Mapping[str, Any]
"""A machine of Fly.io."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FlyDeployer:
    """Machines of apps. flyctl replaces one after the other while its lease lasts; a token is FLY_API_TOKEN.

    `apps` and `files` are the app and the fly.toml of each service.
    """

    name: str
    apps: Mapping[str, str]
    files: Mapping[str, str]
    services: tuple[Service, ...]
    terms: Terms

    def items(self) -> tuple[Item, ...]:
        """A service each."""
        return items(self.name, self.services)

    def desired(self, manifest: Manifest) -> tuple[Item, ...]:
        """The image of each service."""
        return images(self.name, self.services, manifest)

    async def preflight(self, site: Site) -> tuple[Problem, ...]:
        """flyctl would take each file, knows each app, and the app has every secret that the service needs."""
        problems = []
        for service in self.services:
            path, app = self.files[service.name], self.apps[service.name]
            file = site.root / path
            if not site.files.exists(file):
                problems.append(Problem(path=path, what="there is none", hint="write it: `shipways render`"))
                continue
            problems += refused(path, site.files.read(file).decode())
            told = await _fly(site, "secrets", "list", f"--app={app}", "--json")
            if told.code:
                hint = f"`flyctl apps create {app}`, and FLY_API_TOKEN is a token that may deploy it"
                problems.append(Problem(path=self.name, what=f"no app {app}", why=told.stderr.strip(), hint=hint))
                continue
            problems += _secrets(service, app, json.loads(told.stdout or "null") or [])
        return tuple(problems)

    async def observe(self, site: Site, items: Sequence[Item]) -> Mapping[str, Running]:
        """What the machines of each app run; of a mixture, what should not."""
        found = {}
        for item in items:
            service = service_of(item, self.services)
            app = self.apps[service.name]
            machines = await self._machines(site, app)
            found[item.id] = _running(service, machines, item.want, f"https://{app}.fly.dev")
        return found

    async def apply(self, site: Site, item: Item, seen: Running, previous: str) -> str:
        """Let flyctl replace the machines, if they are those that were seen; it waits for each to be healthy."""
        service = service_of(item, self.services)
        app, path = self.apps[service.name], self.files[service.name]
        if _stamp(await self._machines(site, app)) != seen.stamp:
            raise Moved(Problem(path=item.id, what="was changed since it was looked at"))
        image = reference(service, item.want)
        done = await _fly(
            site,
            *("deploy", f"--app={app}", f"--config={site.root / path}", f"--image={image}", "--remote-only", "--yes"),
            *(f"--env={_IMAGE}={image}", f"--env={_PREVIOUS}={previous}", f"--wait-timeout={self.terms.wait:.0f}s"),
            folder=posixpath.dirname(path),
        )
        if "lease currently held" in done.stderr:
            raise Moved(Problem(path=item.id, what="somebody else deploys it", why=done.stderr.strip()))
        if done.code:  # whatever it says, some of the machines may be new, and what ran before has to return
            raise Unfinished(Problem(path=item.id, what="flyctl did not deploy it", why=done.stderr.strip()))
        return f"https://{app}.fly.dev"

    async def probe(self, site: Site, item: Item) -> Pulse:
        """All machines are of this version, and those that run pass their checks."""
        service = service_of(item, self.services)
        machines = await self._machines(site, self.apps[service.name])
        if not machines:
            return Pulse(healthy=False, why="there is no machine", lost=True)
        for machine in machines:
            image = _image(service, machine)
            if image != item.want:
                return Pulse(healthy=False, why=f"machine {machine['id']}: {image} runs", lost=True)
            why, lost = _ailing(machine)
            if why:
                return Pulse(healthy=False, why=f"machine {machine['id']}: {why}", lost=lost)
        return Pulse(healthy=True)

    async def withdraw(self, site: Site, item: Item) -> None:
        """Destroy the machines; the app and its volumes stay."""
        app = self.apps[service_of(item, self.services).name]
        machines = await self._machines(site, app)
        names = [machine["id"] for machine in machines]
        if not names:
            return
        done = await _fly(site, "machine", "destroy", *names, f"--app={app}", "--force")
        if done.code:
            raise failed(item.id, "could not be removed", done)

    async def logs(self, site: Site, item: Item) -> str:
        """What Fly.io keeps of all machines."""
        app = self.apps[service_of(item, self.services).name]
        return (await _fly(site, "logs", f"--app={app}", "--no-tail")).stdout

    async def _machines(self, site: Site, app: str) -> tuple[Told, ...]:
        """Those that serve: no machine of a release command or a console. Raises Transient, Unfinished."""
        done = await _fly(site, "machine", "list", f"--app={app}", "--json")
        if done.code:
            raise failed(self.name, f"flyctl does not tell what runs in {app}", done)
        found = (each for each in json.loads(done.stdout or "null") or [] if each["state"] not in _GONE)
        serving = (each for each in found if not _group(each).startswith("fly_app_"))
        return tuple(sorted(serving, key=lambda each: str(each["id"])))


async def _fly(site: Site, *words: str, folder: str = "") -> Completed:
    """flyctl under either of its names."""
    try:
        return await ran(site, "flyctl", *words, folder=folder)
    except PreflightError:
        return await ran(site, "fly", *words, folder=folder)


def _secrets(service: Service, app: str, told: Sequence[Mapping[str, Any]]) -> Iterator[Problem]:
    there = {each.get("name") or each.get("Name") for each in told}
    for each in service.variables:
        if each.secret and each.required and each.name not in there:
            hint = f"`flyctl secrets set {each.name}=… --app={app}`"
            yield Problem(path=f"service.{service.name}.env.{each.name}", what=f"{app} has no such secret", hint=hint)


def _config(machine: Told) -> Mapping[str, Any]:
    """A machine whose host does not answer is known in part only."""
    found: Mapping[str, Any] = machine.get("config") or machine.get("incomplete_config") or {}
    return found


def _group(machine: Told) -> str:
    return str((_config(machine).get("metadata") or {}).get("fly_process_group", ""))


def _image(service: Service, machine: Told) -> str:
    """What it was deployed with; what Fly.io tells where that was not by shipways."""
    told = machine["image_ref"]
    tag, digest = told.get("tag", ""), told.get("digest", "")
    whole = f"{told['registry']}/{told['repository']}" + (f"@{digest}" if digest else f":{tag}")
    return version(service, (_config(machine).get("env") or {}).get(_IMAGE) or whole)


def _running(service: Service, machines: Sequence[Told], want: str, url: str) -> Running:
    if not machines:
        return Running()
    other = next((each for each in machines if _image(service, each) != want), machines[0])
    previous = (_config(other).get("env") or {}).get(_PREVIOUS, "")
    return Running(digest=_image(service, other), previous=previous, stamp=_stamp(machines), url=url)


def _stamp(machines: Sequence[Told]) -> str:
    """An instance is one version of a machine."""
    return " ".join(f"{each['id']}/{each['instance_id']}" for each in machines)


def _ailing(machine: Told) -> tuple[str, bool]:
    """Why a machine is not well, and whether it never will be."""
    state = str(machine["state"])
    ended: Mapping[str, Any] = next((each for each in machine.get("events") or () if each.get("type") == "exit"), {})
    exit_event = (ended.get("request") or {}).get("exit_event") or {}
    if state == "failed":
        return "it failed", True
    if state in _RESTING:
        crashed = exit_event.get("exit_code", 0) and not exit_event.get("requested_stop", False)
        return (f"it ended with {exit_event['exit_code']}", True) if crashed else ("", False)
    if state != "started":
        return f"it is {state}", False
    checks = (each for each in machine.get("checks") or () if not each["name"].startswith("bg_deployments_compat"))
    bad = next((each for each in checks if each["status"] != "passing"), None)
    return (f"{bad['name']} is {bad['status']}: {bad.get('output', '').strip()}", False) if bad else ("", False)


def plan(config: Config, machine: Machine) -> Iterator[FlyDeployer]:  # noqa: ARG001 - the shape of every place
    """The deployments of this kind."""
    for name, table in config.deploy.items():
        if table.kind == "fly":
            found = chosen(config, name, CONTAINER)
            yield FlyDeployer(
                name=f"deploy.{name}",
                apps={each.name: config.service[each.name].fly.app or each.name for each in found},
                files={each.name: config.deployment.fly.file.format(service=each.name) for each in found},
                services=found,
                terms=terms(table, 2.0),
            )
