"""Runs whole processes and reads what they cost."""

import os
import subprocess
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True, kw_only=True)
class Cost:
    """Wall time in seconds, peak resident memory of the process itself in bytes, and its exit code."""

    seconds: float
    memory: int
    code: int

    def __str__(self) -> str:
        return f"{self.seconds:.2f} s, {self.memory / 1e6:.0f} MB"


def cost(argv: Sequence[str], cwd: Path, env: Mapping[str, str], log: Path) -> Cost:
    """Run a command once. What it prints goes to `log`."""
    with log.open("ab") as out:
        begin = time.perf_counter()
        process = subprocess.Popen(argv, cwd=cwd, env=os.environ | dict(env), stdout=out, stderr=out)
        peak = [0]
        watcher = threading.Thread(target=_watch, args=(process, peak))
        watcher.start()
        code = process.wait()
        seconds = time.perf_counter() - begin
        watcher.join()
    return Cost(seconds=seconds, memory=peak[0], code=code)


def best(times: int, argv: Sequence[str], cwd: Path, env: Mapping[str, str], log: Path) -> Cost:
    """The fastest of several runs: what the machine does besides only adds."""
    return min((cost(argv, cwd, env, log) for _ in range(times)), key=lambda found: found.seconds)


def _watch(process: "subprocess.Popen[bytes]", peak: list[int]) -> None:
    """The kernel keeps the peak (VmHWM), so only the last look matters."""
    status = Path(f"/proc/{process.pid}/status")
    while process.returncode is None:
        try:
            line = next((line for line in status.read_text().splitlines() if line.startswith("VmHWM")), "")
        except OSError:
            return
        if line:
            peak[0] = max(peak[0], int(line.split()[1]) * 1024)
        time.sleep(0.002)
