"""One host with systemd, sshd and a Docker Engine; a project whose services run there by either method; a load."""

import base64
import contextlib
import json
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import anyio

from composing import TENDER, go_program
from machines import Machine
from registries import local_registry, running, skopeo
from sandbox import Repository
from shipways.adapters.shell import OsClock
from shipways.config.load import parse
from shipways.config.manifestfile import parse_manifest
from shipways.deploy.places.hosts import HostsDeployer, plan
from shipways.doors import site
from shipways.model.daemon import Machine as Here
from shipways.model.item import Item
from shipways.run.deploying import Crew, deploy
from shipways.testing.console import RecordingConsole
from sshhosts import Fleet, fleet
from support import need

PULSE = Path(__file__).parent / "projects/pulse"
ROOT = "/opt/shipways"
CANARY = "canary-password"
HTPASSWD = "me:$2b$04$UUkjpONZAC6MjJIu.QW/ze3PVKY7f9XDLgYdiiXavHMDd5XsMtPIu\n"
"""bcrypt of it, as htpasswd -B writes it."""
CONFIG = """
[project]
name = "beats"
source_archive = false

[package.beat]
build = "prebuilt"
version = "1.0.0"
sbom = false
prebuilt.files = {{ x86_64-unknown-linux-musl = "bin/beat" }}

[image.beat]
package = "beat"
command = ["serve", "--config", "/etc/beat.json"]

[image.boat]
package = "beat"
repositories = ["{registry}/team/boat"]
labels = {{ service = "boat" }}
platforms = ["linux/amd64"]
command = ["serve", "--config", "/etc/boat.json"]

[service.beat]
image = "beat"
port = 8123
publish = "0.0.0.0"
health = "/health"
command = ["serve", "--config", "{{file.main}}"]
stop_time = "2s"
files.main = {{ path = "/etc/beat.json", source = "pulse.json" }}
env.PULSE_ADDR = {{ default = "{{address}}:{{port}}" }}
env.BEAT_TOKEN = {{ secret = true, required = true }}
probe = {{ interval = "300ms", timeout = "500ms", start_period = "2s", retries = 2 }}

[service.boat]
image = "boat"
port = 8124
publish = "0.0.0.0"
health = "/health"
command = ["serve", "--config", "{{file.main}}"]
stop_time = "2s"
files.main = {{ path = "/etc/boat.json", source = "pulse.json" }}
env.PULSE_ADDR = {{ default = "{{address}}:{{port}}" }}
env.BEAT_TOKEN = {{ secret = true, required = true }}
probe = {{ command = ["/usr/local/bin/beat", "--version"], interval = "1s", timeout = "500ms" }}

[service.raft]
image = "boat"
port = 8125
publish = "172.17.0.1"
health = "/health"
needs = ["boat"]
command = ["serve", "--config", "{{file.main}}"]
stop_time = "2s"
files.main = {{ path = "/etc/raft.json", source = "pulse.json" }}
env.PULSE_ADDR = {{ default = "{{address}}:{{port}}" }}
probe = {{ command = ["/usr/local/bin/beat", "--version"], interval = "1s", timeout = "500ms" }}

[deploy.both]
kind = "hosts"
services = ["boat", "raft"]
method = "docker"
wait = "8s"
hosts = ["root@{host}"]
ssh = {ssh}

[deploy.systemd]
kind = "hosts"
services = ["beat"]
wait = "8s"
hosts = ["root@{host}"]
ssh = {ssh}

[deploy.docker]
kind = "hosts"
services = ["boat"]
method = "docker"
wait = "8s"
hosts = ["root@{host}"]
ssh = {ssh}
"""
GIVEN = "canary 'of' \"all\" $HOME `tokens`\nwith a second line \\ and %h"
PORTS = {"systemd": 8123, "docker": 8124}
HERE = Here(system="linux", arch="x86_64", home="/root", uid=0)


