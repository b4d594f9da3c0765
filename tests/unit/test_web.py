"""An answer that is read in pieces: judged before, closed after, and what it means when it breaks off."""

from pathlib import Path

import anyio
import httpx
import pytest

from httpdouble import DATA, answer
from shipways.adapters import web
from shipways.errors import Moved, Transient, Unfinished
from shipways.model.digest import digest_bytes
from shipways.testing.console import ManualClock

URL = "https://files.example/demo.tar.gz?token=canary"


def client(response: httpx.Response) -> httpx.AsyncClient:
    """A client that gets this answer to everything."""
    return web.client(transport=httpx.MockTransport(lambda _: response))


def digest(response: httpx.Response, expected: tuple[int, ...] = ()) -> str:
    """The digest of what is streamed; it is closed by then, however that ends."""

    async def main() -> str:
        async with client(response) as http:
            request = http.build_request("GET", URL)
            async with web.streamed(http, request, "demo", clock=ManualClock(), expected=expected) as found:
                return await web.digest(found)

    try:
        return anyio.run(main)
    finally:
        assert response.is_closed


def test_good_or_expected() -> None:
    """The body of a good answer, and of another one that the caller knows what to do with."""
    assert digest_bytes(DATA) == digest(answer(DATA))
    assert digest_bytes(b"no") == digest(answer(b"no", 404), expected=(404, 410))


@pytest.mark.parametrize("status", [401, 404])
def test_refused(status: int) -> None:
    """Any other answer is refused in the words of the server."""
    with pytest.raises(Unfinished, match=rf"demo: https://files\.example refuses it: {status}(.|\n)*go away"):
        digest(answer(b"go away", status))


def test_breaks_off() -> None:
    """A body that is not whole is worth another try."""
    with pytest.raises(Transient, match="demo: breaks off: ReadError"):
        digest(answer(DATA, breaks=True))


@pytest.mark.parametrize(
    ("response", "error"),
    [(answer(b"", 404), Moved), (answer(b"", 410), Moved), (answer(DATA, breaks=True), Transient)],
    ids=["not found", "gone", "breaks off"],
)
def test_download(response: httpx.Response, error: type[Exception], tmp_path: Path) -> None:
    """What is gone has moved, what is not whole gets no name, and nothing is told of a query."""

    async def main() -> None:
        async with client(response) as http:
            await web.download(http, http.build_request("GET", URL), tmp_path / "file", clock=ManualClock())

    with pytest.raises(error, match=r"demo\.tar\.gz: ") as raised:
        anyio.run(main)
    assert ([], False) == (list(tmp_path.iterdir()), "canary" in str(raised.value))
