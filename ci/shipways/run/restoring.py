"""Backups of what services keep, restored whole or not at all."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from shipways.errors import Conflict, PreflightError, Problem
from shipways.model.backup import Backup, Swap
from shipways.outside.vaults import Vault
from shipways.ports import Clock
from shipways.run.pausing import Charge, Pauses, room, stamp


@dataclass(frozen=True, slots=True, kw_only=True)
class Restored:
    """What was restored: where data of before is kept, and data directories that the backup does not have."""

    head: Backup
    aside: tuple[Path, ...]
    left: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Restorer:
    """Restores backups."""

    pauses: Pauses
    vault: Vault
    clock: Clock

    async def restore(self, charge: Charge, archive: Path, *, force: bool) -> Restored:
        """Put the data of a backup in the place of what there is, which is kept beside it.

        Raises Conflict for an archive that is not whole or another service's, or for data in its way without `force`,
        PreflightError, and Unfinished when something failed: then all is as it was.
        """
        async with self.pauses.alone(charge):
            head = (await self.vault.verify(archive)).head
            swaps = self._swaps(charge, head, archive)
            self._check(head, swaps, force=force)
            try:
                for swap in swaps.values():
                    self.vault.remove(swap.fresh)
                await self.vault.unpack(archive, {name: swap.fresh for name, swap in swaps.items()})
                await self.pauses.swap(charge, tuple(swaps.values()))
            finally:
                for swap in swaps.values():
                    self.vault.remove(swap.fresh)
            aside = tuple(self._aside(swaps))
            left = tuple(name for name in charge.folders if name not in swaps)
            return Restored(head=head, aside=aside, left=left)

    def _swaps(self, charge: Charge, head: Backup, archive: Path) -> Mapping[str, Swap]:
        """Which folders take the places of which. Raises Conflict for a backup of something else."""
        if (head.project, head.service) != (charge.project, charge.name):
            what = f"is a backup of {head.service} of {head.project}, not of {charge.name} of {charge.project}"
            raise Conflict(Problem(path=str(archive), what=what))
        if unknown := sorted(set(head.folders) - set(charge.folders)):
            what = f"has data that the service has not: {', '.join(unknown)}"
            raise Conflict(Problem(path=str(archive), what=what, hint=f"declare it in service.{charge.name}.data"))
        now = stamp(self.clock.now())
        places = {name: self.vault.real(charge.folders[name]) for name in head.folders}
        return {
            name: Swap(
                place=place,
                fresh=place.with_name(f".{place.name}.restoring"),
                old=place.with_name(f"{place.name}.before-{now}"),
            )
            for name, place in places.items()
        }

    def _check(self, head: Backup, swaps: Mapping[str, Swap], *, force: bool) -> None:
        """Raises PreflightError, and Conflict for data in the way."""
        hint = "mount it one folder above, or let a link in the place of the data directory lead into it"
        problems = [
            Problem(path=str(swap.place), what="is the top of a disk, which cannot be renamed", hint=hint)
            for swap in swaps.values()
            if self.vault.mounted(swap.place)
        ]
        for folder in dict.fromkeys(swap.place.parent for swap in swaps.values()):
            size = sum(head.folders[name] for name, swap in swaps.items() if swap.place.parent == folder)
            problems += room(self.vault, folder, size)
        if problems:
            raise PreflightError(*problems)
        full = [swap for swap in swaps.values() if self.vault.list(swap.place)]
        if full and not force:
            hint = "--force puts aside what is there"
            raise Conflict(*(Problem(path=str(swap.place), what="is not empty", hint=hint) for swap in full))

    def _aside(self, swaps: Mapping[str, Swap]) -> list[Path]:
        """What was there before, and is kept; an empty folder is not."""
        old = [swap.old for swap in swaps.values()]
        for path in old:
            if not self.vault.list(path):
                self.vault.remove(path)
        return [path for path in old if self.vault.there(path)]
