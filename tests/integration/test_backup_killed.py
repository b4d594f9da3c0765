"""Backups and restores that are killed at each of their steps, as by a power failure."""

import os
import signal
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

from backing import Desk, Manager, seen
from shipways.adapters.vault import DiskVault
from shipways.errors import Conflict
from shipways.ports import Completed

pytestmark = [
    pytest.mark.integration,
    pytest.mark.skipif(sys.platform == "win32", reason="services are of Unix here"),
]


class Deadly(DiskVault):
    """A vault in which the program is killed at a step."""

    def __init__(self, step: int) -> None:
        self.step = step

    def _count(self) -> None:
        self.step -= 1
        if self.step == 0:
            os.kill(os.getpid(), signal.SIGKILL)

    def move(self, source: Path, place: Path) -> None:
        self._count()
        super().move(source, place)

    def write(self, path: Path, data: bytes) -> None:
        self._count()
        super().write(path, data)

    def remove(self, path: Path) -> None:
        self._count()
        super().remove(path)

    async def unpack(self, archive: Path, places: Mapping[str, Path]) -> None:
        self._count()
        await super().unpack(archive, places)
        self._count()

    async def pack(self, *words: object) -> None:  # type: ignore[override]
        self._count()
        await super().pack(*words)  # type: ignore[arg-type]
        self._count()


def killed(step: int, desk: Desk, archive: Path | None) -> bool:
    """Whether a restore (else a backup) in another process was killed at this step; what runs stands in a file."""
    child = os.fork()
    if not child:
        try:
            manager = Stored(desk.root / "runs")
            mine = desk.other(vault=Deadly(step), manager=manager)
            mine.restore(archive) if archive else mine.back_up()
        finally:
            os._exit(0)
    _, status = os.waitpid(child, 0)
    return os.WIFSIGNALED(status)


class Stored(Manager):
    """A manager whose service runs on when the program that asks is killed."""

    def __init__(self, path: Path) -> None:
        super().__init__(runs=path.exists())
        self._path = path

    def __call__(self, argv: tuple[str, ...]) -> Completed | None:
        answer = super().__call__(argv)
        if self.runs:
            self._path.touch()
        else:
            self._path.unlink(missing_ok=True)
        return answer


def steps(tmp_path: Path) -> Desk:
    """A service that runs, with data and an older backup of other data."""
    desk = Desk(tmp_path)
    (desk.data / "inside").mkdir(parents=True)
    (desk.data / "inside" / "file").write_text("old")
    (desk.root / "runs").touch()
    return desk


def test_restore_killed_at_each_step(tmp_path: Path) -> None:
    """S1-27: killed between any two steps, the next command finds all as before, or at the last ones all restored."""
    step, deaths, kept = 0, 0, []
    while step == deaths:
        step += 1
        desk = steps(tmp_path / str(step))
        desk.manager = Stored(desk.root / "runs")
        archive = desk.back_up().archive
        (desk.data / "inside" / "file").write_text("new")
        before = seen(desk.data)
        deaths += killed(step, desk, archive)
        desk.manager = Stored(desk.root / "runs")
        desk.clock.advance(10)
        with pytest.raises(Conflict, match="is not empty"):
            desk.restore(archive, force=False)
        assert (desk.root / "runs").exists()
        asides = list((desk.root / "var").glob("main.before-*"))
        assert before == seen(asides[0] if asides else desk.data)
        kept.append(bool(asides))
        assert {True: "old", False: "new"}[kept[-1]] == (desk.data / "inside" / "file").read_text()
        desk.restore(archive)
        assert "old" == (desk.data / "inside" / "file").read_text()
        assert not list((desk.root / "var").glob(".*"))
    assert sorted(kept) == kept
    assert (True, True) == (kept.count(False) >= 6, kept.count(True) >= 1)


def test_backup_killed_at_each_step(tmp_path: Path) -> None:
    """Killed at any step there is a whole backup or none, the next one is taken, and the service runs again."""
    step, deaths = 0, 0
    while step == deaths:
        step += 1
        desk = steps(tmp_path / str(step))
        deaths += killed(step, desk, None)
        desk.manager = Stored(desk.root / "runs")
        desk.clock.advance(10)
        archive = desk.back_up().archive
        assert (desk.root / "runs").exists()
        left = sorted(archive.parent.iterdir())
        assert [archive] == left[-1:]
        for path in left:
            desk.restore(path)
    assert deaths >= 4
