"""Deployments that somebody asks for by the API: of a source tree of this machine, to the hosts of `[serve]`."""

import functools
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from shipways.config.kinds import in_bytes, milliseconds
from shipways.config.serve import Serve, Served
from shipways.deploy import holds
from shipways.deploy.places.hosts import HostsDeployer, parsed
from shipways.deploy.pruning import Kept
from shipways.deploy.recipes import telling, way
from shipways.deploy.registering import Registering
from shipways.deploy.sources import RELEASE
from shipways.deploy.treedeployer import TreeDeployer
from shipways.deploy.treesource import TreeSource, Walked
from shipways.deploy.values import unfit
from shipways.deploy.verifying import Verifying
from shipways.errors import ConfigError, PreflightError, Problem, Transient
from shipways.model.deployment import Terms
from shipways.model.event import Note, Printed
from shipways.model.job import CONNECTED, UNCONFIGURED, Hold, JobRequest, Method, Registration, Standing
from shipways.model.service import Health, Limits, Series, Service
from shipways.model.service import Kept as Data
from shipways.outside.hosts import Address, Host
from shipways.outside.jobs import Requested
from shipways.outside.platforms import Site
from shipways.outside.registrars import Registrar
from shipways.outside.trees import Trees
from shipways.outside.verifiers import Verifier
from shipways.ports import Clock, Console, Files
from shipways.tasks import together

