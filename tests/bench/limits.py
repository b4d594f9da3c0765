"""A cgroup (version 1, by root) that a bench puts a process into: what it may have of memory and processors."""

import contextlib
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

_TOP: Final = Path("/sys/fs/cgroup")
_PERIOD: Final = 100_000
"""Microseconds, as the kernel has it by itself."""


@dataclass(frozen=True)
class Limit:
    """The folders of one, by controller; none where this machine has no such controllers."""

    folders: tuple[Path, ...] = ()

    def take(self, pid: int) -> None:
        """From now on a process, and what it starts."""
        for folder in self.folders:
            (folder / "cgroup.procs").write_text(str(pid))

    @property
    def told(self) -> str:
        """How often it was met."""
        if not self.folders:
            return "none: there are no cgroups of version 1 here, or they may not be made"
        memory, cpu = self.folders
        full = (memory / "memory.failcnt").read_text().strip()
        killed = re.findall(r"oom_kill (\d+)", (memory / "memory.oom_control").read_text())
        periods, waited = re.findall(r"nr_(?:periods|throttled) (\d+)", (cpu / "cpu.stat").read_text())
        return f"memory {full} times (killed: {''.join(killed)}), processor in {waited} of {periods} periods of 0.1 s"


@contextlib.contextmanager
def limited(size: int, cores: int) -> Iterator[Limit]:
    """For so many bytes and processors; what is in it has ended when the block does."""
    folders = tuple(_TOP / controller / f"bench-{os.getpid()}" for controller in ("memory", "cpu"))
    if not all(os.access(folder.parent / "cgroup.procs", os.W_OK) for folder in folders):
        yield Limit()
        return
    for folder in folders:
        folder.mkdir()
    memory, cpu = folders
    try:
        (memory / "memory.limit_in_bytes").write_text(str(size))
        (cpu / "cpu.cfs_period_us").write_text(str(_PERIOD))
        (cpu / "cpu.cfs_quota_us").write_text(str(cores * _PERIOD))
        yield Limit(folders)
    finally:
        for folder in folders:
            folder.rmdir()
