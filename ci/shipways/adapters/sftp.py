"""SFTP: a file that is long on its way, gone on with where a lost connection has ended it."""

import posixpath
from collections.abc import Callable
from pathlib import Path
from typing import Final

import anyio
import asyncssh

from shipways.errors import Problem, Unfinished

_PIECE: Final = 1 << 22
"""Bytes that are under way at once: asyncssh sends them as requests side by side."""
_OPEN: Final = asyncssh.FXF_WRITE | asyncssh.FXF_CREAT
_LOST: Final = (asyncssh.SFTPConnectionLost, asyncssh.SFTPNoConnection)


async def resumed(
    connection: asyncssh.SSHClientConnection, source: Path, path: str, told: Callable[[int], None]
) -> None:
    """Write what a file on the host lacks; `told` hears how many bytes are there. Raises Unfinished when it refuses."""
    size, folder = source.stat().st_size, posixpath.dirname(path)
    try:
        async with connection.start_sftp_client() as sftp, sftp.open(path, _OPEN, encoding=None) as there:
            at = (await there.stat()).size or 0
            if at > size:  # what is there is another one
                await there.truncate(0)
                at = 0
            told(at)
            async with await anyio.open_file(source, "rb") as stream:
                await stream.seek(at)
                while piece := await stream.read(_PIECE):
                    await there.write(piece, at)
                    told(at := at + len(piece))
    except _LOST:
        raise
    except asyncssh.SFTPError as error:
        hint = f"SFTP tells no more; is the disk there full? `df -h {folder}; df -i {folder}`"
        raise Unfinished(Problem(path=path, what="cannot be written", why=error.reason, hint=hint)) from None
