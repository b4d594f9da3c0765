"""Backups of what services keep, taken while nothing is written."""

import contextlib
import re
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from shipways.config.services import filled
from shipways.errors import ConfigError, Conflict, PreflightError, Problem, Unfinished
from shipways.model.backup import Backup, Measured, Source
from shipways.outside.vaults import Vault
from shipways.ports import Clock, Process
from shipways.run.pausing import Charge, Pauses, room, stamp

_STAMP: Final = r"\d{8}T\d{6}\.\d{3}Z"


@dataclass(frozen=True, slots=True, kw_only=True)
class Made:
    """A backup that was taken: seconds for which the service stood still, what is not in it, and backups removed."""

    archive: Path
    digest: str
    stood: float
    passed: tuple[str, ...]
    gone: tuple[Path, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Backups:
    """Takes backups."""

    pauses: Pauses
    vault: Vault
    process: Process
    clock: Clock

    async def take(self, charge: Charge, to: Path) -> Made:
        """Take one into a folder, then remove there those of the service that are too many.

        Raises ConfigError, PreflightError, and Unfinished when there is none; the service runs again in any case.
        """
        folder = self.vault.real(to)
        async with self.pauses.alone(charge):
            measured = await self._measured(charge, folder)
            now = self.clock.now()
            head = Backup(
                project=charge.project,
                service=charge.name,
                made=int(now),
                folders={name: each.size for name, each in measured.items()},
            )
            part, archive = folder / f".{charge.name}.part", folder / f"{charge.name}-{stamp(now)}.tar.zst"
            began = self.clock.monotonic()
            async with self._copied(charge, folder) as sources:
                await self.vault.pack(head, sources, part)
            stood = 0.0 if charge.service.hook else self.clock.monotonic() - began
            digest = await self._verified(part)
            self.vault.move(part, archive)
            passed = tuple(path for each in measured.values() for path in each.passed)
            gone = tuple(self._prune(charge, archive))
            return Made(archive=archive, digest=digest, stood=stood, passed=passed, gone=gone)

    async def _measured(self, charge: Charge, folder: Path) -> Mapping[str, Measured]:
        """What there is to back up. Raises ConfigError and PreflightError with all that is wrong."""
        if not charge.folders:
            raise ConfigError(Problem(path=f"service.{charge.name}.data", what="is empty: there is nothing to back up"))
        measured = {
            name: await self.vault.measure(Source(name=name, path=path)) for name, path in charge.folders.items()
        }
        problems = [*self._leading_out(charge, measured), *self._inside(charge, folder)]
        size = sum(each.size for each in measured.values())
        problems += room(self.vault, folder, 2 * size if charge.service.hook else size)
        if problems:
            raise PreflightError(*problems)
        return measured

    def _leading_out(self, charge: Charge, measured: Mapping[str, Measured]) -> Iterator[Problem]:
        for name, each in measured.items():
            for link in each.leading_out:
                why = "what it leads to would not be in the backup"
                hint = "let it lead to something in the same data directory, by a path that does not begin with /"
                path = str(charge.folders[name])
                yield Problem(path=path, what=f"has a link that leads out of it: {link}", why=why, hint=hint)

    def _inside(self, charge: Charge, folder: Path) -> Iterator[Problem]:
        for path in charge.folders.values():
            if folder.is_relative_to(self.vault.real(path)):
                hint = "choose another folder by --to"
                yield Problem(path=str(folder), what=f"lies in {path}, which is to be backed up", hint=hint)

    @contextlib.asynccontextmanager
    async def _copied(self, charge: Charge, folder: Path) -> AsyncIterator[Sequence[Source]]:
        """What to read: the data of a service that stands still, or the copy that its hook makes while it runs."""
        if not charge.service.hook:
            async with self.pauses.still(charge):
                yield [Source(name=name, path=path) for name, path in charge.folders.items()]
            return
        top = folder / f".{charge.name}.snapshot"
        sources = [
            Source(name=name, path=charge.snapshot(name, top)[0], like=path) for name, path in charge.folders.items()
        ]
        try:
            for source in sources:
                self.vault.remove(source.path)
                self.vault.make(source.path, like=source.like if charge.behind else None)
            await self._hook(charge, top, sources)
            yield sources
        finally:
            for path in (top, *(source.path for source in sources)):
                self.vault.remove(path)

    async def _hook(self, charge: Charge, top: Path, sources: Sequence[Source]) -> None:
        places = {f"snapshot.{source.name}": charge.snapshot(source.name, top)[1] for source in sources}
        argv = (*charge.behind, *(filled(word, places) for word in charge.service.hook))
        path = f"service.{charge.name}.backup.hook"
        try:
            done = await self.process.run(argv)
        except OSError as error:
            raise Unfinished(Problem(path=path, what=f"{argv[0]} cannot be run", why=error.strerror or "")) from error
        if done.code:
            what = f"ended with status {done.code}"
            raise Unfinished(Problem(path=path, what=what, why=done.stderr.strip(), hint="there is no backup"))
        for source in sources:
            if source.like and self.vault.list(source.like) and not self.vault.list(source.path):
                what = f"has written nothing into {{snapshot.{source.name}}}"
                raise Unfinished(Problem(path=path, what=what, why=f"{source.like} is not empty"))

    async def _verified(self, part: Path) -> str:
        """The digest of what has just been written, read from the disk again."""
        try:
            return (await self.vault.verify(part)).digest
        except Conflict as error:
            self.vault.remove(part)
            raise Unfinished(*error.problems) from error

    def _prune(self, charge: Charge, newest: Path) -> Iterator[Path]:
        """Remove the oldest until as many are left as are to be kept; never the one that has just been taken."""
        mine = re.compile(rf"{re.escape(charge.name)}-{_STAMP}\.tar\.zst")
        others = [name for name in self.vault.list(newest.parent) if mine.fullmatch(name) and name != newest.name]
        for name in others[: max(len(others) + 1 - charge.service.keep, 0)]:
            self.vault.remove(newest.parent / name)
            yield newest.parent / name
