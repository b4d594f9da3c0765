"""What goes wrong in the middle of a deployment: each fault by its number in the list of practice, and how it ends."""

import json
import signal
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import httpx

from machines import Machine
from served import PORTS, Deployer, name

PHASES = ("Validation", "Transfer", "Build", "Start Service", "Verify Health")
METHODS = ("systemd", "docker")
BAD = {
    "F12 wrong status": "wrong status",
    "F12 wrong body": "wrong body",
    "F12 redirect": "elsewhere",
    "F12 hangs": "hangs",
    "F12 answer without end": "endless",
    "F12 listens too late": "comes late",
    "F13 ends at once": "ends at once",
    "F13 ends soon": "ends soon",
}
"""Releases that are never healthy."""


@dataclass(frozen=True)
class Ground:
    """The service, its hosts, and the one of them that faults are about."""

    deployer: Deployer
    hosts: tuple[tuple[str, Machine], ...]

    @property
    def victim(self) -> tuple[str, Machine]:
        """The second of three: what was done on the first has to return."""
        return self.hosts[1]


Act = Callable[[Ground], None]


def killed(ground: Ground) -> None:
    """The service dies at once, and is started again."""
    ground.deployer.end(signal.SIGKILL)
    ground.deployer.start()


def stopped(ground: Ground) -> None:
    """The service is asked to end, as a new version of it is (F31), and is started again."""
    ground.deployer.end(signal.SIGTERM)
    ground.deployer.start()


def hung_up(ground: Ground) -> None:
    """Every session of SSH dies with what runs in it."""
    ground.victim[1].run("pkill", "-KILL", "-f", "^sshd: root")


def cut(ground: Ground) -> None:
    """Nothing passes for two seconds."""
    _, host = ground.victim
    host.out("ip", "link", "set", "eth0", "down")
    time.sleep(2)
    host.out("ip", "link", "set", "eth0", "up")


def engine_ended(ground: Ground) -> None:
    """The Docker Engine is killed; systemd starts it again."""
    ground.victim[1].run("systemctl", "kill", "--signal=KILL", "docker.service")


def paused(ground: Ground) -> None:
    """Who holds the lock stands still for a while, and goes on."""
    host = ground.victim[1]
    host.run("pkill", "-STOP", "-x", "tender")
    time.sleep(2)
    host.run("pkill", "-CONT", "-x", "tender")


def full(ground: Ground) -> None:
    """No byte more goes onto the disk of the releases; `cured` gives it back."""
    ground.victim[1].run("sh", "-c", "cat /dev/zero >/opt/services/ballast 2>/dev/null")


def cured(ground: Ground) -> None:
    """What a fault has left is taken away, as somebody does who has seen the error."""
    for _, host in ground.hosts:
        host.run("rm", "-f", "/opt/services/ballast")
        host.run("ip", "link", "set", "eth0", "up")


INJECTED: dict[str, tuple[Act, tuple[str, ...], tuple[str, ...]]] = {
    "F1 kill -9": (killed, PHASES, METHODS),
    "F2 sessions killed": (hung_up, PHASES, METHODS),
    "F3 SIGTERM": (stopped, PHASES, METHODS),
    "F5 engine killed": (engine_ended, PHASES[1:], ("docker",)),
    "F7 link cut": (cut, PHASES, METHODS),
    "F8 disk full": (full, PHASES[:3], METHODS),
    "F16 holder paused": (paused, PHASES[1:], METHODS),
}
"""The fault, the phases in which it happens, and for which methods; others are not possible (F5: no engine there)."""


def cells() -> Iterator[tuple[str, str, str]]:
    """The fault, the phase, the method."""
    for method in METHODS:
        for fault in BAD:
            yield fault, "Verify Health", method
        for fault, (_, phases, methods) in INJECTED.items():
            for phase in phases if method in methods else ():
                yield fault, phase, method


def serving(ground: Ground, method: str, limit: float = 20) -> set[str]:
    """The versions that the public port of each host tells, once it tells one."""
    return {_version(f"{address}:{PORTS[method]}", limit) for address, _ in ground.hosts}


def _version(address: str, limit: float) -> str:
    end, why = time.monotonic() + limit, ""
    while time.monotonic() < end:
        try:
            return str(httpx.get(f"http://{address}/version", trust_env=False, timeout=5).json()["version"])
        except (httpx.TransportError, json.JSONDecodeError, KeyError) as error:
            why = repr(error)
        time.sleep(0.1)
    raise AssertionError(f"{address} tells no version: {why}")


def orphans(host: Machine, method: str) -> list[str]:
    """What is there of the service besides its proxy, one instance, and releases that are whole."""
    units = host.run("systemctl", "list-units", "--all", "--plain", "--no-legend", f"{name(method)}@*.service").out
    running = [line.split()[0] for line in units.splitlines()]
    if method == "docker":
        running = host.run("docker", "ps", "--all", "--format", "{{.Names}}").out.split()
    found = [f"runs besides: {running}"] if len(running) != 1 else []
    folders = host.run("ls", "-A", f"/opt/services/{name(method)}/releases").out.split()
    found += [f"half a release: {each}" for each in folders if host.run(*_whole(method, each)).code]
    free = host.run(
        *("/opt/services/bin/tender", "lock", "--file", f"/opt/services/{name(method)}/lock"),
        *("--holder", "test", "--wait", "0s"),
    )
    return found if free.code != 75 else [*found, f"locked: {free.out}{free.err}"]


def _whole(method: str, release: str) -> tuple[str, ...]:
    return ("test", "-s", f"/opt/services/{name(method)}/releases/{release}/release.json")
