"""The other end of `worker.py`: starts the process, sends jobs, and hands each answer to whom it belongs."""

import contextlib
import os
import signal
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import urlsplit

import anyio
from anyio.abc import Process, TaskGroup
from anyio.streams.buffered import BufferedByteReceiveStream
from pydantic import TypeAdapter

from shipways.adapters.dagger import RUNNER
from shipways.adapters.dagger.jobs import Answer, Job, Request

_CONNECTION: Final = 0
_LONGEST: Final = 16_000_000
"""Bytes of an answer: the engine keeps the ends of what a command prints, about 100 kB each."""
_GRACE: Final = 10.0
"""Seconds in which a worker that is told to end does."""
_PATIENCE: Final = 60.0
"""Seconds in which an engine that runs already answers; the CLI would wait for ten minutes."""
_RUNNING: Final = ("unix", "tcp")
"""Addresses of engines that run already; those of other kinds the CLI starts first, which may take it a while."""
_BROKEN: Final = (anyio.EndOfStream, anyio.IncompleteRead, anyio.BrokenResourceError, anyio.ClosedResourceError)


@dataclass(slots=True, eq=False)
class _Awaited:
    """An answer that somebody waits for."""

    there: anyio.Event = field(default_factory=anyio.Event)
    answer: Answer | None = None


class WorkerProcess:
    """The `Worker` of a pool: one engine, one process. An empty address is what the environment says."""

    def __init__(self, address: str, env: Mapping[str, str]) -> None:
        self._env = dict(env) | ({RUNNER: address} if address else {})
        self._process: Process | None = None
        self._connected = False
        self._awaited: dict[int, _Awaited] = {}
        self._why = ""

    async def start(self, group: TaskGroup) -> Answer:
        """Start the process and wait for its connection."""
        address = self._env.get(RUNNER, "")
        if why := await _unreachable(address):
            return Answer(number=_CONNECTION, state="lost", text=why)
        awaited = self._awaited[_CONNECTION] = _Awaited()
        # A process that has begun must be known here, or nobody would end it.
        with anyio.CancelScope(shield=True):
            process = self._process = await anyio.open_process(
                [sys.executable, "-m", "shipways.adapters.dagger.worker"],
                stdin=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                env=self._env,
                start_new_session=True,
            )
        group.start_soon(self._read, process)
        with anyio.move_on_after(_PATIENCE if urlsplit(address).scheme in _RUNNING else None):
            return await self._answer(_CONNECTION, awaited)
        return Answer(number=_CONNECTION, state="lost", text=f"it has not answered after {_PATIENCE:g} s")

    async def do(self, number: int, job: Job) -> Answer:
        """Send a job and wait for its answer."""
        awaited = self._awaited[number] = _Awaited()
        if not await self._send(Request(number=number, job=job)):
            return Answer(number=number, state="lost", text=self._why)
        try:
            return await self._answer(number, awaited)
        except anyio.get_cancelled_exc_class():
            with anyio.CancelScope(shield=True):
                await self._send(Request(number=number))
            raise

    async def close(self) -> None:
        """End the process, and with it the session of its engine, if it has one."""
        if self._process is None or self._process.returncode is not None:
            return
        with contextlib.suppress(*_BROKEN):
            if self._process.stdin:
                await self._process.stdin.aclose()
        with anyio.move_on_after(_GRACE if self._connected else 0):
            await self._process.wait()
        with contextlib.suppress(ProcessLookupError, PermissionError):
            if hasattr(os, "killpg"):
                os.killpg(self._process.pid, signal.SIGKILL)
            else:
                self._process.kill()

    async def _answer(self, number: int, awaited: _Awaited) -> Answer:
        await awaited.there.wait()
        self._awaited.pop(number, None)
        return awaited.answer or Answer(number=number, state="lost", text=self._why)

    async def _send(self, request: Request) -> bool:
        try:
            if self._process is None or self._process.stdin is None or self._why:
                return False
            await self._process.stdin.send(TypeAdapter(Request).dump_json(request) + b"\n")
        except _BROKEN:
            return False
        return True

    async def _read(self, process: Process) -> None:
        """Hand out answers until the process ends; then everything that is awaited is lost."""
        if process.stdout is None:
            raise ValueError("the worker was started without pipes")
        lines = BufferedByteReceiveStream(process.stdout)
        with contextlib.suppress(*_BROKEN):
            while True:
                line = await lines.receive_until(b"\n", _LONGEST)
                answer = TypeAdapter(Answer).validate_json(line)
                self._connected = answer.state != "lost"
                if awaited := self._awaited.get(answer.number):
                    awaited.answer = answer
                    awaited.there.set()
        self._connected = False
        self._why = "the process that spoke to it has ended"
        for awaited in self._awaited.values():
            awaited.there.set()


async def _unreachable(address: str) -> str:
    """Why nobody listens at an address of a kind that can be tried; empty when somebody does."""
    place = urlsplit(address)
    try:
        with anyio.fail_after(_PATIENCE):
            if place.scheme == "unix":
                await (await anyio.connect_unix(place.path)).aclose()
            elif place.scheme == "tcp" and place.hostname and place.port:
                await (await anyio.connect_tcp(place.hostname, place.port)).aclose()
    except (OSError, ValueError) as error:
        return str(error.__cause__ or error)
    return ""
