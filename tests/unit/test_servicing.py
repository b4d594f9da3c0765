"""Services of a machine: what there is to do, by each service manager, and doing it once.

The answers of launchctl are a transcript, not a Mac: what it prints and ends with is what its manual and users tell.
"""

from functools import partial
from pathlib import Path

import anyio
import pytest

from shipways.adapters.files import DiskFiles
from shipways.deploy.managers import Launchd, Manager, Systemd
from shipways.errors import Conflict, PreflightError, Unfinished
from shipways.model.daemon import Daemon, Folder, State, Text
from shipways.ports import Completed
from shipways.run.installing import Receipts
from shipways.run.servicing import Keeper, Work
from shipways.testing.console import ManualClock
from shipways.testing.process import ScriptedProcess

PRINTED = """gui/501/com.p.app = {
	active count = 1
	path = /Users/ada/Library/LaunchAgents/com.p.app.plist
	type = LaunchAgent
	state = running

	program = /usr/local/bin/app
	arguments = {
		/usr/local/bin/app
	}
	runs = 1
	pid = 4242
	immediate reason = speculative
}
"""


class Launchctl:
    """A machine's launchctl, as far as its transcript goes. `slow`: how often it ends with 5 before a job is gone."""

    def __init__(self) -> None:
        self.loaded = False
        self.slow = 0

    def __call__(self, argv: tuple[str, ...]) -> Completed | None:
        match argv[1:]:
            case ("print", _) if not self.loaded:
                return Completed(code=113, stdout="", stderr='Could not find service "com.p.app" in domain')
            case ("print", _):
                return Completed(code=0, stdout=PRINTED, stderr="")
            case ("bootstrap", *_) if self.slow or self.loaded:
                self.slow -= 1
                return Completed(code=5, stdout="", stderr="Bootstrap failed: 5: Input/output error")
            case (("bootstrap" | "bootout") as verb, *_):
                self.loaded = verb == "bootstrap"
        return None


class Desk:
    """A keeper with its fakes, and files on the disk of the test."""

    def __init__(self, root: Path, manager: Manager, process: ScriptedProcess) -> None:
        self.root, self.process = root, process
        self.receipts = Receipts(DiskFiles(), root / "receipts")
        self.keeper = Keeper(manager, DiskFiles(), process, ManualClock(), self.receipts)

    def daemon(self, text: str = "one\n", name: str = "com.p.app.plist") -> Daemon:
        return Daemon(
            service="app",
            units=(name.removesuffix(".plist"),),
            texts=(Text(path=str(self.root / name), text=text),),
            programs=(str(self.root / "app"),),
            folders=(Folder(path=str(self.root / "log"), owner="_app"),),
            log="app.log",
        )

    def install(self, daemon: Daemon, *, force: bool = False) -> Work:
        work = anyio.run(partial(self.keeper.installing, daemon, force=force))
        self.process.ran.clear()
        anyio.run(self.keeper.carry_out, work)
        return work

    def uninstall(self, daemon: Daemon, *, force: bool = False) -> Work:
        work = anyio.run(partial(self.keeper.uninstalling, daemon, force=force))
        self.process.ran.clear()
        anyio.run(self.keeper.carry_out, work)
        return work


@pytest.fixture
def launchctl() -> Launchctl:
    return Launchctl()


@pytest.fixture
def mac(tmp_path: Path, launchctl: Launchctl) -> Desk:
    return Desk(tmp_path, Launchd(domain="gui/501"), ScriptedProcess(launchctl))


def test_launchd_installs_once(mac: Desk) -> None:
    """S0-15, S0-17, S0-18: the log's folder is made, then the job is enabled and loaded; the second time nothing is."""
    daemon = mac.daemon()
    mac.install(daemon)
    path, log = f"{mac.root}/com.p.app.plist", f"{mac.root}/log"
    assert [
        ("install", "-d", "-m", "0750", "-o", "_app", log),
        ("launchctl", "enable", "gui/501/com.p.app"),
        ("launchctl", "bootstrap", "gui/501", path),
    ] == mac.process.ran
    Path(log).mkdir()
    assert () == mac.install(daemon).told
    assert "one\n" == Path(path).read_text()


def test_launchd_loads_a_changed_list_anew(mac: Desk, launchctl: Launchctl) -> None:
    """A changed property list is unloaded and loaded; launchd may take its time, and is asked again."""
    mac.install(mac.daemon())
    launchctl.slow = 2
    mac.install(mac.daemon("two\n"))
    verbs = [argv[1] for argv in mac.process.ran if argv[0] == "launchctl"]
    assert ["bootout", "enable", "bootstrap", "bootstrap", "bootstrap"] == verbs


def test_launchd_uninstalls_once(mac: Desk) -> None:
    """S0-12: the job is unloaded, its file and what was remembered of it are gone; the second time nothing is done."""
    daemon = mac.daemon()
    mac.install(daemon)
    mac.uninstall(daemon)
    assert [("launchctl", "bootout", "gui/501/com.p.app")] == mac.process.ran
    assert [] == [path for path in mac.root.rglob("*") if path.is_file()]
    assert () == mac.uninstall(daemon).told


