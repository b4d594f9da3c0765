"""Locks on hosts: one for each service, whoever deploys it; and what services share besides."""

from dataclasses import replace
from pathlib import Path

import anyio
import pytest

from moored import ALONE, HERE, ROOT, A, Ground, ashore, short
from shipways.adapters.files import DiskFiles
from shipways.adapters.sourcetrees import DiskTrees
from shipways.config.load import parse
from shipways.config.serve import Serve
from shipways.deploy.berths import free
from shipways.deploy.fenced import Fenced
from shipways.deploy.places.hosts import plan
from shipways.deploy.requested import TreeBringer
from shipways.errors import Transient, Unfinished
from shipways.model.deployment import Running
from shipways.model.job import JobRequest, Method
from shipways.outside.platforms import Deployer, Site
from shipways.testing.console import ManualClock, RecordingConsole
from shipways.testing.host import MemoryHost, MemoryHosts

BEAT, BOAT = f"{ROOT}/lock", "/opt/shipways/boat/lock"
BOTH = (
    ALONE.replace("[deploy.prod]", '[service.boat]\nimage = "beat"\nport = 8124\n[deploy.prod]')
    + '[deploy.boat]\nkind = "hosts"\nhosts = ["a"]\nservices = ["boat"]\nssh.tender = "tender"\n'
    + '[deploy.beat]\nkind = "hosts"\nhosts = ["a"]\nservices = ["beat"]\nssh.tender = "tender"\n'
)


@pytest.fixture
def ground(tmp_path: Path) -> Ground:
    """One host."""
    return ashore(tmp_path, BOTH)


def deployer(ground: Ground, name: str) -> Deployer:
    """One of the config: of both services (prod), or of one."""
    found = plan(parse(ground.config, "shipways.toml"), HERE)
    return next(each for each in found if each.name == f"deploy.{name}")


def api(ground: Ground, service: str) -> Deployer:
    """That of a job of the API."""
    serve = Serve.model_validate({"sources": ("/srv",), "hosts": ("a",), "ssh": {"tender": "tender"}})
    files, clock = DiskFiles(), ManualClock(7.0)
    bringer = TreeBringer(serve=serve, trees=DiskTrees(), files=files, clock=clock, registrar=None, key=b"k")
    request = JobRequest(
        service_path="/srv/x", service_name=service, droplet_id=1, service_port=8123, method=Method.SYSTEMD
    )
    return bringer.standing(request, RecordingConsole()).deployer


def elsewhere(ground: Ground) -> Site:
    """Of another process: the same hosts, over connections of its own."""
    return replace(ground.site, hosts=MemoryHosts({"a": replace(ground.host, lines={})}))


def said(deployer: Deployer, site: Site) -> str:
    """What a deployment would be stopped by."""
    return "; ".join(f"{each.path}: {each.what}: {each.why}" for each in anyio.run(deployer.preflight, site))


def test_of_each_service(ground: Ground) -> None:
    """F15: two deployers of one service exclude each other, by API and command line; of different ones they do not."""
    there = elsewhere(ground)
    assert ("", "") == (said(deployer(ground, "beat"), ground.site), said(api(ground, "boat"), there))
    assert 'somebody else deploys there: {"holder": "deploy.beat by ada"}' in said(api(ground, "beat"), there)
    assert 'somebody else deploys there: {"holder": "deploy.serve by ada"}' in said(
        deployer(ground, "boat"), ground.site
    )
    assert "somebody else deploys there" in said(deployer(ground, "prod"), elsewhere(ground))


def test_of_all_services(ground: Ground) -> None:
    """Those of all services of a deployment are held by one process; over one connection none is held twice."""
    anyio.run(deployer(ground, "beat").preflight, ground.site)
    assert [BEAT] == [*ground.host.lines]
    anyio.run(deployer(ground, "prod").preflight, ground.site)
    assert [BEAT, BOAT] == [*ground.host.lines]
    ground.host.end()
    anyio.run(deployer(ground, "prod").preflight, ground.site)
    held = [words[2:6] for words in ground.host.log if words[1] == "lock"]
    assert [("--file", BEAT), ("--file", BOAT), ("--file", BEAT, "--file", BOAT)] == [
        tuple(word for word in words if word not in {"--holder", "deploy.beat by ada", "deploy.prod by ada"})
        for words in held
    ]


