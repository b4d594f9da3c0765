"""Commands that have the user's terminal to themselves, as `OsProcess` has those that nobody sees."""

import contextlib
import os
import signal
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Final

import anyio
from anyio.abc import Process

if sys.platform != "win32":
    import termios

_GRACE: Final = 5.0
"""Seconds in which a command ends when it is hung up."""


async def attached(argv: Sequence[str], *, cwd: Path, env: Mapping[str, str], keep: Sequence[int] = ()) -> int:
    """Run to the end; the status. `env` replaces the whole environment; `keep` are descriptors the command inherits.

    A cancelled command is hung up, and what it runs in the foreground too, as when its window is closed.
    """
    with _kept():
        # Once begun it is there, and whoever is cancelled meanwhile would know nothing of it.
        with anyio.CancelScope(shield=True):
            process = await anyio.open_process(
                list(argv), stdin=None, stdout=None, stderr=None, cwd=cwd, env=env, pass_fds=tuple(keep)
            )
        try:
            return await process.wait()
        except BaseException:
            with anyio.CancelScope(shield=True):
                await _hang_up(process)
            raise


async def _hang_up(process: Process) -> None:
    """An interactive shell does not listen to SIGTERM; once it is gone, what it ran has the foreground."""
    if sys.platform != "win32":
        with contextlib.suppress(ProcessLookupError):
            process.send_signal(signal.SIGHUP)
    with anyio.move_on_after(_GRACE):
        await process.wait()
    if process.returncode is None:
        process.kill()
        await process.wait()
    if sys.platform != "win32":
        with contextlib.suppress(OSError):
            if (foreground := os.tcgetpgrp(0)) != os.getpgrp():
                os.killpg(foreground, signal.SIGHUP)


@contextlib.contextmanager
def _kept() -> Iterator[None]:
    """The modes of the terminal, and whose it is, are at the end what they were: a killed command sets nothing back."""
    if sys.platform == "win32" or not os.isatty(0):
        yield
        return
    modes = termios.tcgetattr(0)
    try:
        yield
    finally:
        # Whoever is not in the foreground is stopped for this, unless it does not listen.
        before = signal.signal(signal.SIGTTOU, signal.SIG_IGN)
        with contextlib.suppress(OSError, termios.error):
            termios.tcsetattr(0, termios.TCSADRAIN, modes)
            os.tcsetpgrp(0, os.getpgrp())
        signal.signal(signal.SIGTTOU, before)
