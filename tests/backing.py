"""A service whose data is backed up, with a service manager that only remembers what it was told."""

import hashlib
import json
import stat
from dataclasses import dataclass, field, replace
from pathlib import Path

import anyio

from deploying import HEAD
from shipways.adapters.files import DiskFiles
from shipways.adapters.vault import DiskVault
from shipways.config.load import parse
from shipways.deploy.managers import Systemd
from shipways.deploy.services import services
from shipways.model.daemon import Daemon
from shipways.model.service import Place
from shipways.outside.vaults import Vault
from shipways.ports import Completed, Process
from shipways.run.backing import Backups, Made
from shipways.run.installing import Receipts
from shipways.run.pausing import Charge, Kept, Pauses
from shipways.run.restoring import Restored, Restorer
from shipways.run.servicing import Keeper
from shipways.testing.console import ManualClock
from shipways.testing.process import ScriptedProcess

SHOP = '[service.shop]\nimage = "shop"\ndata = { main = "/data" }\n'


@dataclass
class Manager:
    """systemd as far as backups need it. It does not start what `refuses` says."""

    runs: bool = True
    refuses: int = 0
    told: list[str] = field(default_factory=list)

    def __call__(self, argv: tuple[str, ...]) -> Completed | None:
        verb = argv[2]
        if verb == "show":
            state = "active" if self.runs else "inactive"
            said = f"Id=shop.service\nLoadState=loaded\nActiveState={state}\nUnitFileState=enabled\nMainPID=7\n"
            return Completed(code=0, stdout=said, stderr="")
        self.told.append(verb)
        if verb == "start" and self.refuses:
            self.refuses -= 1
            return Completed(code=1, stdout="", stderr="Job for shop.service failed")
        self.runs = verb == "start"
        return None


@dataclass
class Desk:
    """One service below a folder, and everything that is done with its data."""

    root: Path
    text: str = SHOP
    volumes: tuple[str, ...] = ("/data",)
    manager: Manager = field(default_factory=Manager)
    clock: ManualClock = field(default_factory=lambda: ManualClock(1_800_000_000))
    vault: Vault = field(default_factory=DiskVault)
    process: Process | None = None

    @property
    def data(self) -> Path:
        """Its data directory."""
        return self.root / "var" / "main"

    @property
    def charge(self) -> Charge:
        """The service."""
        place = Place(programs="/usr/local/bin", data=str(self.root / "var"), files=str(self.root / "etc"))
        head = HEAD.replace('["/data"]', json.dumps(self.volumes))
        config = parse(head + self.text, "shipways.toml")
        (service,) = services(config, place)
        folders = {each.name: Path(each.path) for each in service.data}
        return Charge(project=config.project.name, service=service, folders=folders)

    def back_up(self, to: Path | None = None) -> Made:
        """Take a backup, a second later than the one before."""
        self.clock.advance(1)
        process = self.process or ScriptedProcess(lambda _: None)
        backups = Backups(pauses=self._pauses(), vault=self.vault, process=process, clock=self.clock)
        return anyio.run(backups.take, self.charge, to or self.root / "backups")

    def restore(self, archive: Path, *, force: bool = True) -> Restored:
        """Restore one."""
        self.clock.advance(1)
        restorer = Restorer(pauses=self._pauses(), vault=self.vault, clock=self.clock)
        return anyio.run(lambda: restorer.restore(self.charge, archive, force=force))

    def _pauses(self) -> Pauses:
        process = ScriptedProcess(self.manager)
        receipts = Receipts(DiskFiles(), self.root / "receipts")
        keeper = Keeper(Systemd(user=True), DiskFiles(), process, self.clock, receipts)
        daemon = Daemon(service="shop", units=("shop.service",), texts=(), programs=())
        return Pauses(Kept(keeper=keeper, daemon=daemon), self.vault, self.root / "state")

    def other(self, **changes: object) -> "Desk":
        """The same folder, with something else about it."""
        return replace(self, **changes)  # type: ignore[arg-type]


def seen(folder: Path) -> dict[str, tuple[object, ...]]:
    """Everything in a folder, itself too: kind, mode, owner, time, and digest or target."""
    return {str(path.relative_to(folder)): _seen(path) for path in (folder, *folder.rglob("*"))}


def names(folder: Path) -> set[str]:
    """What is in a folder."""
    return {path.name for path in folder.iterdir()}


def _seen(path: Path) -> tuple[object, ...]:
    info = path.lstat()
    if path.is_symlink():
        return "link", info.st_uid, info.st_gid, info.st_mtime_ns, path.readlink()
    content = path.read_bytes() if path.is_file() else b""
    mode = stat.filemode(info.st_mode)
    return mode, info.st_uid, info.st_gid, info.st_mtime_ns, hashlib.sha256(content).hexdigest()
