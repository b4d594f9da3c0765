"""Terminals for tests, with a process on each."""

import fcntl
import os
import pty
import select
import struct
import subprocess
import sys
import termios
import time

from sandbox import Repository

_ANSWERS = {b"\x1b]11;?": b"\x1b]11;rgb:0000/0000/0000\x1b\\", b"\x1b[6n": b"\x1b[1;1R"}
"""The colour of the background, and the place of the cursor (xterm's control sequences)."""


class Terminal:
    """shipways on a pseudo-terminal of 80 columns, which is its controlling terminal."""

    def __init__(self, repository: Repository, *words: str, **env: str) -> None:
        self.seen = b""
        mine = {"XDG_CACHE_HOME": str(repository.cache), "TERM": "xterm-256color", "COLUMNS": "80", "CI": ""}
        master, slave = pty.openpty()
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))
        self._master = master
        self.process = subprocess.Popen(
            (sys.executable, "-m", "shipways", *words),
            cwd=repository.root,
            env=os.environ | mine | {"GITHUB_ACTIONS": ""} | env,
            stdin=slave,
            stdout=slave,
            stderr=slave,
            preexec_fn=lambda: os.login_tty(slave),  # noqa: PLW1509 - nothing else makes it the controlling terminal
        )
        os.close(slave)

    def type(self, line: str) -> None:
        """Type a line, with Return."""
        os.write(self._master, f"{line}\r".encode())

    def modes(self) -> list[object]:
        """Those of the terminal (termios)."""
        return list(termios.tcgetattr(self._master))

    def read_until(self, text: bytes, seconds: float = 20) -> None:
        """Read until the text was seen, or the process has ended."""
        end = time.monotonic() + seconds
        while text not in self.seen and time.monotonic() < end and self._read():
            pass
        assert text in self.seen, self.seen.decode(errors="replace")

    def end(self, seconds: float = 20) -> int:
        """Read the rest; the exit code."""
        end = time.monotonic() + seconds
        while self._read() and time.monotonic() < end:
            pass
        return self.process.wait(timeout=1)

    def _read(self) -> bool:
        """Read what there is, and answer what is asked of a terminal; False when the other side has closed it."""
        if not select.select([self._master], [], [], 0.1)[0]:
            return self.process.poll() is None
        try:
            found = os.read(self._master, 65536)
        except OSError:  # Linux's way to say that it is closed
            return False
        for question, answer in _ANSWERS.items():
            if question in found:
                os.write(self._master, answer)
        self.seen += found
        return True

    def __enter__(self) -> "Terminal":
        return self

    def __exit__(self, *_: object) -> None:
        self.process.kill()
        self.process.wait()
        os.close(self._master)
