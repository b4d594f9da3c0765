"""HTTP as channels speak it: one client a run, and what each answer means to the reconciler."""

import contextlib
import email.utils
import functools
import hashlib
import ipaddress
import ssl
from collections.abc import AsyncIterator, Collection
from pathlib import Path
from typing import Final

import httpx
from anyio import to_thread

from shipways import __version__
from shipways.adapters.files import DiskFiles
from shipways.errors import Moved, PreflightError, Problem, Transient, Unfinished
from shipways.ports import Clock

_TIMEOUT: Final = httpx.Timeout(60, connect=15)
_PIECE: Final = 1 << 20
_BODY: Final = 300
"""Characters of an answer that an error shows."""


def client(url: str = "", *, transport: httpx.AsyncBaseTransport | None = None) -> httpx.AsyncClient:
    """A client for requests below `url`. It follows redirects, without credentials to another origin (httpx's rule).

    HTTPS everywhere except on this machine itself, which no proxy is asked for.
    """
    return httpx.AsyncClient(
        base_url=url,
        transport=transport,
        verify=_tls(),
        timeout=_TIMEOUT,
        follow_redirects=True,
        trust_env=not loopback(httpx.URL(url).host),
        headers={"User-Agent": f"shipways/{__version__}"},
        event_hooks={"request": [_only_safe]},
        limits=httpx.Limits(max_connections=16),
    )


@functools.cache
def _tls() -> ssl.SSLContext:
    """The certificates, read once: that takes longer than a request."""
    return httpx.create_ssl_context()


async def send(
    http: httpx.AsyncClient, request: httpx.Request, *, clock: Clock, stream: bool = False
) -> httpx.Response:
    """The answer, whatever its status below 500 is. Raises Transient as `settled` does, and when none has come."""
    try:
        response = await http.send(request, stream=stream)
    except httpx.TransportError as error:
        reason = str(error) or type(error).__name__
        raise Transient(Problem(path=origin(request.url), what=f"does not answer: {reason}")) from None
    if response.status_code >= 500 or response.status_code == 429:
        await response.aread()
    return settled(response, clock)


async def pieces(source: Path, begin: int, end: int) -> AsyncIterator[bytes]:
    """Bytes of a file as the content of a request.

    Nobody tells a generator that a request was given up, so this one holds no file open.
    """
    for at in range(begin, end, _PIECE):
        yield await to_thread.run_sync(_read, source, at, min(_PIECE, end - at))


async def digest(response: httpx.Response) -> str:
    """The digest of the body of an answer, which is read in pieces."""
    hasher = hashlib.sha256()
    async for piece in response.aiter_bytes(_PIECE):
        hasher.update(piece)
    return f"sha256:{hasher.hexdigest()}"


async def body(response: httpx.Response, most: int) -> bytes | None:
    """The body of an answer, read in pieces; None when it has more bytes than that."""
    data = bytearray()
    async for piece in response.aiter_bytes(_PIECE):
        data += piece
        if len(data) > most:
            return None
    return bytes(data)


async def save(response: httpx.Response, into: Path) -> None:
    """Write the body of an answer to a file, which is there when all of it has come."""
    with DiskFiles().create(into) as stream:
        async for piece in response.aiter_bytes(_PIECE):
            await to_thread.run_sync(stream.write, piece)


async def download(http: httpx.AsyncClient, request: httpx.Request, into: Path, *, clock: Clock) -> None:
    """Write what a request answers to a file.

    Raises Moved when there is nothing, Unfinished when it is refused, Transient as `send` does and when it breaks off.
    """
    what = request.url.path.rpartition("/")[2]  # a query may hold what nobody should read
    gone = (httpx.codes.NOT_FOUND, httpx.codes.GONE)
    async with streamed(http, request, what, clock=clock, expected=gone) as response:
        if response.status_code in gone:
            raise Moved(Problem(path=what, what="is not there any more"))
        await save(response, into)


@contextlib.asynccontextmanager
async def streamed(
    http: httpx.AsyncClient, request: httpx.Request, what: str, *, clock: Clock, expected: Collection[int] = ()
) -> AsyncIterator[httpx.Response]:
    """A good answer, or one of these statuses, whose body is read in the block. `what` is the item that errors name.

    Raises Unfinished for any other answer, Transient as `send` does and when it breaks off.
    """
    response = await send(http, request, clock=clock, stream=True)
    try:
        if not response.is_success and response.status_code not in expected:
            await response.aread()
            raise refused(what, response)
        yield response
    except httpx.TransportError as error:
        raise Transient(Problem(path=what, what=f"breaks off: {type(error).__name__}")) from None
    finally:
        await response.aclose()


def settled(response: httpx.Response, clock: Clock) -> httpx.Response:
    """An answer that says what was done, and that asking again does not change.

    Raises Transient for a status ≥ 500 and for 429, with the time that the server asks for (RFC 9110, 10.2.3;
    `x-ratelimit-reset` of GitHub's REST API).
    """
    if response.status_code < 500 and response.status_code != 429:
        return response
    what = f"answered {response.status_code} {response.reason_phrase}"
    raise Transient(Problem(path=origin(response.url), what=what, why=said(response)), after=wait(response, clock))


def refused(what: str, response: httpx.Response, hint: str = "", why: str = "") -> Unfinished:
    """The error of an answer that trying again does not change. `what` is the item or action, `why` in our words."""
    status = f"{response.status_code} {response.reason_phrase}"
    return Unfinished(
        Problem(path=what, what=f"{origin(response.url)} refuses it: {status}", why=why or said(response), hint=hint)
    )


def said(response: httpx.Response) -> str:
    """The beginning of the body of an answer that was read."""
    with contextlib.suppress(UnicodeDecodeError, httpx.ResponseNotRead):
        return " ".join(response.text.split())[:_BODY]
    return ""


def wait(response: httpx.Response, clock: Clock) -> float | None:
    """How many seconds an answer asks for; None when it does not."""
    after = response.headers.get("Retry-After", "")
    with contextlib.suppress(ValueError):
        return max(0.0, float(after))
    with contextlib.suppress(ValueError):
        return max(0.0, email.utils.parsedate_to_datetime(after).timestamp() - clock.now())
    if response.headers.get("x-ratelimit-remaining") == "0":
        with contextlib.suppress(ValueError):
            return max(0.0, float(response.headers.get("x-ratelimit-reset", "")) - clock.now())
    return None


def origin(url: httpx.URL) -> str:
    """Scheme, host and port: a path or query may hold what nobody should read."""
    return str(url.copy_with(path="/", query=None, fragment=None, userinfo=b"")).rstrip("/")


def loopback(host: str) -> bool:
    """Whether a host is this machine."""
    if host == "localhost":
        return True
    with contextlib.suppress(ValueError):
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    return False


def safe(url: httpx.URL) -> None:
    """Raises PreflightError for a URL that is neither HTTPS nor of this machine."""
    if url.scheme != "https" and not loopback(url.host):
        raise PreflightError(
            Problem(path=origin(url), what="is not HTTPS", why="a token would be sent for everybody to read")
        )


def _read(source: Path, begin: int, size: int) -> bytes:
    with source.open("rb") as stream:
        stream.seek(begin)
        return stream.read(size)


async def _only_safe(request: httpx.Request) -> None:
    """Every request, those of redirects too."""
    safe(request.url)