def test_launchd_that_never_loads(mac: Desk, launchctl: Launchctl) -> None:
    """A job that cannot be loaded is an error with the words of launchctl, after a while."""
    launchctl.slow = 1000
    with pytest.raises(Unfinished, match="Bootstrap failed: 5"):
        mac.install(mac.daemon())


def test_launchd_control(mac: Desk, launchctl: Launchctl) -> None:
    """A stop unloads the job, which would be started again otherwise; a start loads it; a restart kills it."""
    daemon = mac.daemon()

    def commands(what: str) -> list[str]:
        work = anyio.run(mac.keeper.controlling, daemon, what)
        return [command.argv[1] for command in work.before]

    assert [["enable", "bootstrap"], [], ["enable", "bootstrap"]] == [commands(w) for w in ("start", "stop", "restart")]
    launchctl.loaded = True
    assert [["kickstart"], ["bootout"]] == [commands(what) for what in ("start", "stop")]
    work = anyio.run(mac.keeper.controlling, daemon, "restart")
    assert ("launchctl", "kickstart", "-k", "gui/501/com.p.app") == work.before[0].argv


def test_launchd_state() -> None:
    """What `launchctl print` tells people is read as far as it is needed."""
    state = Launchd(domain="gui/501").told(0, PRINTED)
    assert State(known=True, enabled=True, active=True, stale=False, words="running", pid=4242, up=True) == state
    assert not Launchd(domain="system").told(113, "").known


def test_edit_by_hand(mac: Desk) -> None:
    """S0-12: an edit stays while nothing new would be written; else it is a conflict with the difference, or forced."""
    path = mac.root / "com.p.app.plist"
    mac.install(mac.daemon())
    path.write_text("mine\n")
    assert [str(path)] == [change.path for change in mac.install(mac.daemon()).kept]
    with pytest.raises(Conflict, match=r"-mine\n\+two"):
        mac.install(mac.daemon("two\n"))
    with pytest.raises(Conflict, match="was edited by hand"):
        mac.uninstall(mac.daemon())
    assert "mine\n" == path.read_text()
    mac.install(mac.daemon("two\n"), force=True)
    assert "two\n" == path.read_text()


def test_file_of_somebody_else(mac: Desk) -> None:
    """A file that nobody remembers to have installed is somebody else's, unless it says the same."""
    path = mac.root / "com.p.app.plist"
    path.write_text("other\n")
    with pytest.raises(Conflict):
        mac.install(mac.daemon())
    path.write_text("one\n")
    mac.install(mac.daemon())


def test_file_that_is_not_wanted_any_more(mac: Desk) -> None:
    """What was installed before and is not wanted any more goes."""
    mac.install(mac.daemon(name="old.plist"))
    mac.install(mac.daemon())
    assert not (mac.root / "old.plist").exists()


def shown(**properties: str) -> Completed:
    told = {"LoadState": "loaded", "ActiveState": "active", "SubState": "running", "UnitFileState": "enabled"}
    lines = "".join(f"{name}={value}\n" for name, value in (told | properties).items())
    return Completed(code=0, stdout=lines, stderr="")


def test_systemd_begins_what_has_failed(tmp_path: Path) -> None:
    """A service that has failed too often is started again: systemd refuses it until it forgets."""
    process = ScriptedProcess(lambda argv: shown(ActiveState="failed", MainPID="0") if "show" in argv else None)
    desk = Desk(tmp_path, Systemd(user=True), process)
    work = anyio.run(desk.keeper.controlling, desk.daemon(name="app.service"), "start")
    assert [
        ("systemctl", "--user", "reset-failed", "--", "app.service"),
        ("systemctl", "--user", "start", "--", "app.service"),
    ] == [command.argv for command in work.before]


def test_systemd_restarts_only_for_what_is_read(tmp_path: Path) -> None:
    """A change of how logs are rotated restarts nothing; one of a config file does."""
    manager, daemon = Systemd(user=False), Desk(tmp_path, Systemd(user=False), ScriptedProcess(lambda _: None)).daemon()
    state = manager.told(0, shown().stdout)
    assert () == manager.begin(daemon, state, ["/etc/logrotate.d/app"])
    (restart,) = manager.begin(daemon, state, ["/etc/app/config.json"])
    assert "restart" in restart.argv


def test_systemd_that_is_not_there(tmp_path: Path) -> None:
    """Without a service manager of the user it is said how to get one."""
    answer = Completed(code=1, stdout="", stderr="Failed to connect to bus")
    desk = Desk(tmp_path, Systemd(user=True), ScriptedProcess(lambda _: answer))
    with pytest.raises(PreflightError, match="enable-linger"):
        anyio.run(desk.keeper.state, desk.daemon())


def test_program_that_is_not_there(mac: Desk) -> None:
    """The programs of a service are looked for first."""
    assert [str(mac.root / "app")] == [problem.path for problem in mac.keeper.absent(mac.daemon())]
    (mac.root / "app").touch()
    assert [] == list(mac.keeper.absent(mac.daemon()))
