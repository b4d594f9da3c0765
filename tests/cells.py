"""The hosts that faults are played on, and what has to be true of them and of the deployer afterwards."""

import contextlib
import functools
import hashlib
import json
import time
from collections.abc import Iterator, Mapping
from concurrent.futures import Future
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx

from composing import TENDER, go_program
from engines import tiny
from machines import Machine
from served import HASTY, Deployer, Pace, Shop, based, tree
from sshhosts import Fleet, fleet

_DISK = "700m"

_LOOK = """
cd /opt/services/"$1" 2>/dev/null || exit 0
for each in $(seq 60); do docker version >/dev/null 2>&1 && break; sleep 0.5; done
systemctl list-units --all --plain --no-legend "$1@*.service" "$1-build-*" | sed 's/ .*//;s/^/runs /'
docker ps --all --filter "label=shipways.service=$1" --format 'runs {{.Names}}'
docker image ls --format '{{.Tag}}' "$1" | grep -v latest | while read -r each; do
  [ -e "releases/$each" ] || echo "an image of no release: $each"
done
for each in $(ls -A releases); do [ -s "releases/$each/release.json" ] || echo "half a release: $each"; done
find . -maxdepth 3 \\( -name '*.new' -o -name '*.old' -o -name '*.json.*' -o -name incoming \\) | sed 's/^/left: /'
/opt/services/bin/tender lock --file lock --holder test --wait 20s >/dev/null || echo "locked"
"""
"""What there is of a service on a host: what runs, and what should not be there."""
_ANYTHING = """
systemctl list-unit-files --no-legend "$1*"
ls -A -I lock -I lock.fence "/opt/services/$1" 2>&-
true
"""


@dataclass
class Ground:
    """Hosts. Faults are about the second: what was done on the first has to return."""

    folder: Path
    fleet: Fleet
    tender: Path
    stands: dict[str, tuple[tuple[str, ...], str]] = field(default_factory=dict)
    """The version of each service, and on which hosts: what one cell leaves is what the next begins with."""
    count: int = 0
    waiting: "Future[None] | None" = None
    """What goes on beside the cells, on the last host."""

    @property
    def hosts(self) -> tuple[tuple[str, Machine], ...]:
        """By their addresses."""
        return tuple(self.fleet.hosts.items())

    @property
    def victim(self) -> Machine:
        """The second."""
        return self.hosts[1][1]

    @functools.cached_property
    def true(self) -> Deployer:
        """For the first two hosts at once, with the times of the specification."""
        return self._deployer("true", (0, 1), Pace())

    @functools.cached_property
    def hasty(self) -> Deployer:
        """For the same hosts, with a twentieth of the times."""
        return self._deployer("hasty", (0, 1), HASTY)

    @functools.cached_property
    def three(self) -> Deployer:
        """For three hosts, one after the other."""
        return self._deployer("three", (0, 1, 2), Pace(batch=1))

    @functools.cached_property
    def last(self) -> Deployer:
        """For a fourth host, which no cell needs."""
        return self._deployer("last", (3,), Pace())

    def end(self) -> None:
        """Every deployer that was needed."""
        for value in tuple(vars(self).values()):
            if isinstance(value, Deployer):
                value.end()

    def tree(self, deployer: Deployer, behaviour: str = "well") -> tuple[Path, str]:
        """A source tree of the next version."""
        self.count += 1
        version = str(self.count)
        return tree(deployer.folder / "trees" / version, version, behaviour), version

    def stood(self, deployer: Deployer, shop: Shop) -> str:
        """The version that serves everywhere before anything goes wrong; one is brought where none is known of."""
        hosts, version = self.stands.pop(shop.name, ((), ""))
        if hosts == deployer.hosts:
            return version
        source, version = self.tree(deployer)
        job = deployer.ended(deployer.submit(source, shop))
        assert "completed" == job["status"], job
        self.served(deployer, shop, version)
        return version

    def stays(self, deployer: Deployer, shop: Shop, version: str) -> None:
        """The next cell may begin with it."""
        self.stands[shop.name] = (deployer.hosts, version)

    def served(self, deployer: Deployer, shop: Shop, version: str) -> None:
        """Every host serves it; the deployer says so of the same release; nothing is left of another one."""
        asked = {address: answered(address, shop) for address in deployer.hosts}
        assert {version} == {told["version"] for told in asked.values()}, asked
        (release,) = {told["release"] for told in asked.values()}
        _agreed(deployer, shop, release)
        found = {name: _left(host, shop, release) for name, host in self.hosts if name in deployer.hosts}
        assert not any(found.values()), found

    def nothing(self, deployer: Deployer, shop: Shop) -> None:
        """No host has anything of it."""
        found = {
            name: host.out("sh", "-c", _ANYTHING, "sh", shop.name)
            for name, host in self.hosts
            if name in deployer.hosts
        }
        assert not any(found.values()), found

    def _deployer(self, name: str, numbers: tuple[int, ...], pace: Pace) -> Deployer:
        hosts = tuple(self.hosts[number][0] for number in numbers)
        made = Deployer(self.folder / name, self.fleet, self.tender, hosts, pace)
        made.start()
        return made


