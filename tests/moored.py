"""Hosts in memory, and deployments to them."""

from dataclasses import dataclass, field, replace
from pathlib import Path

import anyio

from shipways.adapters.files import DiskFiles
from shipways.config.load import parse
from shipways.deploy.places.hosts import HostsDeployer, plan
from shipways.errors import Problem, Transient
from shipways.model.artifact import Kind
from shipways.model.daemon import Machine
from shipways.model.deployment import Running
from shipways.model.digest import digest_bytes
from shipways.model.item import Item
from shipways.model.manifest import ArtifactEntry, Manifest, PackageEntry
from shipways.model.outcome import Outcome
from shipways.model.secret import Secret
from shipways.outside.hosts import Address, Host
from shipways.outside.platforms import Site
from shipways.run.deploying import Crew, deploy
from shipways.testing.console import ManualClock, RecordingConsole
from shipways.testing.doors import CLOSED_SITE
from shipways.testing.host import MemoryHost, MemoryHosts
from support import sealed

HERE = Machine(system="darwin", arch="aarch64", home="/Users/ada", uid=501)
CONFIG = """
[project]
name = "beats"
[package.beat]
build = "prebuilt"
version = "1.0.0"
prebuilt.files = { x86_64-unknown-linux-musl = "beat" }
[image.beat]
package = "beat"
repositories = ["ghcr.io/example/beat"]
[service.beat]
image = "beat"
port = 8123
health = "/health"
[deploy.prod]
kind = "hosts"
hosts = ["ada@a", "b:2222", "c"]
ssh.tender = "tender"
ssh.batch = 2
"""
ALONE = CONFIG.replace('"ada@a", "b:2222", "c"', '"a"')
DOCKER = ALONE.replace('kind = "hosts"', 'kind = "hosts"\nmethod = "docker"').replace(
    'health = "/health"',
    'health = "/health"\nprobe = { command = ["true"], version = "version" }\n'
    "env.BEAT_TOKEN = { secret = true }\nenv.BEAT_PLACE = { required = true }\n"
    'files.main = { path = "/etc/beat.json", source = "beat.json" }',
)
SYSTEMD = DOCKER.replace('method = "docker"\n', "")
"""By either method, with a secret, a variable and a config file."""
A, B, C = "deploy.prod/a/beat", "deploy.prod/b:2222/beat", "deploy.prod/c/beat"
LISTENS = "  sl  local_address rem_address   st\n   0: 0100007F:1FBB 00000000:0000 0A 00000000:00000000\n"
ROOT = "/opt/shipways/beat"


@dataclass(slots=True)
class Harbour(MemoryHosts):
    """The `Hosts` port: hosts of which some do not answer."""

    silent: set[str] = field(default_factory=set)

    async def reach(self, address: Address) -> Host:
        """Raises Transient for one that is silent."""
        if address.name in self.silent:
            raise Transient(Problem(path=address.name, what="does not answer"))
        return await MemoryHosts.reach(self, address)


@dataclass
class Ground:
    """A folder with artifacts and tender, and three hosts."""

    folder: Path
    hosts: dict[str, MemoryHost]
    config: str = CONFIG
    logins: dict[str, tuple[str, Secret]] = field(default_factory=dict)
    silent: set[str] = field(default_factory=set)
    env: dict[str, str] = field(
        default_factory=lambda: {"USER": "ada", "BEAT_TOKEN": "it's a secret", "BEAT_PLACE": "here"}
    )

    @property
    def site(self) -> Site:
        return replace(
            CLOSED_SITE,
            root=self.folder,
            artifact=lambda path: self.folder / path,
            files=DiskFiles(),
            hosts=Harbour(self.hosts, self.silent),
            clock=ManualClock(1000.0),
            env=self.env,
            login=self.login,
        )

    async def login(self, registry: str) -> tuple[str, Secret] | None:
        """Of whoever deploys."""
        return self.logins.get(registry)

    @property
    def host(self) -> MemoryHost:
        """The first one."""
        return self.hosts["a"]

    def deployer(self) -> HostsDeployer:
        (found,) = plan(parse(self.config, "shipways.toml"), HERE)
        return found

    def manifest(self, text: str) -> Manifest:
        """Of a release whose program is this text."""
        path = self.folder / text / "beat"
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)
        digest = digest_bytes(text.encode())
        program = ArtifactEntry(
            path=f"{text}/beat",
            kind=Kind.BINARY,
            digest=digest,
            size=len(text),
            package="beat",
            target="x86_64-unknown-linux-musl",
        )
        image = ArtifactEntry(path="images/beat/index.json", kind=Kind.IMAGE, digest=digest, size=1, package="beat")
        return sealed(PackageEntry(name="beat", version="1.2.3", tag="v1.2.3"), artifacts=(program, image))

    def wanted(self, text: str) -> tuple[Item, ...]:
        """The items, wanting this program."""
        return self.deployer().desired(self.manifest(text))

    def deploy(self, items: tuple[Item, ...]) -> Outcome:
        """As the verbs do it."""

        async def go() -> Outcome:
            await self.deployer().preflight(self.site)
            crew = Crew(site=self.site, console=RecordingConsole(), clock=ManualClock())
            return await deploy(self.deployer(), items, crew)

        return anyio.run(go)

    def deployed(self, text: str) -> str:
        """The digest of a release that was deployed well."""
        items = self.wanted(text)
        assert not [row for row in self.deploy(items).rows if row.problems]
        return items[0].want

    def seen(self, item: Item) -> Running:
        """What is observed."""
        return anyio.run(self.deployer().observe, self.site, (item,))[item.id]

    def problems(self) -> list[tuple[str, str]]:
        """What the deployment would be stopped by: where, and what."""
        return [(each.path, each.what) for each in anyio.run(self.deployer().preflight, self.site)]


def short(digest: str) -> str:
    """What its folder and its unit are called by."""
    return digest[7:23]


def ashore(folder: Path, config: str = CONFIG) -> Ground:
    """With tender, and three hosts on which nothing is."""
    (folder / "tender").write_text("tender")
    return Ground(folder, {name: MemoryHost() for name in ("a", "b:2222", "c")}, config)
