"""The environment of this process, and its clock."""

import os
import time
from collections.abc import Mapping
from pathlib import Path

import anyio


def spare_loopback() -> None:
    """Let no library of this process ask a proxy for this machine itself: requests knows no other way to be told."""
    spared = os.environ.get("no_proxy") or os.environ.get("NO_PROXY", "")
    if spared != "*" and "127.0.0.1" not in spared.split(","):
        os.environ["no_proxy"] = ",".join(filter(None, (spared, "localhost", "127.0.0.1", "::1")))


class OsShell:
    """The `Shell` port."""

    def env(self) -> Mapping[str, str]:
        """Environment variables."""
        return os.environ

    def cwd(self) -> Path:
        """The folder the command was started in."""
        return Path.cwd()

    def find(self, program: str) -> tuple[Path, ...]:
        """Every program of this name on PATH, first wins."""
        suffixes = ("", ".exe") if os.name == "nt" else ("",)
        folders = [Path(folder) for folder in os.environ.get("PATH", "").split(os.pathsep) if folder]
        candidates = (folder / (program + suffix) for folder in folders for suffix in suffixes)
        return tuple(dict.fromkeys(path for path in candidates if path.is_file() and os.access(path, os.X_OK)))


class OsClock:
    """The `Clock` port."""

    def now(self) -> float:
        """Seconds since 1970."""
        return time.time()

    def monotonic(self) -> float:
        """Seconds for measuring."""
        return time.monotonic()

    async def sleep(self, seconds: float) -> None:
        """Wait."""
        await anyio.sleep(seconds)
