"""A stand-in on a loopback port, in a thread of its own for as long as a block runs."""

import contextlib
import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import uvicorn
from starlette.types import ASGIApp

from shipways.errors import PreflightError, Problem

_PATIENCE: Final = 10.0
"""Seconds in which a server starts."""


@contextlib.contextmanager
def served(app: ASGIApp, *, certificate: Path | None = None) -> Iterator[str]:
    """The URL of the application while the block runs: HTTPS with a certificate (PEM, its key in the same file)."""
    listener = socket.create_server(("127.0.0.1", 0))
    # Connections inherit it; without it every second answer waits 40 ms for an acknowledgement.
    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    config = uvicorn.Config(
        app, log_level="critical", lifespan="off", timeout_graceful_shutdown=1, ssl_certfile=certificate
    )
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
    thread.start()
    end = time.monotonic() + _PATIENCE
    while not server.started:
        if not thread.is_alive() or time.monotonic() > end:
            raise PreflightError(Problem(path="rehearse", what="a stand-in does not start"))
        time.sleep(0.01)
    try:
        yield f"{'https' if certificate else 'http'}://127.0.0.1:{listener.getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join(_PATIENCE)
        listener.close()
