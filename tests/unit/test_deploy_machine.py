"""Programs on a machine: which is meant, which runs, and that the one of before can come back."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

import anyio
import pytest

from shipways.adapters.files import DiskFiles
from shipways.config.load import parse
from shipways.deploy.places.machine import MachineDeployer, plan
from shipways.errors import ConfigError, PreflightError, Problem, Unfinished
from shipways.model.artifact import Kind
from shipways.model.daemon import Machine, Scope
from shipways.model.deployment import Running
from shipways.model.digest import digest_bytes
from shipways.model.manifest import ArtifactEntry, Manifest
from shipways.outside.platforms import Services, Site
from shipways.testing.console import ManualClock
from shipways.testing.doors import CLOSED_SITE
from support import sealed

LINUX = Machine(system="linux", arch="x86_64", home="/root", uid=0)
CONFIG = """
[project]
name = "beats"
[package.beat]
build = "prebuilt"
version = "1.0.0"
prebuilt.files = {{ x86_64-unknown-linux-musl = "beat" }}
[image.beat]
package = "beat"
[service.beat]
image = "beat"
[deploy.here]
kind = "{kind}"
machine.programs = "{programs}"
"""


@dataclass
class Kept:
    """The `Services` port: remembers what it was told; `down` is why the service does not run."""

    told: list[str] = field(default_factory=list)
    down: str = ""
    broken: bool = False
    unit: str = "unit"
    brought: dict[str, str] = field(default_factory=dict)

    def lacks(self) -> tuple[Problem, ...]:
        return ()

    def texts(self, service: str) -> Mapping[str, str]:
        return {f"/etc/{service}.service": self.unit}

    async def bring(self, service: str, texts: Mapping[str, str]) -> None:
        self.told.append(f"bring {service}")
        self.brought = dict(texts)
        if self.broken:
            raise Unfinished(Problem(path=service, what="did not start"))

    async def standing(self, service: str) -> str:
        del service
        return self.down

    async def end(self, service: str) -> None:
        self.told.append(f"end {service}")

    async def log(self, service: str) -> str:
        return f"{service} began"


@dataclass
class Ground:
    """A folder of programs, one of artifacts, and who keeps services."""

    folder: Path
    services: Kept = field(default_factory=Kept)

    @property
    def site(self) -> Site:
        def services(_: Scope) -> Services:
            return self.services

        return replace(
            CLOSED_SITE,
            artifact=lambda path: self.folder / path,
            files=DiskFiles(),
            services=services,
            clock=ManualClock(),
        )

    def deployer(self, kind: str = "systemd", machine: Machine = LINUX) -> MachineDeployer:
        (found,) = plan(parse(CONFIG.format(kind=kind, programs=self.folder / "bin"), "shipways.toml"), machine)
        return found

    def manifest(self, text: str, triple: str = "x86_64-unknown-linux-musl") -> Manifest:
        """Of a release whose program is this text."""
        path = self.folder / "dist" / text / "beat"
        path.parent.mkdir(parents=True)
        path.write_text(text)
        entry = ArtifactEntry(
            path=str(path.relative_to(self.folder)),
            kind=Kind.BINARY,
            digest=digest_bytes(text.encode()),
            size=len(text),
            package="beat",
            target=triple,
        )
        return replace(sealed(), artifacts=(entry,))

    def deploy(self, text: str, previous: str = "") -> Running:
        """What is seen after a release was applied."""
        deployer, site = self.deployer(), self.site
        (item,) = deployer.desired(self.manifest(text))

        async def go() -> Running:
            seen = (await deployer.observe(site, (item,)))[item.id]
            await deployer.apply(site, item, seen, previous)
            return (await deployer.observe(site, (item,)))[item.id]

        return anyio.run(go)

    @property
    def program(self) -> str:
        return (self.folder / "bin/beat").read_text()


@pytest.fixture
def ground(tmp_path: Path) -> Ground:
    return Ground(tmp_path)


def digest(text: str) -> str:
    return digest_bytes(text.encode())


def test_put_in_place_and_started(ground: Ground) -> None:
    """The program is there, can be run, and its service was started from it; the one of before is kept."""
    assert Running(digest=digest("one")) == ground.deploy("one")
    seen = ground.deploy("two", previous=digest("one"))
    assert Running(digest=digest("two"), previous=digest("one")) == seen
    assert ("two", ["bring beat", "bring beat"]) == (ground.program, ground.services.told)
    assert (ground.folder / "bin/beat").stat().st_mode & 0o111
    ground.deploy("three", previous=digest("two"))
    kept = {path.name for path in (ground.folder / "lib/shipways/beat").iterdir()}
    assert {"state.json", digest("two")[7:], digest("three")[7:]} == kept


def test_a_start_that_fails(ground: Ground) -> None:
    """What lies there was not started, so it is to be applied again, and the one of before can be."""
    ground.deploy("one")
    ground.services.broken = True
    with pytest.raises(Unfinished, match="did not start"):
        ground.deploy("two", previous=digest("one"))
    ground.services.broken = False
    deployer, site = ground.deployer(), ground.site
    (item,) = deployer.items()
    back = replace(item, want=digest("one"))

    async def go() -> tuple[Running, Running]:
        torn = (await deployer.observe(site, (back,)))[back.id]
        await deployer.apply(site, back, torn, "")
        return torn, (await deployer.observe(site, (back,)))[back.id]

    assert (Running(digest=digest("one"), torn=True), Running(digest=digest("one"))) == anyio.run(go)
    assert "one" == ground.program


def test_another_unit_of_the_same_program(ground: Ground) -> None:
    """A changed unit is a difference, and the one of before comes back with its program."""
    ground.deploy("one")
    ground.services.unit = "another"
    deployer, site = ground.deployer(), ground.site
    (item,) = deployer.items()

    async def see() -> Running:
        return (await deployer.observe(site, (item,)))[item.id]

    before = anyio.run(see)
    assert (True, False) == (before.digest.startswith(f"{digest('one')}+"), before.torn)

    async def go(want: str, previous: str) -> Running:
        await deployer.apply(site, replace(item, want=want), await see(), previous)
        return await see()

    now = anyio.run(go, digest("one"), before.digest)
    assert Running(digest=digest("one"), previous=before.digest) == now
    assert {"/etc/beat.service": "another"} == ground.services.brought
    back = anyio.run(go, before.digest, now.digest)
    assert (before.digest, digest("one")) == (back.digest, back.previous)
    assert {"/etc/beat.service": "unit"} == ground.services.brought


def test_other_bytes_are_not_put_there(ground: Ground) -> None:
    """A program in dist/ that is not the manifest's: nothing is touched."""
    deployer = ground.deployer()
    (item,) = deployer.desired(ground.manifest("one"))
    (ground.folder / item.path).write_text("altered")
    with pytest.raises(Unfinished, match=f"is not {item.want}"):
        anyio.run(deployer.apply, ground.site, item, Running(), "")
    assert not (ground.folder / "bin/beat").exists()


