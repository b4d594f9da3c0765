"""Services of this machine: what there is to do for one, and doing it."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from shipways.deploy.managers import Control, Manager, renewed
from shipways.errors import PreflightError, Problem, Unfinished
from shipways.model.daemon import Command, Daemon, State
from shipways.ports import Clock, Files, Process
from shipways.run.installing import Change, Receipts, apply, changes, digests, settled

_TRIES: Final = 20
"""How often a command is tried of which the manager says that it comes too early, with a second between."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Work:
    """What there is to do for a service: commands, then files, then commands. `kept` are edits by hand that stay."""

    daemon: Daemon
    before: tuple[Command, ...] = ()
    changes: tuple[Change, ...] = ()
    after: tuple[Command, ...] = ()
    kept: tuple[Change, ...] = ()
    installs: bool = True

    @property
    def told(self) -> tuple[str, ...]:
        """A line for each thing, in order."""
        files = (f"{'remove' if each.after is None else 'write'} {each.path}" for each in self.changes)
        return (*map(str, self.before), *files, *map(str, self.after))


class Keeper:
    """Keeps services by one service manager."""

    def __init__(self, manager: Manager, files: Files, process: Process, clock: Clock, receipts: Receipts) -> None:
        self._manager = manager
        self._files = files
        self._process = process
        self._clock = clock
        self._receipts = receipts

    def absent(self, daemon: Daemon) -> Iterator[Problem]:
        """Programs of it that are not there."""
        for program in daemon.programs:
            if not self._files.exists(Path(program)):
                hint = "put it there, or say with --programs where it is"
                yield Problem(
                    path=program, what="there is no such program", why=f"{daemon.service} needs it", hint=hint
                )

    async def state(self, daemon: Daemon) -> State:
        """How it is. Raises PreflightError when the manager does not say."""
        command = self._manager.ask(daemon)
        done = await self._process.run(command.argv)
        if done.code not in command.fine:
            hint = "for yourself, log in to the machine itself, or run `loginctl enable-linger`; or use --system"
            what = f"`{command}` ended with status {done.code}"
            raise PreflightError(Problem(path=daemon.service, what=what, why=done.stderr.strip(), hint=hint))
        return self._manager.told(done.code, done.stdout)

    def differing(self, daemon: Daemon) -> tuple[Change, ...]:
        """Files of it that are not what they should be."""
        return changes(self._files, daemon.texts, self._receipts.read(daemon.service))

    async def installing(self, daemon: Daemon, *, force: bool, anew: bool = False) -> Work:
        """What there is to do so that it runs, now and always; `anew`: from now on. Raises Conflict."""
        known = self._receipts.read(daemon.service)
        found = changes(self._files, daemon.texts, known)
        made = settled(found, known, force=force)
        folders = tuple(
            Command(argv=("install", "-d", "-m", "0750", *(("-o", each.owner) if each.owner else ()), each.path))
            for each in daemon.folders
            if not self._files.exists(Path(each.path))
        )
        state = await self.state(daemon)
        paths = [each.path for each in made]
        begin = renewed(self._manager, daemon, state, paths) if anew else self._manager.begin(daemon, state, paths)
        kept = tuple(each for each in found if each not in made)
        return Work(daemon=daemon, changes=made, after=(*folders, *begin), kept=kept)

    async def uninstalling(self, daemon: Daemon, *, force: bool) -> Work:
        """What there is to do so that nothing of it is left but its data. Raises Conflict."""
        known = self._receipts.read(daemon.service)
        paths = dict.fromkeys((*(each.path for each in daemon.texts), *known))
        mine = {**digests(daemon), **known}
        found = changes(self._files, (), {path: mine[path] for path in paths})
        made = settled(found, mine, force=force)
        before = self._manager.end(daemon, await self.state(daemon))
        after = self._manager.forget(daemon) if made or before else ()
        return Work(daemon=daemon, before=before, changes=made, after=after, installs=False)

    async def controlling(self, daemon: Daemon, what: Control) -> Work:
        """What there is to do to start, stop or restart it."""
        return Work(daemon=daemon, before=self._manager.control(daemon, await self.state(daemon), what))

    async def carry_out(self, work: Work) -> None:
        """Do it. Raises Unfinished for a command that fails; what is left is done by the same command again."""
        await self._run(work.daemon.service, work.before)
        apply(self._files, work.changes)
        if work.changes:
            self._receipts.write(work.daemon.service, digests(work.daemon) if work.installs else {})
        await self._run(work.daemon.service, work.after)

    async def _run(self, service: str, commands: Sequence[Command]) -> None:
        for command in commands:
            done = await self._process.run(command.argv)
            for _ in range(_TRIES):
                if done.code not in command.again:
                    break
                await self._clock.sleep(1)
                done = await self._process.run(command.argv)
            if done.code not in command.fine:
                raise _failed(service, command, done.code, done.stderr)


def _failed(service: str, command: Command, code: int, said: str) -> Unfinished:
    why, hint = said.strip(), f"look at `shipways service logs {service}`, mend it, and run the same command again"
    return Unfinished(Problem(path=service, what=f"`{command}` ended with status {code}", why=why, hint=hint))
