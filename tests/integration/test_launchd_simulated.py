"""The rendered property list under a simulation of launchd (tests/launching.py), with the real aisopod and tender."""

import os
import plistlib
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import anyio
import pytest

import launching
from aisopods import PROJECT
from shipways.adapters.files import DiskFiles
from shipways.adapters.shell import OsClock
from shipways.config.load import parse
from shipways.deploy import launchd
from shipways.deploy.managers import Launchd
from shipways.deploy.services import services
from shipways.model.daemon import Daemon, Machine, Text, place
from shipways.run.installing import Receipts
from shipways.run.servicing import Keeper
from support import free_port, need

pytestmark = [
    pytest.mark.integration,
    pytest.mark.long,
    pytest.mark.skipif(sys.platform != "linux", reason="it looks for processes in /proc"),
]
TENDER = Path(__file__).parent.parent.parent / "ci" / "tender"
PACE = 0.1
"""A second of launchd's throttle, in seconds."""


@dataclass
class Mac:
    """A home on a Mac that there is not, with the agent of aisopod."""

    home: Path
    daemon: Daemon
    simulated: launching.Launchd
    keeper: Keeper
    port: int

    @property
    def job(self) -> launching.Job:
        """The job, once it is loaded."""
        return self.simulated.jobs[f"gui/501/{self.daemon.units[0]}"]

    def install(self) -> None:
        """As `shipways service install` does."""
        work = anyio.run(partial(self.keeper.installing, self.daemon, force=False))
        anyio.run(self.keeper.carry_out, work)

    def uninstall(self) -> None:
        """As `shipways service uninstall` does."""
        work = anyio.run(partial(self.keeper.uninstalling, self.daemon, force=False))
        anyio.run(self.keeper.carry_out, work)

    def healthy(self) -> int:
        """The process of the program, once it answers."""
        words = (str(self.home / "bin" / "tender"), "probe", f"http://127.0.0.1:{self.port}/health")
        until(lambda: subprocess.run(words, capture_output=True, check=False).returncode == 0)
        assert self.job.process
        (program,) = launching.children(self.job.process.pid)
        return program


def until(true: Callable[[], bool]) -> None:
    """Wait for it."""
    deadline = time.monotonic() + 15
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.02)


@pytest.fixture(scope="module")
def programs(aisopod_program: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """aisopod, and tender beside it."""
    need("go")
    folder = tmp_path_factory.mktemp("programs")
    shutil.copy(aisopod_program, folder / "aisopod")
    subprocess.run(("go", "build", "-o", str(folder / "tender"), "."), cwd=TENDER, check=True)
    return folder


@pytest.fixture
def mac(programs: Path, tmp_path: Path) -> Iterator[Mac]:
    """Nothing is installed yet."""
    home, port = tmp_path / "Users" / "ada lovelace", free_port()
    shutil.copytree(programs, home / "bin")
    text = (PROJECT / "shipways.toml").read_text().replace("18789", str(port))
    config = parse(text.replace("socket = true", ""), "shipways.toml")
    machine = Machine(system="darwin", arch="aarch64", home=str(home), uid=501)
    (service,) = services(config, place(machine, system=False, programs=str(home / "bin")))
    made = launchd.daemon(service, launchd.label_of(config, service), str(home))
    file = Text(path=f"{service.files[0].path}/aisopod.json", text='{"logging": {"level": "debug"}}\n')
    simulated = launching.Launchd("gui/501", PACE)
    receipts = Receipts(DiskFiles(), home / "receipts")
    keeper = Keeper(Launchd(domain="gui/501"), DiskFiles(), simulated, OsClock(), receipts)
    yield Mac(home, replace(made, texts=(*made.texts, file)), simulated, keeper, port)
    simulated.close()


def test_starts_at_login_with_its_log(mac: Mac) -> None:
    """S1-04: loaded, it runs at once, for its user alone; what it says is in its log."""
    mac.install()
    mac.healthy()
    log = Path(mac.daemon.log)
    assert log.is_relative_to(mac.home / "Library" / "Logs")
    assert f"listening address=0.0.0.0:{mac.port}" in log.read_text()
    state = anyio.run(mac.keeper.state, mac.daemon)
    assert (True, True) == (state.active, state.enabled)


def test_without_the_folder_of_its_log(mac: Mac) -> None:
    """launchd does not make that folder: without it the job cannot start, which is why the installation does."""
    mac.install()
    mac.healthy()
    keys = plistlib.loads(Path(mac.daemon.texts[0].path).read_bytes())
    job = launching.Job({**keys, "StandardOutPath": str(mac.home / "nowhere" / "log"), "KeepAlive": False}, PACE)
    until(lambda: bool(job.ended))
    assert [78] == job.ended


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGABRT])
def test_a_crash_is_started_again(mac: Mac, number: int) -> None:
    """S1-04: the program, or tender above it, crashes: another one runs, not sooner than ThrottleInterval lets it."""
    mac.install()
    os.kill(mac.healthy(), number)
    until(lambda: len(mac.job.begun) == 2)
    mac.healthy()
    assert mac.job.begun[1] - mac.job.begun[0] >= 10 * PACE
    assert mac.job.process
    (child,) = launching.children(mac.job.process.pid)
    os.kill(mac.job.process.pid, number)
    os.kill(child, signal.SIGKILL)  # without a parent it would hold the port
    until(lambda: len(mac.job.begun) == 3)
    mac.healthy()


def test_an_end_as_asked_is_not(mac: Mac) -> None:
    """S1-04: a program that ends with 0 is not started again."""
    mac.install()
    os.kill(mac.healthy(), signal.SIGTERM)
    until(lambda: mac.job.ended == [0])
    time.sleep(10 * PACE + 0.3)
    assert 1 == len(mac.job.begun)


def test_a_bad_config_is_tried_slowly(mac: Mac) -> None:
    """launchd knows no status that is not worth another try: the throttle is what bounds it."""
    mac.install()
    mac.healthy()
    mac.uninstall()
    bad = replace(mac.daemon, texts=(*mac.daemon.texts[:-1], replace(mac.daemon.texts[-1], text="{")))
    replace(mac, daemon=bad).install()
    until(lambda: len(mac.job.begun) == 3)
    assert {78} == set(mac.job.ended)
    assert mac.job.begun[2] - mac.job.begun[0] >= 20 * PACE


def test_uninstalled(mac: Mac) -> None:
    """S1-04: unloaded, it ends as asked, is not started again, and its file is gone."""
    mac.install()
    mac.healthy()
    job = mac.job
    mac.uninstall()
    assert job.process
    assert job.process.poll() is not None
    assert {} == mac.simulated.jobs
    assert not list(mac.home.rglob("*.plist"))
