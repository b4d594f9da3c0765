"""A project with services, as text and as the files that it renders."""

import contextlib
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Final

from shipways.config.load import parse
from shipways.model.daemon import Machine
from shipways.model.source import SourceFile, SourceTree
from shipways.ports import Renderer
from support import facts

PLACEHOLDER: Final = re.compile(r"\{[a-z][a-z0-9._-]*\}")
"""What the config fills in, in a value."""
MACHINE: Final = Machine(system="linux", arch="x86_64", home="/root", uid=0)
"""One that deployments elsewhere do not care for."""
HEAD: Final = """
[project]
name = "shop"
repository = "example/shop"

[package.shop]
build = "go"

[image.shop]
package = "shop"
repositories = ["ghcr.io/example/shop"]
volumes = ["/data"]
command = ["serve"]

"""
SHOP: Final = """
[service.shop]
image = "shop"
port = 8080
health = "/health"
data = { main = "/data" }

[service.shop.env]
SHOP_DATA = { default = "{data.main}" }
SHOP_TOKEN = { secret = true, required = true }
"""
METERED: Final = """
[service.shop]
image = "shop"
port = 8080
metrics = "/metrics"

[service.shop.series]
requests = "shop_requests_total"
duration = "shop_request_seconds"
gauges = ["shop_items"]
"""


def rendered(
    renderer: Renderer, services: str = SHOP, sources: Sequence[str] = (), *, head: str = HEAD
) -> Mapping[str, str]:
    """The files of a renderer by their paths, for a project with these services and source files."""
    files = tuple(SourceFile(path=path, mode="100644", oid="0" * 40) for path in sources)
    said = replace(facts(shop="1.0.0"), source=SourceTree(files=files))
    return {file.path: file.text for file in renderer.rendered(parse(head + services, "shipways.toml"), said)}


@contextlib.contextmanager
def answering(status: int, body: bytes) -> Iterator[int]:
    """Somebody at a port of this machine, who answers every question so."""

    class Answers(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(status)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - its name
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Answers) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        yield server.server_port
        server.shutdown()
