"""The public port of a service on a host: how `tender proxy` is kept there, and what it is told."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from moored import ALONE, Ground, ashore
from shipways.ports import Completed
from shipways.testing.host import MemoryHost

UNITS = "/etc/systemd/system"
SOCKET, SERVICE = "beat-proxy.socket", "beat-proxy.service"


@pytest.fixture
def one(tmp_path: Path) -> Ground:
    """One host alone, where a release serves."""
    ground = ashore(tmp_path, ALONE)
    ground.deployed("one")
    return ground


def changed(ground: Ground) -> list[tuple[str, ...]]:
    """What systemd is told about the public port by the next deployment, besides to start what runs already."""
    right = {name: ground.host.files.get(f"{UNITS}/{name}") for name in (SOCKET, SERVICE)}
    ground.host.log.clear()
    ground.deployed("two")
    assert all(right.values())
    told = [words for words in ground.host.log if words[0] == "systemctl" and {SOCKET, SERVICE} & {*words}]
    return [words for words in told if words[1] not in {"is-active", "start", "enable"}]


def test_as_it_stands(one: Ground) -> None:
    """A port that is held as it should be is left alone."""
    assert [] == changed(one)


def test_another_service(one: Ground) -> None:
    """F6: a service that is another than it should be is started anew, and the socket stays open meanwhile."""
    right = one.host.files[f"{UNITS}/{SERVICE}"]
    one.host.files[f"{UNITS}/{SERVICE}"] = b"edited"
    assert [("systemctl", "restart", "--", SERVICE)] == changed(one)
    assert right == one.host.files[f"{UNITS}/{SERVICE}"]
    at = one.host.log.index(("systemctl", "restart", "--", SERVICE))
    assert ("systemctl", "daemon-reload") in one.host.log[:at]


def test_another_socket(one: Ground) -> None:
    """A port that is another one is closed and opened by one command."""
    one.config = ALONE.replace("port = 8123", "port = 8125")
    assert [("systemctl", "restart", "--", SOCKET, SERVICE)] == changed(one)
    assert b"ListenStream=127.0.0.1:8125\n" in one.host.files[f"{UNITS}/{SOCKET}"]


class Aged(MemoryHost):
    """Its proxy is always that of an older tender."""

    async def run(self, argv: Sequence[str], stdin: bytes = b"") -> Completed:
        """As it is, but for that question."""
        done = await super().run(argv, stdin)
        return replace(done, code=1) if any("/proc/$1/exe" in word for word in argv) else done


@pytest.mark.parametrize("drain", ["30s", "1500ms", "10m"])
def test_drain(tmp_path: Path, drain: str) -> None:
    """What is under way has the time of the config: after a turn, a pause, a newer tender.

    Not when systemd ends the proxy: what comes waits meanwhile, and not for minutes.
    """
    recreate = ALONE.replace("port = 8123", 'port = 8123\nstrategy = "recreate"')
    one = ashore(tmp_path, f'{recreate}ssh.drain = "{drain}"\n')
    one.hosts["a"] = host = Aged()
    for text in ("one", "two"):
        one.deployed(text)
    orders = [words for words in host.log if words[1:2] == ("proxy",) and words[2] != "status"]
    assert {"switch", "pause", "upgrade"} == {words[2] for words in orders}
    assert {drain} == {words[words.index("--drain") + 1] for words in orders}
    assert b"--drain" not in host.files[f"{UNITS}/{SERVICE}"]
