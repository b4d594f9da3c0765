"""Unit tests may not start programs or open connections."""

import socket
import subprocess
from collections.abc import Iterator

import pytest


@pytest.fixture(autouse=True)
def closed_doors(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Sockets to the outside and subprocesses raise."""

    def refuse(*args: object, **_: object) -> None:
        raise AssertionError(f"a unit test may not do this: {args}")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    monkeypatch.setattr(subprocess.Popen, "__init__", refuse)
    yield
