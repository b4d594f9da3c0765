"""Commands of this machine, each in a process group of its own so that nothing outlives a cancelled run."""

import contextlib
import os
import signal
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

import anyio
from anyio.abc import ByteReceiveStream, Process

from shipways.ports import Completed

_GRACE: Final = 5.0
"""Seconds between SIGTERM and SIGKILL for a command that is cancelled, and for what one leaves in the background."""
_KILL: Final = getattr(signal, "SIGKILL", signal.SIGTERM)


class OsProcess:
    """The `Process` port."""

    async def run(
        self,
        argv: Sequence[str],
        *,
        cwd: Path | None = None,
        env: Mapping[str, str] | None = None,
        stdin: bytes = b"",
        keep: Sequence[int] = (),
    ) -> Completed:
        """Run to the end; a cancelled command's group gets SIGTERM, then SIGKILL, as does what outlives its command."""
        # Once begun it is there, and whoever is cancelled meanwhile would know nothing of it.
        with anyio.CancelScope(shield=True):
            process = await anyio.open_process(
                list(argv),
                stdin=subprocess.PIPE if stdin else subprocess.DEVNULL,
                cwd=cwd,
                env=env,
                start_new_session=True,
                pass_fds=tuple(keep),
            )
        printed = {"stdout": bytearray(), "stderr": bytearray()}

        async def collect(name: str, stream: ByteReceiveStream) -> None:
            async for chunk in stream:
                printed[name] += chunk

        async def feed() -> None:
            if process.stdin:
                with contextlib.suppress(anyio.BrokenResourceError, BrokenPipeError, ConnectionResetError):
                    await process.stdin.send(stdin)
                await process.stdin.aclose()

        try:
            async with anyio.create_task_group() as group:
                if process.stdout and process.stderr:
                    group.start_soon(collect, "stdout", process.stdout)
                    group.start_soon(collect, "stderr", process.stderr)
                group.start_soon(feed)
                await process.wait()
                # What it left in the background has its pipes, which then never end.
                group.cancel_scope.deadline = anyio.current_time() + _GRACE
        except BaseException:
            with anyio.CancelScope(shield=True):
                await _end(process)
            raise
        _signal(process.pid, _KILL)
        await process.aclose()
        return Completed(
            code=process.returncode or 0,
            stdout=printed["stdout"].decode(errors="surrogateescape"),
            stderr=printed["stderr"].decode(errors="replace"),
        )


async def _end(process: Process) -> None:
    """A second Ctrl-C cuts the wait short, and must not spare what is left."""
    _signal(process.pid, signal.SIGTERM)
    try:
        with anyio.move_on_after(_GRACE):
            await process.wait()
    finally:
        _signal(process.pid, _KILL)
    await process.aclose()


def _signal(pid: int, number: int) -> None:
    """To the whole group; a command's helpers go with it."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        if hasattr(os, "killpg"):
            os.killpg(pid, number)
        else:
            os.kill(pid, number)