def test_a_paused_holder(ground: Ground) -> None:
    """F16: one that wakes when its lock was taken changes nothing of that service; of another one it still may."""
    ground.config = ALONE
    items = {item.id: item for item in ground.wanted("one")}
    start = items[f"{A}/transfer"]
    anyio.run(ground.deployer().preflight, ground.site)
    del ground.host.busy[BEAT]
    assert "" == said(api(ground, "beat"), elsewhere(ground))
    with pytest.raises(Unfinished, match="status 76"):
        anyio.run(ground.deployer().apply, ground.site, start, Running(), "")
    ground.host.tokens[BEAT] -= 1
    ground.host.tokens[BOAT] = 4711
    anyio.run(ground.deployer().apply, ground.site, start, Running(), "")


class Crowded(MemoryHost):
    """Whenever a port is written down, another service writes the same one, as often as it is said."""

    others = 3

    async def put(self, source: Path | bytes, path: str, *, mode: int, within: tuple[str, ...] = ()) -> None:  # type: ignore[override]
        """Both."""
        await super().put(source, path, mode=mode, within=within)
        if path.endswith("/port") and self.others:
            self.others -= 1
            self.files["/opt/shipways/boat/releases/0/port"] = self.files[path]


def test_ports(ground: Ground) -> None:
    """F15: two services that are deployed at once take different ports, also where each sees the other's too late."""
    ground.config = ALONE
    ground.hosts["a"] = host = Crowded()
    first = ground.deployed("one")
    mine = host.files[f"{ROOT}/releases/{short(first)}/port"]
    assert (0, False) == (host.others, mine == host.files["/opt/shipways/boat/releases/0/port"])
    assert f"127.0.0.1:{mine.decode().strip()}" == host.backend


class Walked(frozenset[int]):
    """Every port is taken but the last that is asked for: a walk through all of them."""

    def __init__(self) -> None:
        self.asked: set[int] = set()

    def __contains__(self, port: object) -> bool:
        assert isinstance(port, int)
        self.asked.add(port)
        return len(self.asked) < 9_973


def test_ports_in_steps() -> None:
    """Two releases with the same first port do not come to the same second one; each port is one of a release."""
    one, two = f"{7:016x}", f"{7 + 9_973:016x}"
    first = free(one, frozenset())
    assert first == free(two, frozenset())
    assert free(one, frozenset({first})) != free(two, frozenset({first}))
    taken = Walked()
    free(two, taken)
    assert (9_973, 20_000, 29_972) == (len(taken.asked), min(taken.asked), max(taken.asked))


def test_somebody_newer_holds_the_lock(tmp_path: Path) -> None:
    """F16: one that lost the lock meanwhile changes nothing that runs."""
    one = ashore(tmp_path, ALONE)
    one.deployed("one")
    items, host = {item.id.rpartition("/")[2]: item for item in one.wanted("two")}, one.host
    deployer, site, seen = one.deployer(), one.site, Running()
    link, lock = dict(host.links), f"{ROOT}/lock"
    host.tokens[lock] += 1
    with pytest.raises(Unfinished, match="status 76"):
        anyio.run(deployer.apply, site, items["transfer"], seen, "")
    assert link == host.links
    host.end()
    host.busy[lock] = "the night shift"
    with pytest.raises(Transient, match="somebody else deploys there"):
        anyio.run(deployer.apply, site, items["transfer"], seen, "")


def test_a_lost_lock() -> None:
    """F7: nothing is done without the lock, and it is tried again: the link was lost, not the deployment."""
    host = MemoryHost()
    fenced = Fenced(host=host, tender="/opt/shipways/bin/tender", lock=f"{ROOT}/lock")
    with pytest.raises(Transient, match="is not held any more"):
        anyio.run(fenced.run, ("touch", "x"))
    assert [] == host.log
