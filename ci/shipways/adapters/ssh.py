"""SSH: hosts whose keys are known, logged in to by keys alone."""

import asyncio
import contextlib
import posixpath
import shlex
from collections.abc import AsyncIterator, Callable, Sequence
from pathlib import Path
from typing import Final

import anyio
import asyncssh

from shipways.adapters.files import DiskFiles
from shipways.adapters.hearing import heard
from shipways.adapters.sftp import resumed
from shipways.adapters.sshlogin import login
from shipways.adapters.written import PUT
from shipways.errors import Problem, Transient, Unfinished
from shipways.model.digest import digest_bytes
from shipways.outside.hosts import Address, Host
from shipways.ports import Completed
from shipways.tasks import together

_ALIVE: Final = 5
"""Seconds between questions whether the other side is there; three without an answer, and it is not."""
_BEAT: Final = 1.0
"""Seconds between the signs of life for what is held; tender lets go after 4 without one."""
_CHANNELS: Final = 9
"""Commands at once on a connection, and what is held: sshd allows ten (MaxSessions)."""
_TOKEN: Final = b'{"token":'
"""How the line begins of one that holds; one that does not begins with who does, and ends."""
_PIECE: Final = 1 << 18


class SshHosts:
    """The `Hosts` port."""

    def __init__(self) -> None:
        self._open: dict[Address, SshHost] = {}
        self._locks: dict[Address, anyio.Lock] = {}

    async def reach(self, address: Address) -> Host:
        """One connection for each, made anew when it was lost."""
        async with self._locks.setdefault(address, anyio.Lock()):
            host = self._open.get(address)
            if host is None or host.gone:
                host = self._open[address] = await _connected(address)
            return host

    async def aclose(self) -> None:
        """All at once. What is held ends in any case, also where a link hangs and this is cancelled."""
        hosts = [*self._open.values()]
        self._open.clear()
        for host in hosts:
            host.silence()
        try:
            await together(host.aclose for host in hosts)
        finally:
            for host in hosts:
                host.abort()