NAME: Final = "deploy.serve"
_SERVICE: Final = re.compile(r"[a-z]([a-z0-9-]{0,38}[a-z0-9])?")
_VARIABLE: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_OURS: Final = frozenset({"PORT", "SHIPWAYS_RELEASE"})
_ANSWER: Final = 5000
_STOP: Final = 10_000
_PROCESSES: Final = 512
_LOG: Final = 50_000_000
_INTERVAL: Final = 0.25
_NEEDED: Final[Mapping[Method, tuple[str, ...]]] = {
    Method.DOCKER: ("Dockerfile",),
    Method.SYSTEMD: ("requirements.txt", "pyproject.toml"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class TreeBringer:
    """The `Bringer` port, for the table `[serve]`. Without `registrar` nothing is registered, without `verifier`
    nobody else is asked.

    `key` is what values of variables are sealed with, the same as long as the deployer is the same.
    """

    serve: Serve
    trees: Trees
    files: Files
    clock: Clock
    registrar: Registrar | None
    key: bytes
    verifier: Verifier | None = None

    def problems(self, request: JobRequest) -> Sequence[Problem]:
        """Names, ports, variables, and what lies at the top of the tree."""
        return tuple(self._problems(request))

    async def requested(self, request: JobRequest, console: Console) -> Requested:
        """With the tree as it is now. Raises ConfigError with everything that is wrong."""
        problems = list(self._wrong(request))
        try:
            walked = await self._walked(request)
        except ConfigError as error:
            problems += error.problems
        if problems:
            raise ConfigError(*problems)
        return self._made(request, walked, console)

    def standing(self, request: JobRequest, console: Console) -> Requested:
        """Whatever became of the tree."""
        return self._made(request, None, console)

    async def reached(self, site: Site) -> Standing:
        """Every host, then the registry."""
        found: dict[str, str] = {}

        async def ask(host: str) -> None:
            try:
                await self._reached(site, host)
            except (Transient, PreflightError) as error:
                found[host] = f"{error.problems[0].path}: {error.problems[0].what}"

        await together(functools.partial(ask, host) for host in self.hosts)
        ssh = next((found[host] for host in self.hosts if host in found), CONNECTED)
        return Standing(ssh=ssh, registry=await self.registrar.standing() if self.registrar else UNCONFIGURED)

    @property
    def hosts(self) -> Sequence[str]:
        """Those of the table."""
        return tuple(each.name for each in self._addresses)

    async def holds(self, site: Site, host: str) -> Mapping[str, Hold]:
        """Beside the services."""
        return await holds.holds(await self._reached(site, host), self.serve.ssh.root)

    async def hold(self, site: Site, host: str, hold: Hold) -> None:
        """Beside the service, which need not be there."""
        await holds.put(await self._reached(site, host), self.serve.ssh.root, hold)

    async def release(self, site: Site, host: str, service: str) -> None:
        """As it was put."""
        await holds.remove(await self._reached(site, host), self.serve.ssh.root, service)

    @property
    def _addresses(self) -> tuple[Address, ...]:
        ssh = self.serve.ssh
        return tuple(parsed(each, ssh.key, ssh.known_hosts) for each in self.serve.hosts)

    async def _reached(self, site: Site, host: str) -> Host:
        return await site.hosts.reach(next(each for each in self._addresses if each.name == host))

    def _problems(self, request: JobRequest) -> Iterator[Problem]:
        yield from self._wrong(request)
        try:
            there = self.trees.peek(request.service_path, self.serve.sources)
        except ConfigError as error:
            yield from error.problems
            return
        if there.isdisjoint(_NEEDED[request.method]):
            what = f"has no {' and no '.join(_NEEDED[request.method])}"
            yield Problem(path="service_path", what=what, why=f"deployment_method is {request.method}")

    def _wrong(self, request: JobRequest) -> Iterator[Problem]:
        """What is wrong in itself. No value of a variable is said."""
        if not _SERVICE.fullmatch(request.service_name):
            what = "is no name of a service: small letters, digits and hyphens, 40 at the most, a letter first"
            yield Problem(path="service_name", what=what)
        if not 0 < request.service_port < 1 << 16:
            yield Problem(path="service_port", what=f"{request.service_port} is no port")
        if request.droplet_id < 0:
            yield Problem(path="droplet_id", what=f"{request.droplet_id} is below 0")
        for name, value in request.environment.items():
            path = f"environment_vars.{name[:80]!r}"
            if not _VARIABLE.fullmatch(name):
                yield Problem(path=path, what="is no name of a variable: letters, digits and underscores")
            if name in _OURS:
                yield Problem(path=path, what="is what the deployer gives it")
            if "\0" in value.open():
                yield Problem(path=path, what="has a byte that no variable can have")
        values = {name: value.open() for name, value in request.environment.items()}
        yield from unfit("environment_vars.'{}'", values, docker=request.method is Method.DOCKER)

    async def _walked(self, request: JobRequest) -> Walked:
        tree = await self.trees.walk(request.service_path, self.serve.sources)
        words = {
            node.path: (await self.trees.read(request.service_path, node)).decode(errors="replace")
            for node in telling(tree)
        }
        made = way(request, self._served(request), words, tree)
        return Walked(path=request.service_path, tree=tree, way=made)

    def _made(self, request: JobRequest, walked: Walked | None, console: Console) -> Requested:
        source = self._source(request, walked, console)
        release = source.brought.digest if walked else ""
        first = self._addresses[0]
        url = f"http://{self.serve.public or first.host}:{request.service_port}"
        registering = self._registering(request, url, console)
        deployer = TreeDeployer(
            hosts=self._hosts(source),
            source=source,
            url=url,
            release=release,
            registering=registering,
            verifying=self._verifying(request, url),
        )
        items = tuple(replace(item, want=release) for item in deployer.items())
        told = functools.partial(_registration, registering)
        return Requested(deployer=deployer, items=items, registration=told)

    def _source(self, request: JobRequest, walked: Walked | None, console: Console) -> TreeSource:
        health = _health(self._served(request))
        told = self._served(request).release
        release = ("--json", f"{told}={RELEASE}") if told else ()
        return TreeSource(
            service=_service(request, self._served(request), health),
            docker=request.method is Method.DOCKER,
            asks=(health.path, *health.flags, *release) if health else (),
            limit=milliseconds(self.serve.timeout) / 1000,
            walked=walked,
            values=request.environment,
            key=self.key,
            say=lambda step, text: console.emit(Printed(step=step, text=text)),
        )

    def _hosts(self, source: TreeSource) -> HostsDeployer:
        serve, ssh = self.serve, self.serve.ssh
        return HostsDeployer(
            name=NAME,
            addresses=self._addresses,
            batch=ssh.batch,
            root=ssh.root,
            arch=ssh.arch,
            tender=ssh.tender,
            drain=ssh.drain,
            kept=Kept(age=milliseconds(serve.kept.age) / 1000, quota=in_bytes(serve.kept.quota)),
            sources=(source,),
            terms=Terms(
                wait=milliseconds(serve.wait) / 1000,
                interval=_INTERVAL,
                watch=milliseconds(serve.watch) / 1000,
                retries=serve.retries,
                back=milliseconds(serve.timeout) / 1000,
            ),
        )

    def _registering(self, request: JobRequest, url: str, console: Console) -> Registering | None:
        if self.registrar is None or not request.auto_register:
            return None
        return Registering(
            registrar=self.registrar,
            files=self.files,
            clock=self.clock,
            place=Path(self.serve.state) / "registered" / f"{request.service_name}.json",
            droplet_id=request.droplet_id,
            service_name=request.service_name,
            endpoint=url,
            say=lambda text: console.emit(Note(text=text, level="warning")),
        )

    def _verifying(self, request: JobRequest, url: str) -> Verifying | None:
        name, droplet = request.service_name, request.droplet_id
        if self.verifier is None:
            return None
        return Verifying(verifier=self.verifier, droplet_id=droplet, service_name=name, service_url=url)

    def _served(self, request: JobRequest) -> Served:
        return self.serve.service.get(request.service_name) or Served()


def _registration(registering: Registering | None) -> Registration | None:
    return registering.registration if registering else None


def _health(served: Served) -> Health | None:
    if not served.health:
        return None
    return Health(
        path=served.health,
        status=200,
        contains=served.contains,
        members=tuple(served.members.items()),
        version="",
        command=(),
        interval=_ANSWER,
        timeout=_ANSWER,
        retries=1,
        start_period=0,
    )


def _service(request: JobRequest, served: Served, health: Health | None) -> Service:
    """With what every service of the API has."""
    name = request.service_name
    return Service(
        name=name,
        description=name,
        image="",
        repository="",
        package=name,
        build="command",
        tender="",
        dockerfile="",
        context="",
        command=(),
        user=name,
        uid="",
        port=request.service_port,
        address="127.0.0.1",
        publish="0.0.0.0",  # noqa: S104 - people come from elsewhere
        health=health,
        metrics="",
        series=Series(),
        data=(Data(name="data", path=f"/var/lib/{name}/data"),),
        files=(),
        variables=(),
        limits=Limits(memory=in_bytes(served.memory), cpus=served.cpus, processes=_PROCESSES, log=_LOG),
        stop_signal="SIGTERM",
        stop_time=_STOP,
        notify=False,
        socket=False,
        replicas=1,
        needs=(),
        settings=f"/etc/{name}",
    )
