"""The file of tokens on disk."""

import os
import stat
from pathlib import Path
from typing import Final

from shipways.errors import PreflightError, Problem

_OTHERS: Final = stat.S_IWGRP | stat.S_IWOTH


class TokenFile:
    """The `Tokens` of `deployer/`: the file is read when it has changed."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._seen: tuple[int, ...] = ()
        self._text = ""

    def text(self) -> str:
        """Empty when it cannot be read, or when others than its owner may write it: then it lets nobody in."""
        try:
            with self._path.open(encoding="utf-8", errors="replace") as stream:
                there = os.fstat(stream.fileno())
                seen = (there.st_mtime_ns, there.st_ctime_ns, there.st_size, there.st_ino, there.st_mode)
                if seen != self._seen:
                    self._seen, self._text = seen, "" if there.st_mode & _OTHERS else stream.read()
        except OSError:
            self._seen, self._text = (), ""
        return self._text

    def check(self) -> None:
        """Whether it lets anybody in; one that is not there may come. Raises PreflightError."""
        try:
            with self._path.open("rb") as stream:
                others = os.fstat(stream.fileno()).st_mode & _OTHERS
        except FileNotFoundError:
            return
        except OSError as error:
            problem = Problem(path=str(self._path), what="cannot be read", why=error.strerror or "")
            raise PreflightError(problem) from None
        if others:
            why, hint = "so its tokens would let nobody in", f"`chmod go-w {self._path}`, and look at what is in it"
            problem = Problem(path=str(self._path), what="can be written by others than its owner", why=why, hint=hint)
            raise PreflightError(problem)

    def add(self, line: str) -> None:
        """One more line. A new file is its owner's alone; one that is there keeps its rights. Raises OSError."""
        descriptor = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
        with os.fdopen(descriptor, "r+b") as stream:
            whole = stream.read()
            stream.write(f"{line}\n".encode() if whole[-1:] in b"\n" else f"\n{line}\n".encode())
            stream.flush()
            os.fsync(descriptor)
