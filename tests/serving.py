"""`shipways serve` as a process, as users start it."""

import os
import subprocess
import sys
import time
from pathlib import Path

import httpx

import shipways


def argv(*words: str) -> tuple[str, ...]:
    """The command."""
    return (sys.executable, "-m", "shipways", "serve", *words)


def environment() -> dict[str, str]:
    """With the shipways that is tested."""
    return os.environ | {"PYTHONPATH": str(Path(shipways.__file__).parent.parent)}


def serving(folder: Path, url: str, seconds: float = 60) -> "subprocess.Popen[bytes]":
    """It answers when this returns; what it prints is in the file `log` of its folder."""
    path = folder / "log"
    with path.open("ab") as log:
        process = subprocess.Popen(argv(), cwd=folder, env=environment(), stdout=log, stderr=log)
    end = time.monotonic() + seconds
    while not _lives(url):
        assert process.poll() is None, path.read_text()
        if time.monotonic() > end:
            process.kill()
            process.wait()
            raise AssertionError(path.read_text())
        time.sleep(0.05)
    return process


def _lives(url: str) -> bool:
    try:
        return httpx.get(f"{url}/livez", trust_env=False, timeout=5).status_code == 200
    except httpx.TransportError:
        return False
