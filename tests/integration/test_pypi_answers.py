"""What the answers of an index mean, from a server that says what it is told to."""

import json
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import anyio
import pytest

from indexes import CANARY, Release, table, wheel
from shipways.adapters.pypi import SimpleIndex
from shipways.config.publish import PypiTable
from shipways.errors import Moved, PreflightError, Transient, Unfinished
from shipways.model.digest import digest_bytes

pytestmark = pytest.mark.integration

NAME, DATA = wheel("hello", "1.0.0")
JSON = "application/vnd.pypi.simple.v1+json"


@dataclass
class Answers:
    """Every request gets this, those to `/x` 401; a status line may have a reason of its own, as PyPI's has."""

    status: int = 200
    reason: str = ""
    body: str = ""
    headers: dict[str, str] = field(default_factory=dict)
    url: str = ""
    asked: list[tuple[str, str]] = field(default_factory=list)
    """Path and Authorization of each request."""


@pytest.fixture
def server() -> Iterator[Answers]:
    """A server, and what it answers."""
    answers = Answers()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            answers.asked.append((self.path, self.headers.get("Authorization", "")))
            self.rfile.read(int(self.headers.get("Content-Length", "0")))
            self.send_response(401 if self.path == "/x" else answers.status, answers.reason or None)
            for name, value in answers.headers.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(answers.body.encode())

        do_POST = do_GET  # noqa: N815 - the name that http.server calls

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name it is called with
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as listening:
        answers.url = f"http://127.0.0.1:{listening.server_address[1]}"
        threading.Thread(target=listening.serve_forever, args=(0.02,), daemon=True).start()
        yield answers
        listening.shutdown()


@pytest.fixture
def index(server: Answers, tmp_path: Path) -> Callable[..., SimpleIndex]:
    """The index over the server."""
    (tmp_path / NAME).write_bytes(DATA)
    env = {"TWINE_USERNAME": "ann", "TWINE_PASSWORD": CANARY}
    return lambda **changes: Release(tmp_path, table(server.url, **changes), env).index()


@pytest.mark.parametrize(
    ("status", "reason", "body", "kind", "text"),
    [
        (400, "File already exists ('x', with blake2_256 hash 'y')", "Bad", Moved, "File already exists ('x', with"),
        (400, "", "<html><style>a{}</style><h1>File already exists (&#39;x&#39;)</h1>", Moved, "why: File already"),
        (409, "", "", Moved, "is there by now, with other bytes"),
        (400, "This filename has already been used, use a different version.", "", Unfinished, "uses up the name"),
        (400, "Invalid value for classifiers.", "", Unfinished, "why: Invalid value for classifiers."),
        (401, "", "", Unfinished, "fix: set SHIPWAYS_PYPI_TOKEN"),
        (403, "", "The given token isn't allowed", Unfinished, "fix: check that the token is for this project"),
        (413, "", "", Unfinished, "413"),
        (302, "", "", Unfinished, "refuses it: 302"),
        (500, "", "", Transient, "answered 500"),
        (429, "", "", Transient, "answered 429"),
    ],
)
def test_upload(  # noqa: PLR0913, PLR0917 - a table
    server: Answers,
    index: Callable[..., SimpleIndex],
    tmp_path: Path,
    status: int,
    reason: str,
    body: str,
    kind: type[Unfinished],
    text: str,
) -> None:
    """Each answer is the kind of error that it is, with the reason wherever the server says it; it is asked once."""
    server.status, server.reason, server.body = status, reason, body
    server.headers = {"Retry-After": "7"} if status == 429 else {"Location": "/away"} if status == 302 else {}
    with pytest.raises(Unfinished) as raised:
        anyio.run(index().upload, tmp_path / NAME)
    assert (kind, True, 1) == (type(raised.value), text in str(raised.value), len(server.asked)), raised.value
    assert (status == 429) == (getattr(raised.value, "after", None) == 7.0)
    assert CANARY not in str(raised.value)


