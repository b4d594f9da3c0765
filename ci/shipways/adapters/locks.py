"""File locks that the kernel frees when their last holder dies, so none is ever stale."""

import contextlib
import os
import sys
from collections.abc import Iterator
from pathlib import Path

import anyio

if sys.platform != "win32":
    import fcntl

    def _try(descriptor: int) -> bool:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True
elif sys.platform == "win32":
    import msvcrt

    def _try(descriptor: int) -> bool:
        try:
            msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
        except OSError:
            return False
        return True


@contextlib.contextmanager
def try_lock(path: Path) -> Iterator[int | None]:
    """The descriptor of the lock, or None when somebody holds it. A child that inherits the descriptor holds it too."""
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        yield descriptor if _try(descriptor) and _current(descriptor, path) else None
    finally:
        os.close(descriptor)


async def wait_lock(stack: contextlib.ExitStack, path: Path) -> int:
    """The descriptor of the lock, as soon as nobody else holds it; `stack`, which must be empty, frees it."""
    while (descriptor := stack.enter_context(try_lock(path))) is None:
        stack.close()
        await anyio.sleep(0.1)
    return descriptor


def _current(descriptor: int, path: Path) -> bool:
    """Whether the locked file still has its name: its last holder may have removed it while we waited."""
    try:
        return os.path.samestat(os.fstat(descriptor), path.stat())
    except FileNotFoundError:
        return False