def test_not_for_this_machine(ground: Ground) -> None:
    """Without a program for it, what it is is told."""
    manifest = ground.manifest("one", "aarch64-apple-darwin")
    with pytest.raises(ConfigError, match=r"package.beat: has no program beat(?s:.*)linux on x86_64"):
        ground.deployer().desired(manifest)
    mac = Machine(system="darwin", arch="aarch64", home="/Users/ada", uid=501)
    assert [digest("one")] == [item.want for item in ground.deployer("launchd", mac).desired(manifest)]
    (problem,) = anyio.run(ground.deployer("launchd").preflight, ground.site)
    assert "this machine has no launchd" == problem.what


def test_nobody_keeps_services(ground: Ground) -> None:
    """What `service install` would say is said before anything is touched."""

    def nobody(_: Scope) -> Services:
        raise PreflightError(Problem(path="systemctl", what="is not on PATH"))

    found = anyio.run(ground.deployer().preflight, replace(ground.site, services=nobody))
    assert ["systemctl"] == [problem.path for problem in found]


def test_pulse(ground: Ground) -> None:
    """A service that has failed is lost; one that is only starting is not."""
    deployer, (item,) = ground.deployer(), ground.deployer().items()
    cases = {"": (True, False), "activating (auto-restart)": (False, False), "failed (exit-code)": (False, True)}
    for down, expected in cases.items():
        ground.services.down = down
        pulse = anyio.run(deployer.probe, ground.site, item)
        assert expected == (pulse.healthy, pulse.lost)


def test_withdrawn(ground: Ground) -> None:
    """Nothing of a first deployment is left."""
    ground.deploy("one")
    deployer = ground.deployer()
    anyio.run(deployer.withdraw, ground.site, deployer.items()[0])
    assert ["bring beat", "end beat"] == ground.services.told
    assert not [path for path in ground.folder.rglob("*") if path.is_file() and "dist" not in path.parts]
