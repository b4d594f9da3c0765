"""How services are asked, over a real socket."""

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from aegis_qa.runner import ask_http


class _Handler(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(int(self.path[1:]))
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - its name there
        """Say nothing."""


@pytest.fixture
def url() -> Iterator[str]:
    """A server that answers /STATUS."""
    with HTTPServer(("127.0.0.1", 0), _Handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


@pytest.mark.parametrize("status", [200, 404, 503])
def test_status(url: str, status: int) -> None:
    """An error is an answer too."""
    assert status == ask_http(f"{url}/{status}")


def test_nobody() -> None:
    """Nobody listens there."""
    assert ask_http("http://127.0.0.1:1/health") is None
