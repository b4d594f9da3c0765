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
"""Seconds between SIGTERM and SIGKILL for a command that is cancelled."""


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
        """Run to the end; a cancelled command's group gets SIGTERM, then SIGKILL."""
        process = await anyio.open_process(
            list(argv),
            stdin=subprocess.PIPE if stdin else subprocess.DEVNULL,
            cwd=cwd,
            env=env,
            start_new_session=True,
            pass_fds=tuple(keep),
        )
        printed = {"stdout": b"", "stderr": b""}

        async def collect(name: str, stream: ByteReceiveStream) -> None:
            chunks = [chunk async for chunk in stream]
            printed[name] = b"".join(chunks)

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
        except BaseException:
            with anyio.CancelScope(shield=True):
                await _end(process)
            raise
        return Completed(
            code=process.returncode or 0,
            stdout=printed["stdout"].decode(errors="surrogateescape"),
            stderr=printed["stderr"].decode(errors="replace"),
        )


async def _end(process: Process) -> None:
    _signal(process.pid, signal.SIGTERM)
    with anyio.move_on_after(_GRACE):
        await process.wait()
    _signal(process.pid, getattr(signal, "SIGKILL", signal.SIGTERM))
    await process.aclose()


def _signal(pid: int, number: int) -> None:
    """To the whole group; a command's helpers go with it."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        if hasattr(os, "killpg"):
            os.killpg(pid, number)
        else:
            os.kill(pid, number)