def test_nobody_answers(tmp_path: Path) -> None:
    """A port where nothing listens is a network fault; twine does not try on its own."""
    (tmp_path / NAME).write_bytes(DATA)
    index = Release(tmp_path, table("http://127.0.0.1:1"), {"TWINE_PASSWORD": CANARY}).index()
    with pytest.raises(Transient, match="does not answer: ConnectionError"):
        anyio.run(index.upload, tmp_path / NAME)


def test_only_safe(tmp_path: Path) -> None:
    """No password leaves this machine without TLS."""
    (tmp_path / NAME).write_bytes(DATA)
    index = Release(tmp_path, table("http://index.example"), {"TWINE_PASSWORD": CANARY}).index()
    with pytest.raises(PreflightError, match="is not HTTPS"):
        anyio.run(index.upload, tmp_path / NAME)
    with pytest.raises(PreflightError, match="is not HTTPS"):
        anyio.run(index.files, "hello", [NAME])


def test_newer_page(server: Answers, index: Callable[..., SimpleIndex]) -> None:
    """A minor version that nobody knows yet only adds, and nothing is said about it."""
    server.headers = {"Content-Type": JSON}
    file = {"filename": NAME, "url": "../x", "hashes": {"sha256": digest_bytes(DATA).removeprefix("sha256:").upper()}}
    server.body = json.dumps({"meta": {"api-version": "1.99"}, "name": "hello", "new": 1, "files": [file]})
    assert digest_bytes(DATA) == anyio.run(index().files, "hello", [NAME])[NAME].value


@pytest.mark.parametrize(
    ("status", "body", "text"),
    [
        (200, "<html>Please log in", "has a page of hello that cannot be read"),
        (200, '{"meta": {"api-version": "2.0"}, "name": "hello", "files": []}', "that cannot be read"),
        (403, "", "fix: check publish.pypi.simple, and the token"),
    ],
    ids=["no page", "another format", "forbidden"],
)
def test_wrong_page(server: Answers, index: Callable[..., SimpleIndex], status: int, body: str, text: str) -> None:
    """What is no page of an index is an error, and no empty project."""
    server.status, server.body, server.headers = status, body, {"Content-Type": JSON}
    with pytest.raises(Unfinished) as raised:
        anyio.run(index().files, "hello", [NAME])
    assert text in str(raised.value)


def test_password_only_when_asked(server: Answers, index: Callable[..., SimpleIndex], tmp_path: Path) -> None:
    """Who reads says who it is only after 401, and only to the origin that files are sent to."""
    server.status = 401
    with pytest.raises(Unfinished):
        anyio.run(index().files, "hello", [NAME])
    assert ["", "Basic"] == [said.partition(" ")[0] for _, said in server.asked]
    server.asked.clear()
    elsewhere = PypiTable(repository="https://index.example/legacy/", simple=f"{server.url}/simple/")
    with pytest.raises(Unfinished):
        anyio.run(Release(tmp_path, elsewhere, {"TWINE_PASSWORD": CANARY}).index().files, "hello", [NAME])
    assert [""] == [said for _, said in server.asked]


@pytest.mark.parametrize(("host", "asked"), [("127.0.0.1", 2), ("localhost", 1)])
def test_password_stays(server: Answers, index: Callable[..., SimpleIndex], host: str, asked: int) -> None:
    """A file that must be read for its digest may lie elsewhere; who asks for a password there gets none."""
    server.headers = {"Content-Type": "text/html"}
    server.body = f'<a href="{server.url.replace("127.0.0.1", host)}/x#md5=0">{NAME}</a>'
    with pytest.raises(Unfinished, match="refuses it: 401"):
        anyio.run(index().files, "hello", [NAME])
    assert asked == len([path for path, _ in server.asked if path == "/x"])


def test_index_without_trusted_publishing(
    server: Answers, index: Callable[..., SimpleIndex], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Said so, with what to set instead."""
    server.status = 404
    with pytest.raises(Unfinished, match="tells no audience: 404") as raised:
        anyio.run(index(trusted=True).authorize)
    assert "publish.pypi.trusted = false" in str(raised.value)
