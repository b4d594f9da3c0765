"""Programs on hosts: in which order, what is asked first, what runs afterwards, and what is refused."""

from dataclasses import dataclass, replace
from pathlib import Path

import anyio
import pytest

from shipways.adapters.files import DiskFiles
from shipways.config.load import parse
from shipways.deploy.places.hosts import HostsDeployer, plan
from shipways.errors import ConfigError, Transient, Unfinished
from shipways.model.artifact import Kind
from shipways.model.daemon import Machine
from shipways.model.deployment import Running
from shipways.model.digest import digest_bytes
from shipways.model.item import Item
from shipways.model.manifest import ArtifactEntry, Manifest
from shipways.outside.platforms import Site
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
A, B, C = "deploy.prod/a/beat", "deploy.prod/b:2222/beat", "deploy.prod/c/beat"
LISTENS = "  sl  local_address rem_address   st\n   0: 0100007F:1FBB 00000000:0000 0A 00000000:00000000\n"


class Noon:
    """The `Clock` port, which the host's own agrees with."""

    def now(self) -> float:
        return 1000.0

    def monotonic(self) -> float:
        return 0.0

    async def sleep(self, seconds: float) -> None:
        raise AssertionError(seconds)


@dataclass
class Ground:
    """A folder with artifacts and tender, and three hosts."""

    folder: Path
    hosts: dict[str, MemoryHost]

    @property
    def site(self) -> Site:
        return replace(
            CLOSED_SITE,
            root=self.folder,
            artifact=lambda path: self.folder / path,
            files=DiskFiles(),
            hosts=MemoryHosts(self.hosts),
            clock=Noon(),
            env={"USER": "ada"},
        )

    def deployer(self, text: str = CONFIG) -> HostsDeployer:
        (found,) = plan(parse(text, "shipways.toml"), HERE)
        return found

    def manifest(self, text: str) -> Manifest:
        """Of a release whose program is this text."""
        path = self.folder / text / "beat"
        path.parent.mkdir()
        path.write_text(text)
        entry = ArtifactEntry(
            path=f"{text}/beat",
            kind=Kind.BINARY,
            digest=digest_bytes(text.encode()),
            size=len(text),
            package="beat",
            target="x86_64-unknown-linux-musl",
        )
        return replace(sealed(), artifacts=(entry,))

    def wanted(self, text: str) -> Item:
        """The first item, wanting this program."""
        return self.deployer().desired(self.manifest(text))[0]

    def apply(self, item: Item, previous: str = "") -> Running:
        """What is seen after it was applied."""
        deployer, site = self.deployer(), self.site

        async def go() -> Running:
            seen = (await deployer.observe(site, (item,)))[item.id]
            await deployer.apply(site, item, seen, previous)
            return (await deployer.observe(site, (item,)))[item.id]

        return anyio.run(go)

    def problems(self) -> list[tuple[str, str]]:
        """What the deployment would be stopped by: where, and what."""
        return [(each.path, each.what) for each in anyio.run(self.deployer().preflight, self.site)]


@pytest.fixture
def ground(tmp_path: Path) -> Ground:
    (tmp_path / "tender").write_text("tender")
    return Ground(tmp_path, {name: MemoryHost() for name in ("a", "b:2222", "c")})


def test_batches(ground: Ground) -> None:
    """Two hosts at once; the third begins when both are healthy."""
    assert {A: (), B: (), C: (A, B)} == {item.id: item.needs for item in ground.deployer().items()}


def test_brought_and_started(ground: Ground) -> None:
    """The link points to the release, units are its own, the service was started; again one restart, no more units."""
    one, two, host = ground.wanted("one"), ground.wanted("two"), ground.hosts["a"]
    assert Running(digest=one.want) == ground.apply(one)
    assert "active" == host.active
    unit = host.files["/etc/systemd/system/beat.service"].decode()
    assert "/opt/shipways/beat/current/beat" in unit
    host.log.clear()
    assert Running(digest=two.want, previous=one.want) == ground.apply(two, previous=one.want)
    assert [("systemctl", "restart", "--", "beat.service")] == [each for each in host.log if "restart" in each]
    assert ("systemctl", "daemon-reload") not in host.log
    assert b"two" == host.files[f"{host.links['/opt/shipways/beat/current']}/beat"]
    assert Running(digest=one.want, previous=two.want) == ground.apply(replace(one, path="gone"), previous=two.want)


def test_other_bytes_are_not_brought(ground: Ground) -> None:
    """A program in dist/ that is not the manifest's: nothing of the service is there."""
    item = ground.wanted("one")
    (ground.folder / "one/beat").write_text("altered")
    with pytest.raises(Unfinished, match="cannot be brought"):
        ground.apply(item)
    assert {} == ground.hosts["a"].links


