"""A service that stands still for a while, and what of that is mended when this program is killed meanwhile."""

import contextlib
import json
from collections.abc import AsyncIterator, Iterator, Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final, Protocol

import anyio

from shipways.deploy.managers import Control
from shipways.errors import PreflightError, Problem
from shipways.model.backup import Pause, Swap
from shipways.model.daemon import Daemon
from shipways.model.service import Service
from shipways.outside.vaults import Vault
from shipways.run.servicing import Keeper

_SNAPSHOT: Final = ".shipways-snapshot"
"""Where the hook of a container lays its copy: in the volume, which is all of it that both sides see."""


class Holder(Protocol):
    """Who starts and stops one service."""

    async def up(self) -> bool:
        """Whether it runs, or will by itself. Raises PreflightError when nobody says."""
        ...

    async def control(self, what: Control) -> None:
        """Start or stop it. Raises Unfinished."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """A service of this machine's manager."""

    keeper: Keeper
    daemon: Daemon

    async def up(self) -> bool:
        """As its manager says."""
        return (await self.keeper.state(self.daemon)).up

    async def control(self, what: Control) -> None:
        """By its manager."""
        await self.keeper.carry_out(await self.keeper.controlling(self.daemon, what))


@dataclass(frozen=True, slots=True, kw_only=True)
class Charge:
    """A service whose data is kept, in `folders` of this machine.

    `behind` is the command that its hook is run by in its container; empty where it has none.
    """

    project: str
    service: Service
    folders: Mapping[str, Path]
    behind: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """Its name."""
        return self.service.name

    def snapshot(self, name: str, top: Path) -> tuple[Path, str]:
        """Where its hook copies a data directory to, and that path as the hook sees it."""
        if not self.behind:
            return top / name, str(top / name)
        inside = next(each.path for each in self.service.data if each.name == name)
        return self.folders[name] / _SNAPSHOT, f"{inside}/{_SNAPSHOT}"


class Pauses:
    """Stops services and swaps their folders. What is begun stands in a file of `folder` until it is done."""

    def __init__(self, holder: Holder, vault: Vault, folder: Path) -> None:
        self._holder = holder
        self.vault = vault
        self._folder = folder

    @contextlib.asynccontextmanager
    async def alone(self, charge: Charge) -> AsyncIterator[None]:
        """Nobody else does anything to it; what somebody left undone has been mended. Raises PreflightError."""
        with self._locked(charge.name):
            await self._mend(charge)
            yield

    @contextlib.asynccontextmanager
    async def still(self, charge: Charge) -> AsyncIterator[None]:
        """It does not run; after that it does, if it did before. Raises Unfinished when it cannot be stopped."""
        begin = await self._holder.up()
        try:
            if begin:
                self._note(charge, Pause(begin=True))
                await self._holder.control("stop")
            yield
        finally:
            with anyio.CancelScope(shield=True):
                await self._mend(charge)

    async def swap(self, charge: Charge, swaps: tuple[Swap, ...]) -> None:
        """Stop it, swap its folders, start it with what is there now; or take all of that back.

        Raises Unfinished when it does not start with it.
        """
        begin = await self._holder.up()
        try:
            self._note(charge, Pause(begin=begin, swaps=swaps))
            if begin:
                await self._holder.control("stop")
            for swap in swaps:
                if not self.vault.there(swap.place):
                    self.vault.make(swap.place)
                self.vault.move(swap.place, swap.old)
                self.vault.move(swap.fresh, swap.place)
            if begin:
                await self._holder.control("start")
            self.vault.remove(self._noted(charge))
        except BaseException:
            with anyio.CancelScope(shield=True):
                await self._mend(charge)
            raise

    @contextlib.contextmanager
    def _locked(self, name: str) -> Iterator[None]:
        with self.vault.locked(self._folder / f".{name}.lock") as held:
            if not held:
                hint = "wait until it is done"
                raise PreflightError(Problem(path=name, what="is being backed up or restored already", hint=hint))
            yield

    async def _mend(self, charge: Charge) -> None:
        """End what was begun and not done, by this run or one that was killed: folders as before, and it runs."""
        text = self.vault.read(self._noted(charge))
        if not text:
            return
        pause = _pause(json.loads(text))
        if pause.swaps and await self._holder.up():
            await self._holder.control("stop")
        for swap in reversed(pause.swaps):
            self._take_back(swap)
        if pause.begin:
            await self._holder.control("start")
        self.vault.remove(self._noted(charge))

    def _take_back(self, swap: Swap) -> None:
        """A service that the machine has started between two renames may have made a folder of its own: it is kept."""
        if self.vault.there(swap.old):
            if self.vault.there(swap.place):
                other = swap.old.with_name(f"{swap.old.name}.between")
                self.vault.move(swap.place, other if self.vault.there(swap.fresh) else swap.fresh)
            self.vault.move(swap.old, swap.place)
        self.vault.remove(swap.fresh)

    def _noted(self, charge: Charge) -> Path:
        return self._folder / f".{charge.name}.begun"

    def _note(self, charge: Charge, pause: Pause) -> None:
        self.vault.write(self._noted(charge), json.dumps(asdict(pause), default=str).encode())


def stamp(now: float) -> str:
    """A time as part of a name, by which names sort."""
    return f"{datetime.fromtimestamp(now, UTC):%Y%m%dT%H%M%S}.{int(now * 1000) % 1000:03d}Z"


def room(vault: Vault, folder: Path, size: int) -> Iterator[Problem]:
    """That there is not as much room where a folder is, or will be."""
    free = vault.free(folder)
    if free < size:
        what = f"there are {free / 1e6:.1f} MB free, and {size / 1e6:.1f} MB may be needed"
        yield Problem(path=str(folder), what=what, hint="free some space, or choose another disk")


def _pause(told: dict[str, Any]) -> Pause:
    swaps = ({name: Path(path) for name, path in swap.items()} for swap in told["swaps"])
    return Pause(begin=told["begin"], swaps=tuple(Swap(**each) for each in swaps))