class SshHost:
    """The `Host` port, over one connection. `root` is what makes a command run as root."""

    def __init__(self, address: Address, connection: asyncssh.SSHClientConnection, root: Sequence[str]) -> None:
        self._address = address
        self._connection = connection
        self._root = root
        self._turns = anyio.CapacityLimiter(_CHANNELS)
        self._held: list[tuple[asyncssh.SSHClientProcess[bytes], asyncio.Task[None]]] = []
        self._lines: dict[str, tuple[asyncssh.SSHClientProcess[bytes], str]] = {}

    @property
    def gone(self) -> bool:
        """Whether the connection has ended."""
        return self._connection.is_closed()

    def held(self, lock: str) -> str:
        """As tender said it, as long as that runs: it lets go of a link that was silent for too long."""
        process, line = self._lines.get(lock, (None, ""))
        return line if process and process.returncode is None else ""

    async def run(self, argv: Sequence[str], stdin: bytes = b"") -> Completed:
        """Each word arrives as it is."""
        async with self._turns, self._answering():
            done = await self._connection.run(self._command(argv), input=stdin, encoding=None, check=False)
            return _completed(done.returncode, done.stdout, done.stderr, self._address)

    async def follow(self, argv: Sequence[str], told: Callable[[str], None]) -> Completed:
        """Both streams are one, in the order in which they were written to."""
        async with (
            self._turns,
            self._answering(),
            self._connection.create_process(self._command(argv), encoding=None, stderr=asyncssh.STDOUT) as process,
        ):
            process.stdin.write_eof()
            end = await heard(process.stdout, told)
            done = await process.wait(check=False)
        return _completed(done.returncode, end, b"", self._address)

    async def put(self, source: Path | bytes, path: str, *, mode: int, within: Sequence[str] = ()) -> None:
        """By way of a file beside it, whose bytes are compared before it takes the name."""
        digest = (await anyio.to_thread.run_sync(_digest, source)).removeprefix("sha256:")
        done = await self._stream(source, ("sh", "-c", PUT, "sh", path, digest, f"{mode:o}", *within))
        if done.code:
            raise self._unwritten(path, done.stderr.strip())

    async def send(self, source: Path, path: str, told: Callable[[int], None]) -> None:
        """By SFTP, which is done as who logs in: the folder is theirs."""
        made = await self.run(("install", "-d", "-m", "0700", "-o", self._address.user, "--", posixpath.dirname(path)))
        if made.code:
            raise self._unwritten(path, made.stderr.strip())
        async with self._turns, self._answering():
            await resumed(self._connection, source, path, told)
        if await self.digest(path) != await anyio.to_thread.run_sync(_digest, source):
            await self.run(("rm", "-f", "--", path))
            raise Transient(Problem(path=self._address.name, what=f"{path} has not arrived as it was sent"))

    async def digest(self, path: str) -> str:
        """By coreutils."""
        done = await self.run(("sha256sum", "--", path))
        return "" if done.code else f"sha256:{done.stdout.lstrip(chr(92))[:64]}"

    async def hold(self, locks: Sequence[str], argv: Sequence[str]) -> Completed:
        """It is told a line every few seconds; sshd ends its input with the connection."""
        async with self._answering():
            process = await self._connection.create_process(self._command(argv), encoding=None)
            line = await process.stdout.readline()
            if line.startswith(_TOKEN):
                self._held = [each for each in self._held if each[0].returncode is None]
                self._held.append((process, asyncio.get_running_loop().create_task(_beat(process))))
                self._turns.total_tokens = max(_CHANNELS - len(self._held), 1)
                told = line.decode(errors="replace")
                self._lines |= dict.fromkeys(locks, (process, told))
                return Completed(code=0, stdout=told, stderr="")
            done = await process.wait(check=False)
            rest = line + _bytes(done.stdout)
            return _completed(done.returncode, rest, done.stderr, self._address)

    def silence(self) -> None:
        """No sign of life is given any more for what is held."""
        for _, beat in self._held:
            beat.cancel()

    def abort(self) -> None:
        """End the connection, if it has not ended, without a word to the other side."""
        self._connection.abort()

    async def aclose(self) -> None:
        """What is held sees the end of its input, and is waited for."""
        with contextlib.suppress(OSError, asyncssh.Error), anyio.move_on_after(_ALIVE):
            for process, _ in self._held:
                process.stdin.write_eof()
            for process, _ in self._held:
                await process.wait(check=False)
        self._connection.close()
        with contextlib.suppress(OSError, asyncssh.Error), anyio.move_on_after(_ALIVE):
            await self._connection.wait_closed()

    async def _stream(self, source: Path | bytes, argv: Sequence[str]) -> Completed:
        """A command whose input is a file, in pieces."""
        async with (
            self._turns,
            self._answering(),
            self._connection.create_process(self._command(argv), encoding=None) as process,
        ):
            with contextlib.suppress(BrokenPipeError):  # it has ended, and says why
                async for piece in _pieces(source):
                    process.stdin.write(piece)
                    await process.stdin.drain()
                process.stdin.write_eof()
            done = await process.wait(check=False)
            return _completed(done.returncode, done.stdout, done.stderr, self._address)

    def _command(self, argv: Sequence[str]) -> str:
        return shlex.join((*self._root, *argv))

    def _unwritten(self, path: str, why: str) -> Unfinished:
        hint = "look at the disk of the host and its rights there"
        return Unfinished(Problem(path=f"{self._address.name}:{path}", what="cannot be written", why=why, hint=hint))

    @contextlib.asynccontextmanager
    async def _answering(self) -> AsyncIterator[None]:
        try:
            yield
        except (OSError, asyncssh.Error) as error:
            raise _silent(self._address, error) from None


async def _connected(address: Address) -> SshHost:
    try:
        connection = await login(address, alive=_ALIVE)
    except (OSError, asyncssh.Error) as error:
        raise _silent(address, error) from None
    return SshHost(address, connection, () if address.user == "root" else ("sudo", "-n", "--"))


def _silent(address: Address, error: Exception) -> Transient:
    why = str(error) or type(error).__name__
    return Transient(Problem(path=address.name, what="does not answer", why=why, hint="try again"))


def _completed(code: int | None, out: object, err: object, address: Address) -> Completed:
    """Raises Transient where nobody knows how it ended."""
    if code is None:
        raise _silent(address, ConnectionResetError("the connection was lost while a command ran"))
    texts = (_bytes(each).decode(errors="replace") for each in (out, err))
    return Completed(code=code, stdout=next(texts), stderr=next(texts))


def _bytes(text: object) -> bytes:
    """What a process printed; it has no text, since no encoding was asked for."""
    return text if isinstance(text, bytes) else b""


def _digest(source: Path | bytes) -> str:
    return digest_bytes(source) if isinstance(source, bytes) else DiskFiles().digest(source)


async def _pieces(source: Path | bytes) -> AsyncIterator[bytes]:
    if isinstance(source, bytes):
        yield source
        return
    async with await anyio.open_file(source, "rb") as stream:
        while piece := await stream.read(_PIECE):
            yield piece


async def _beat(process: "asyncssh.SSHClientProcess[bytes]") -> None:
    with contextlib.suppress(OSError, asyncssh.Error):
        while True:
            await asyncio.sleep(_BEAT)
            process.stdin.write(b"\n")
            await process.stdin.drain()
