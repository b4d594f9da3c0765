"""A service as the service manager of one machine has it."""

import shlex
from dataclasses import dataclass

from shipways.model.service import LINUX, MACOS, Place


@dataclass(frozen=True, slots=True, kw_only=True)
class Machine:
    """A machine, and who works on it. `system` is linux or darwin, `arch` x86_64 or aarch64."""

    system: str
    arch: str
    home: str
    uid: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Scope:
    """For whom services are installed: the whole machine, or its user alone; with programs of this folder."""

    system: bool
    programs: str
    profile: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Caller:
    """How a unit calls shipways: its program, the folder of the project, and the profile of its values."""

    program: str
    folder: str
    profile: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Text:
    """A file of an installed service, by its absolute path."""

    path: str
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Folder:
    """A folder that has to be there before the service starts, and whose it is; nobody: who installs."""

    path: str
    owner: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Daemon:
    """One service, for one service manager and one scope.

    `units` are what the manager starts, the service itself first; `programs` and `folders` have to be there before.
    `log` is where its log is: a namespace of the journal, or a file; empty for the journal of the user.
    """

    service: str
    units: tuple[str, ...]
    texts: tuple[Text, ...]
    programs: tuple[str, ...]
    folders: tuple[Folder, ...] = ()
    log: str = ""


def place(machine: Machine, *, system: bool, programs: str) -> Place:
    """Where services lie on a machine: on the whole of it, or in the home of a user."""
    if system:
        mine = MACOS if machine.system == "darwin" else LINUX
        return Place(programs=programs, data=mine.data, files=mine.files)
    if machine.system == "darwin":
        support = f"{machine.home}/Library/Application Support/{{service}}"
        return Place(programs=programs, data=support, files=support)
    return Place(
        programs=programs,
        data=f"{machine.home}/.local/state/{{service}}",
        files=f"{machine.home}/.config/{{service}}",
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Command:
    """A command of a service manager, to be run elsewhere.

    `fine` are exit statuses that are no failure; after one in `again` it is tried once more, for a while.
    """

    argv: tuple[str, ...]
    fine: frozenset[int] = frozenset({0})
    again: frozenset[int] = frozenset()

    def __str__(self) -> str:
        return shlex.join(self.argv)


@dataclass(frozen=True, slots=True, kw_only=True)
class State:
    """What a service manager says of a service. `known` is whether it has it, `stale` whether it has read old files.

    `enabled`: it starts with the machine, or the login; `words` are the manager's own; `pid` is 0 where nothing runs.
    `up`: something of it runs, or is started by the next connection or in a while.
    """

    known: bool
    enabled: bool
    active: bool
    stale: bool
    words: str
    pid: int
    up: bool
