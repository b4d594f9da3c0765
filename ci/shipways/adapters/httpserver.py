"""Serves an application over HTTP until a signal ends it: slow clients are cut off, and what is begun is answered."""

import asyncio
import contextlib
import functools
import signal
import socket
import ssl
from collections.abc import Callable
from dataclasses import dataclass
from types import FrameType
from typing import Any, Final

import uvicorn
from starlette.types import ASGIApp
from uvicorn.protocols.http.h11_impl import H11Protocol

from shipways.errors import PreflightError, Problem

_GRACE: Final = 10
"""Seconds for answers that are under way when it is to end."""
_CONNECTIONS: Final = 512
"""How many at once; one more is answered with 503."""
_LONGEST: Final = 32_768
"""Bytes of the head of a request."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Listening:
    """Where, with which certificate and key (files; empty for plain HTTP). `head`: seconds for that of a request."""

    host: str
    port: int
    certificate: str = ""
    key: str = ""
    head: float = 10.0


class _Prompt(H11Protocol):
    """A connection on which no request begins in time is closed: uvicorn itself would wait for ever."""

    def __init__(self, head: float, **options: Any) -> None:
        super().__init__(**options)
        self._head = head
        self._late: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._await()

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        if self.cycle is None or self.cycle.response_complete:
            self._await()
        else:
            self._forget()

    def connection_lost(self, exc: Exception | None) -> None:
        self._forget()
        super().connection_lost(exc)

    def _await(self) -> None:
        if self._late is None:
            self._late = self.loop.call_later(self._head, self.transport.close)

    def _forget(self) -> None:
        if self._late is not None:
            self._late.cancel()
            self._late = None


class _Server(uvicorn.Server):
    """Ends by itself after a signal, which is what it was told to do; streams are told before it waits for them."""

    def __init__(self, config: uvicorn.Config, stopping: Callable[[], None]) -> None:
        super().__init__(config)
        self._stopping = stopping

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """A second Ctrl-C does not wait."""
        del frame
        self.force_exit = self.should_exit and sig == signal.SIGINT
        self.should_exit = True

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        self._stopping()
        await super().shutdown(sockets)


async def served(app: ASGIApp, where: Listening, stopping: Callable[[], None], ready: Callable[[str], None]) -> None:
    """Serve until SIGINT or SIGTERM. `ready` is told the URL; `stopping` is called before connections are waited for.

    Raises PreflightError when the address cannot be had, or the certificate not be used.
    """
    listener = _bound(where)
    options: dict[str, Any] = {"ssl_certfile": where.certificate, "ssl_keyfile": where.key} if where.certificate else {}
    config = uvicorn.Config(
        app,
        http=functools.partial(_Prompt, where.head),  # type: ignore[arg-type] # it is only called
        ws="none",
        lifespan="off",
        proxy_headers=False,
        server_header=False,
        limit_concurrency=_CONNECTIONS,
        h11_max_incomplete_event_size=_LONGEST,
        timeout_graceful_shutdown=_GRACE,
        **options,
    )
    try:
        config.load()
    except (OSError, ssl.SSLError) as error:
        listener.close()
        problem = Problem(path="serve.access", what="the certificate cannot be used", why=str(error))
        raise PreflightError(problem) from None
    scheme = "https" if where.certificate else "http"
    with contextlib.closing(listener):
        host, port = listener.getsockname()[:2]
        ready(f"{scheme}://{f'[{host}]' if ':' in host else host}:{port}")
        await _Server(config, stopping).serve([listener])


def _bound(where: Listening) -> socket.socket:
    try:
        family = socket.getaddrinfo(where.host, where.port, type=socket.SOCK_STREAM)[0][0]
        listener = socket.create_server((where.host, where.port), family=family)
    except OSError as error:
        place = f"{where.host}:{where.port}"
        raise PreflightError(
            Problem(path="serve.listen", what=f"{place} cannot be had", why=error.strerror or str(error))
        ) from None
    # Connections inherit it; without it every second answer waits 40 ms for an acknowledgement.
    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return listener
