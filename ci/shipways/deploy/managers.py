"""The service managers of machines: what they are told, as values; nothing is run here."""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Final, Literal, Protocol

from shipways.model.daemon import Command, Daemon, State

Control = Literal["start", "stop", "restart"]
_PROPERTIES: Final = "Id,LoadState,ActiveState,SubState,UnitFileState,NeedDaemonReload,MainPID"
_BESIDE: Final = ("/journald@", "/logrotate.d/", "sysusers.d/", "tmpfiles.d/", "-backup.")
"""Files that the service itself does not start from."""
_PREPARING: Final = {"sysusers.d/": ("systemd-sysusers",), "tmpfiles.d/": ("systemd-tmpfiles", "--create")}
_JOURNAL: Final = (("", "socket"), ("-varlink", "socket"), ("", "service"))
"""The units of a journal with a namespace."""
_ANEW: Final = frozenset({"restart", "bootstrap"})
"""Words of the commands after which a service runs from what is there now."""
_ABSENT: Final = 113
"""What launchctl ends with when it does not know a job ("Could not find service")."""
_ENDING: Final = frozenset({5, 36, 37})
"""… and while one still ends: an input/output error, in progress, already in progress."""


class Manager(Protocol):
    """Tells what to run; everything it needs to know is given."""

    @property
    def program(self) -> str:
        """What has to be on PATH."""
        ...

    def ask(self, daemon: Daemon) -> Command:
        """How the service is."""
        ...

    def told(self, status: int, text: str) -> State:
        """What the answer means."""
        ...

    def begin(self, daemon: Daemon, state: State, changed: Collection[str]) -> tuple[Command, ...]:
        """Start it, now and always, from files of which these have just been written."""
        ...

    def end(self, daemon: Daemon, state: State) -> tuple[Command, ...]:
        """Stop it, and start it never more; its files are still there."""
        ...

    def forget(self, daemon: Daemon) -> tuple[Command, ...]:
        """Once its files are gone."""
        ...

    def control(self, daemon: Daemon, state: State, what: Control) -> tuple[Command, ...]:
        """Start, stop or restart it until the machine does, or the user logs in again."""
        ...

    def logs(self, daemon: Daemon, lines: int, *, follow: bool) -> tuple[str, ...]:
        """The command that shows its log."""
        ...


def renewed(manager: Manager, daemon: Daemon, state: State, changed: Collection[str]) -> tuple[Command, ...]:
    """Begin it, from files of which these have been written; one that runs is started anew, once, whatever changed."""
    commands = manager.begin(daemon, state, changed)
    if state.up and all(_ANEW.isdisjoint(command.argv) for command in commands):
        return (*commands, *manager.control(daemon, state, "restart"))
    return commands


@dataclass(frozen=True, slots=True, kw_only=True)
class Systemd:
    """systemd: the one of the machine, or of a user. Unless it may `block`, nobody waits until a service is up."""

    user: bool
    block: bool = True
    program: str = "systemctl"

    def ask(self, daemon: Daemon) -> Command:
        """Properties of each unit."""
        return self._systemctl("show", f"--property={_PROPERTIES}", "--", *daemon.units)

    def told(self, status: int, text: str) -> State:
        """A block of properties for each unit, the service first. A unit without a file is as good as disabled."""
        blocks = [_properties(block) for block in text.strip().split("\n\n")] if status == 0 else []
        service: Mapping[str, str] = blocks[0] if blocks else {}
        return State(
            known=any(block.get("LoadState") not in {None, "not-found"} for block in blocks),
            enabled=bool(blocks) and all(block.get("UnitFileState") == "enabled" for block in blocks),
            active=bool(blocks) and all(block.get("ActiveState") == "active" for block in blocks),
            stale=any(block.get("NeedDaemonReload") == "yes" for block in blocks),
            words=f"{service.get('ActiveState', 'unknown')} ({service.get('SubState', '')})",
            pid=int(service.get("MainPID") or 0),
            up=any(
                block.get("ActiveState") not in {None, "inactive", "failed"}
                for block in blocks
                if not block.get("Id", "").endswith(".timer")  # that of its backups, which starts nothing of it
            ),
        )

    def begin(self, daemon: Daemon, state: State, changed: Collection[str]) -> tuple[Command, ...]:
        """Accounts and folders first, since units name them. A socket cannot change below a service that runs."""
        units = [unit for unit in daemon.units if any(path.endswith(f"/{unit}") for path in changed)]
        commands = list(_prepared(changed))
        if units or state.stale:
            commands.append(self._systemctl("daemon-reload"))
        if not state.enabled:
            commands.append(self._systemctl("enable", "--", *daemon.units))
        if any("/journald@" in path for path in changed):
            commands.append(self._systemctl("try-restart", f"systemd-journald@{daemon.log}.service"))
        if any(unit.endswith(".socket") for unit in units) and state.known:
            commands.append(self._systemctl("stop", "--", *daemon.units))
        if not state.active:
            return (*commands, *self.control(daemon, state, "start"))
        read = [path for path in changed if not any(kind in path for kind in _BESIDE)]
        return (*commands, *(self.control(daemon, state, "restart") if read else ()))

    def end(self, daemon: Daemon, state: State) -> tuple[Command, ...]:
        """The journal of its own ends too, and when the timer of its backups was last due is forgotten."""
        if not state.known:
            return ()
        stamps = [self._stamp(each.path) for each in daemon.texts if each.path.endswith(".timer")]
        removed = (Command(argv=("rm", "-f", "--", *stamps)),) if stamps else ()
        return (self._systemctl("disable", "--now", "--", *daemon.units), *removed, *self.silence(daemon))

    def _stamp(self, unit: str) -> str:
        """Where systemd notes when a timer was last due. `systemctl clean` needs a bus, which a user may not have."""
        folder, _, timer = unit.rpartition("/")
        data = f"{folder.removesuffix('/.config/systemd/user')}/.local/share" if self.user else "/var/lib"
        return f"{data}/systemd/timers/stamp-{timer}"

    def silence(self, daemon: Daemon) -> tuple[Command, ...]:
        """End the journal of its own, where it has one."""
        own = [f"systemd-journald{kind}@{daemon.log}.{unit}" for kind, unit in _JOURNAL] if daemon.log else []
        return (self._systemctl("stop", "--", *own),) if own else ()

    def forget(self, daemon: Daemon) -> tuple[Command, ...]:
        """A unit that has failed would be remembered; one that has not makes that command fail."""
        reset = self._systemctl("reset-failed", "--", *daemon.units)
        return (self._systemctl("daemon-reload"), Command(argv=reset.argv, fine=frozenset({0, 1})))

    def control(self, daemon: Daemon, state: State, what: Control) -> tuple[Command, ...]:
        """A restart leaves the socket, so that no connection is lost; a stop does not: the next would start it.

        One that has failed too often is refused until that is forgotten.
        """
        if what == "stop":
            return (self._systemctl("stop", "--", *daemon.units),)
        service, *sockets = daemon.units
        forget = (self._systemctl("reset-failed", "--", service),) if state.words.startswith("failed") else ()
        before = (self._systemctl("start", "--", *sockets),) if sockets else ()
        wait = () if self.block else ("--no-block",)
        return (*forget, *before, self._systemctl(what, *wait, "--", service))

    def logs(self, daemon: Daemon, lines: int, *, follow: bool) -> tuple[str, ...]:
        """Of its own journal, which has what systemd says of it too."""
        place = f"--namespace={daemon.log}" if daemon.log else "--user"
        more = ("--follow",) if follow else ()
        return ("journalctl", place, f"--unit={daemon.units[0]}", f"--lines={lines}", "--no-pager", *more)

    def _systemctl(self, *words: str) -> Command:
        return Command(argv=(self.program, *(("--user",) if self.user else ()), *words))