@functools.cache
def _client() -> httpx.Client:
    return httpx.Client(trust_env=False, timeout=5)


def answered(address: str, shop: Shop, limit: float = 120) -> Mapping[str, Any]:
    """What the public port of a host tells, once it tells something."""
    end, why = time.monotonic() + limit, ""
    while time.monotonic() < end:
        try:
            told: Mapping[str, Any] = _client().get(f"http://{address}:{shop.port}/version").json()
        except (httpx.TransportError, json.JSONDecodeError) as error:
            why = repr(error)
            time.sleep(0.2)
        else:
            return told
    raise AssertionError(f"{address}:{shop.port} tells no version: {why}")


def audited(deployer: Deployer, job: Mapping[str, Any]) -> None:
    """S2-21: each line of the trail seals the one before, and the lines of the job say what the API says of it."""
    lines, before = (deployer.folder / "state/trail.jsonl").read_bytes().splitlines(keepends=True), ""
    told = [json.loads(line) for line in lines]
    for number, line in enumerate(lines):
        assert (number + 1, before) == (told[number]["number"], told[number]["before"])
        before = f"sha256:{hashlib.sha256(line).hexdigest()}"
    mine = [each for each in told if each.get("job") == job["deploy_job_id"]]
    assert ("asked", "ended") == (mine[0]["what"], mine[-1]["what"]), mine
    assert (job["status"], job["error"]) == (mine[-1]["status"], mine[-1].get("error")), mine
    ended = {each["phase"]: each for each in mine if each["what"] == "phase"}
    for phase in job["phases"]:
        known = ended.get(phase["phase"], {"status": "pending"})
        assert (phase["status"], phase["error"]) == (known["status"], known.get("error")), mine
        assert "running" != phase["status"], job


def _agreed(deployer: Deployer, shop: Shop, release: str, limit: float = 120) -> None:
    """Truth and word: the deployer says of every host that this release runs, and well."""
    end = time.monotonic() + limit
    while True:
        found = deployer.services(shop)
        said = {(row["host"], row["digest"].removeprefix("sha256:")[:16], row["healthy"]) for row in found}
        if {(host, release, True) for host in deployer.hosts} == said:
            return
        assert time.monotonic() < end, (release, found)
        time.sleep(0.5)


def _left(host: Machine, shop: Shop, release: str) -> list[str]:
    """What is there of the service besides its proxy, the one that serves, and releases that are whole."""
    return list(_wrong(host.out("sh", "-c", _LOOK, "sh", shop.name).splitlines(), shop, release))


def _wrong(lines: list[str], shop: Shop, release: str) -> Iterator[str]:
    good = f"runs {shop.name}-{release}" if shop.method == "docker" else f"runs {shop.name}@{release}.service"
    yield from (line for line in lines if line != good)
    if good not in lines:
        yield f"does not run: {release}"


@contextlib.contextmanager
def grounds(folder: Path, kept: Path, count: int) -> Iterator[Ground]:
    """Hosts with systemd, sshd, Python, and a Docker Engine that has Python as an image. `kept` is as in `fleet`."""
    go_program(TENDER, folder / "tender")
    (layer,) = tiny(kept, "amd64", "python3").layers
    (folder / "python.tar.gz").write_bytes(layer)
    with fleet(folder, kept, count, docker=True, python=True, disk=_DISK) as made:
        for host in made.hosts.values():
            based(host, folder / "python.tar.gz")
        ground = Ground(folder, made, folder / "tender")
        try:
            yield ground
        finally:
            ground.end()