@pytest.mark.parametrize("path", ["/etc/systemd/system/beat.service", "PROGRAM", "STATE"])
def test_torn(ground: Ground, path: str) -> None:
    """A unit or a program that was edited, and a release that was linked but not started, are to be applied again."""
    one, host = ground.wanted("one"), ground.hosts["a"]
    ground.apply(one)
    state = "/opt/shipways/beat/state.json"
    edited = {"PROGRAM": f"{host.links['/opt/shipways/beat/current']}/beat", "STATE": state}.get(path, path)
    host.files[edited] = b'{"running": "sha256:0", "previous": ""}'
    seen = anyio.run(ground.deployer().observe, ground.site, (one,))[one.id]
    assert seen.torn
    assert not ground.apply(one).torn


def test_somebody_newer_holds_the_lock(ground: Ground) -> None:
    """One that lost the lock meanwhile changes nothing that runs."""
    one, two, host = ground.wanted("one"), ground.wanted("two"), ground.hosts["a"]
    ground.apply(one)
    link, host.fenced = dict(host.links), True
    with pytest.raises(Unfinished, match="status 76"):
        ground.apply(two, previous=one.want)
    assert link == host.links
    host.fenced, host.held, host.busy = False, "", "the night shift"
    with pytest.raises(Transient, match="somebody else deploys there"):
        ground.apply(two, previous=one.want)


def test_preflight(ground: Ground) -> None:
    """What is in the way of any host is told of all, and the lock is taken where nothing is."""
    assert [] == ground.problems()
    assert all(host.held for host in ground.hosts.values())
    ground.hosts["a"] = MemoryHost(facts="1000\n")
    ground.hosts["b:2222"] = MemoryHost(facts="0\nno\naarch64\n2000\n1024\n")
    del ground.hosts["c"]
    assert [
        ("a", "nothing can be run as root"),
        ("b:2222", "is not run by systemd"),
        ("b:2222", "is aarch64"),
        ("b:2222", "its clock and ours differ by 1000 s"),
        ("b:2222", "has 1 MiB left on the disk"),
        ("c", "the key of this host is not known"),
    ] == ground.problems()


def test_preflight_port_and_lock(ground: Ground) -> None:
    """A port that something else listens on is told; our own is not. A lock that is held is told with its holder."""
    ground.hosts["a"] = MemoryHost(ports=LISTENS)
    ground.hosts["b:2222"] = MemoryHost(ports=LISTENS, active="active")
    ground.hosts["c"] = MemoryHost(busy="the night shift")
    expected = [("a", "port 8123 is taken, and not by beat"), ("c", "somebody else deploys there")]
    assert expected == ground.problems()
    found = anyio.run(ground.deployer().preflight, ground.site)
    assert "the night shift" in found[-1].why


def test_no_tender(ground: Ground) -> None:
    """Nobody is asked where there is nothing to bring."""
    (ground.folder / "tender").unlink()
    assert [("deploy.prod.ssh.tender", "there is no tender")] == ground.problems()


def test_pulse(ground: Ground) -> None:
    """What systemd says first, then what the service answers on its host."""
    deployer, (item, *_), host = ground.deployer(), ground.deployer().items(), ground.hosts["a"]
    for active, sick, expected in (
        ("failed", False, (False, True)),
        ("activating", False, (False, False)),
        ("active", True, (False, False)),
        ("active", False, (True, False)),
    ):
        host.active, host.sick = active, sick
        pulse = anyio.run(deployer.probe, ground.site, item)
        assert expected == (pulse.healthy, pulse.lost)


def test_withdrawn(ground: Ground) -> None:
    """Nothing of a first deployment is left but tender."""
    item = ground.wanted("one")
    ground.apply(item)
    anyio.run(ground.deployer().withdraw, ground.site, item)
    assert ["/opt/shipways/bin/tender"] == list(ground.hosts["a"].files)


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ('hosts = ["ada@a", "b:2222", "c"]', "", 'kind = "hosts" has some'),
        ('"b:2222", "c"', '"a:22"', "each is named once"),
        ('"ada@a"', '"-oProxyCommand=x@a"', "hosts"),
        ('ssh.tender = "tender"', "", "hosts need it"),
        ('kind = "hosts"', 'kind = "compose"', "no other kind has any"),
    ],
)
def test_what_config_may_not_say(old: str, new: str, words: str) -> None:
    """Each with its reason."""
    with pytest.raises(ConfigError, match=words):
        parse(CONFIG.replace(old, new), "shipways.toml")