@dataclass(frozen=True)
class Quay:
    """A project that is built here, and the host that it is deployed to. Its registry wants a password."""

    project: Repository
    fleet: Fleet
    programs: Path
    registry: str

    @property
    def host(self) -> Machine:
        """The only one."""
        (host,) = self.fleet.hosts.values()
        return host

    @property
    def address(self) -> str:
        """Where it is reached."""
        return next(iter(self.fleet.hosts))

    @property
    def env(self) -> dict[str, str]:
        """Of whoever deploys."""
        return {"DOCKER_CONFIG": str(self.programs), "BEAT_TOKEN": GIVEN}

    def build(self, version: str, program: str = "good") -> None:
        """What lies in dist/ and in the registry afterwards is this program under this version."""
        self.project.carry(self.programs / program, version)
        there = f"docker://{self.registry}/team/boat:{version}"
        words = ("--all", "--preserve-digests", "--dest-tls-verify=false", "--dest-creds", f"me:{CANARY}")
        skopeo("copy", *words, f"oci:{self.project.root}/dist/images/boat", there)

    def shipways(self, *words: str) -> tuple[int, str]:
        """The exit code, and what was said."""
        ran = self.project.shipways(*words, env=self.env)
        return ran.code, ran.out + ran.err

    def deployer(self, method: str) -> HostsDeployer:
        """The one of a method."""
        config = parse((self.project.root / "shipways.toml").read_text(), "shipways.toml")
        return next(each for each in plan(config, HERE) if each.name == f"deploy.{method}")

    def wanted(self, method: str) -> tuple[Item, ...]:
        """What lies in dist/ now."""
        return self.deployer(method).desired(parse_manifest((self.project.root / "dist/manifest.json").read_bytes()))

    def switched(self, method: str, turns: list[tuple[Item, ...]]) -> None:
        """One deployment after the other, over one connection."""
        anyio.run(self._switched, method, turns)

    async def _switched(self, method: str, turns: list[tuple[Item, ...]]) -> None:
        deployer, clock = self.deployer(method), OsClock()
        here = site(self.project.root, self.project.root / "dist", _Shell(os.environ | self.env), clock, _none)
        async with contextlib.aclosing(here.hosts):
            assert () == await deployer.preflight(here)
            for items in turns:
                outcome = await deploy(deployer, items, Crew(site=here, console=RecordingConsole(), clock=clock))
                assert not [row.problems for row in outcome.rows if row.problems]

    def version(self, method: str) -> str:
        """The end of the program that runs."""
        (pid,) = self.pids(method)
        return self.host.out("tail", "-c", "5", f"/proc/{pid}/exe")

    def pids(self, method: str) -> list[str]:
        """The processes of the service, by what they listen on: in a container it is all addresses."""
        address = {"systemd": "127.0.0.1:2", "docker": "0.0.0.0:8124"}[method]
        found = self.host.run("sh", "-c", f"grep -lsa 'PULSE_ADDR={address}' /proc/[0-9]*/environ").out
        mine = (path.split("/")[2] for path in found.split())
        return [pid for pid in mine if self.host.run("readlink", f"/proc/{pid}/exe").out.strip().endswith("/beat")]


class _Shell:
    """The `Shell` port over these variables."""

    def __init__(self, env: dict[str, str]) -> None:
        self._env = env

    def env(self) -> dict[str, str]:
        """As they are."""
        return self._env


def _none(*scope: object) -> None:
    raise AssertionError(scope)


@contextlib.contextmanager
def quay(folder: Path, kept: Path) -> Iterator[Quay]:
    """With version 1.0.0 of both deployments built, and that of systemd running."""
    need("docker-registry", "skopeo", "go")
    go_program(PULSE, folder / "good")
    with contextlib.ExitStack() as stack:
        ships = stack.enter_context(fleet(folder, kept, 1, docker=True))
        (address,) = ships.hosts
        registry = stack.enter_context(local_registry(folder, HTPASSWD)).host
        entry = base64.b64encode(f"me:{CANARY}".encode()).decode()
        (folder / "config.json").write_text(json.dumps({"auths": {registry: {"auth": entry}}}))
        project = Repository(folder / "beats", folder / "cache")
        ssh = f'{{ tender = "bin/tender", key = "{ships.key}", known_hosts = "{ships.known}" }}'
        project.file("shipways.toml", CONFIG.format(registry=registry, host=address, ssh=ssh))
        project.file("pulse.json", '{"log": "debug"}\n')
        project.file(".gitignore", "/dist/\n/bin/\n")
        (project.root / "bin").mkdir()
        tender = go_program(TENDER, project.root / "bin/tender")
        made = Quay(project, ships, folder, registry)
        made.build("1.0.0")
        code, said = made.shipways("deploy", "systemd")
        assert 0 == code, said
        stack.enter_context(_forwarded(made, tender, folder))
        yield made


@contextlib.contextmanager
def _forwarded(made: Quay, tender: Path, folder: Path) -> Iterator[None]:
    """The registry under the address that it has here: engines want no TLS of a loopback alone."""
    near, port = made.address.rpartition("."), made.registry.rpartition(":")[2]
    gate = f"{near[0]}.{int(near[2]) - 1}:{port}"
    argv = (str(tender), "proxy", "--listen", gate, "--to", made.registry)
    argv += ("--control", f"{folder}/gate", "--state", f"{folder}/gate.state")
    there = ("--control", "/run/gate", "--state", "/run/gate.state")
    with running(argv, folder / "gate.log", (folder / "gate").exists):
        words = (f"{ROOT}/bin/tender", "proxy", "--listen", made.registry, "--to", gate, *there)
        made.host.out("systemd-run", "--unit=gate", *words)
        yield