@dataclass(frozen=True, slots=True, kw_only=True)
class Launchd:
    """launchd, by launchctl's second set of subcommands. `domain` is system, or gui/UID of a user."""

    domain: str
    program: str = "launchctl"

    def ask(self, daemon: Daemon) -> Command:
        """What it prints is for people, but no other subcommand tells more."""
        return Command(argv=(self.program, "print", self._job(daemon)), fine=frozenset({0, _ABSENT}))

    def told(self, status: int, text: str) -> State:
        """A job that is loaded starts again whenever its property list is there."""
        lines = dict(line.strip().split(" = ", 1) for line in text.splitlines() if line.count(" = ") == 1)
        state = lines.get("state", "unknown") if status == 0 else "not loaded"
        pid = lines.get("pid", "")
        return State(
            known=status == 0,
            enabled=status == 0,
            active=state == "running",
            stale=False,
            words=state,
            pid=int(pid) if pid.isdecimal() else 0,
            up=status == 0,
        )

    def begin(self, daemon: Daemon, state: State, changed: Collection[str]) -> tuple[Command, ...]:
        """A property list is read when it is loaded, and RunAtLoad starts it then."""
        if state.known and not changed:
            return () if state.active else self.control(daemon, state, "start")
        return (*self.end(daemon, state), *self._load(daemon))

    def end(self, daemon: Daemon, state: State) -> tuple[Command, ...]:
        """Without waiting, for which launchctl has no option."""
        gone = frozenset({0, 3, 36, _ABSENT})
        return (Command(argv=(self.program, "bootout", self._job(daemon)), fine=gone),) if state.known else ()

    def forget(self, daemon: Daemon) -> tuple[Command, ...]:  # noqa: ARG002 - the port's
        """Nothing is remembered."""
        return ()

    def control(self, daemon: Daemon, state: State, what: Control) -> tuple[Command, ...]:
        """One that is only killed would be started again, so a stop unloads it."""
        if what == "stop":
            return self.end(daemon, state)
        if not state.known:
            return self._load(daemon)
        kill = ("-k",) if what == "restart" else ()
        return (Command(argv=(self.program, "kickstart", *kill, self._job(daemon))),)

    def logs(self, daemon: Daemon, lines: int, *, follow: bool) -> tuple[str, ...]:
        """Of its file, by name, so that it goes on after a rotation."""
        return ("tail", "-n", str(lines), *(("-F",) if follow else ()), daemon.log)

    def _load(self, daemon: Daemon) -> tuple[Command, ...]:
        """Somebody may have disabled it before."""
        return (
            Command(argv=(self.program, "enable", self._job(daemon))),
            Command(argv=(self.program, "bootstrap", self.domain, daemon.texts[0].path), again=_ENDING),
        )

    def _job(self, daemon: Daemon) -> str:
        return f"{self.domain}/{daemon.units[0]}"


def _prepared(changed: Collection[str]) -> Iterator[Command]:
    for kind, words in _PREPARING.items():
        yield from (Command(argv=(*words, path)) for path in changed if kind in path)


def _properties(block: str) -> dict[str, str]:
    return dict(line.split("=", 1) for line in block.splitlines() if "=" in line)
