"""The deployer's API on a real port: slow clients, floods, the end, TLS."""

import socket
import ssl
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import pytest
import trustme

from asking import CANARY, wish
from deskserver import Served, deskserver
from shipways.adapters.tokenfile import TokenFile

pytestmark = pytest.mark.integration


def plug(server: Served) -> socket.socket:
    """A connection."""
    place = urlsplit(server.url)
    return socket.create_connection((place.hostname or "", place.port or 0), timeout=10)


@pytest.fixture(scope="module")
def hasty(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """A server that waits half a second for the head of a request."""
    with deskserver(tmp_path_factory.mktemp("hasty"), head=0.5) as server:
        yield server


@pytest.mark.parametrize("sent", [b"", b"GET /livez HTTP/1.1\r\n", b"GET /livez HTTP/1.1\r\nhost: a\r\n\r\nGET"])
def test_slow_head(hasty: Served, sent: bytes) -> None:
    """F32: a connection on which no whole head of a request comes in time is closed, the second request's too."""
    with plug(hasty) as connection:
        connection.sendall(sent)
        begin = time.monotonic()
        while connection.recv(4096):
            pass
        assert 0.3 < time.monotonic() - begin < 8


def test_slow_clients_hold_nobody_up(hasty: Served) -> None:
    """F32: while a hundred connections dribble, another is answered at once."""
    slow = [plug(hasty) for _ in range(100)]
    for connection in slow:
        connection.sendall(b"GET /livez HTTP/1.1\r\nx: ")
    with hasty.client() as http:
        begin = time.monotonic()
        assert 200 == http.get("/services").status_code
        assert time.monotonic() - begin < 2
    for connection in slow:
        connection.close()


def test_long_head(hasty: Served) -> None:
    """F32: a head without an end is refused, not collected."""
    with plug(hasty) as connection:
        connection.sendall(b"GET /livez HTTP/1.1\r\nx: " + b"y" * 100_000)
        assert connection.recv(4096).startswith(b"HTTP/1.1 4")


def test_flood(tmp_path: Path) -> None:
    """F32: of a flood on several connections as many are answered as allowed; memory does not grow with it."""
    with deskserver(tmp_path, rate=60) as server:

        def ask(number: int) -> int:
            with httpx.Client(base_url=server.url, trust_env=False) as http:
                codes = [http.get("/services", headers={"authorization": f"Bearer {number}{n}"}) for n in range(50)]
                return sum(answer.status_code == 401 for answer in codes)

        with ThreadPoolExecutor(4) as pool:
            let_in = sum(pool.map(ask, range(4)))
        assert 60 <= let_in <= 75
        with server.client() as http:
            assert 200 == http.get("/services").status_code
            assert memory(server) < 150_000_000


def memory(server: Served) -> int:
    """Bytes that are resident."""
    status = Path(f"/proc/{server.process.pid}/status").read_text()
    return next(int(line.split()[1]) * 1024 for line in status.splitlines() if line.startswith("VmRSS"))


def test_huge_body(tmp_path: Path) -> None:
    """F32: of a body of 200 MB no more is kept than allowed."""
    with deskserver(tmp_path) as server, server.client() as http:
        before = memory(server)
        answer = http.post("/deploy", content=(b" " * 100_000 for _ in range(30)))
        assert 413 == answer.status_code
        with plug(server) as connection:
            connection.sendall(
                f"POST /deploy HTTP/1.1\r\nhost: a\r\nauthorization: Bearer {server.token}\r\n"
                "content-type: application/json\r\ncontent-length: 200000000\r\n\r\n".encode()
            )
            sent = 0
            with pytest.raises(OSError, match=r"reset|pipe"):
                while sent < 200_000_000:
                    sent += connection.send(b" " * 100_000)
            assert sent < 20_000_000
        assert memory(server) - before < 30_000_000


def test_end(tmp_path: Path) -> None:
    """SIGTERM ends it with 0: who follows a job does not hold it up, and nothing of it is a bug."""
    with deskserver(tmp_path, still=True) as server, server.client() as http:
        job = http.post("/deploy", json=wish()).json()["deploy_job_id"]
        with http.stream("GET", f"/deploy/{job}/events") as stream:
            lines = stream.iter_lines()
            assert "event: status" == next(lines)
            begin = time.monotonic()
            code = server.end()
            assert (0, True) == (code, time.monotonic() - begin < 5)
            assert [] == [line for line in lines if line.startswith("event: end")]
        log = (tmp_path / "server.log").read_text()
        assert ("Traceback" in log, server.token in log, CANARY in log) == (False, False, False)


def test_tls(tmp_path: Path) -> None:
    """With a certificate it speaks HTTPS, of a version that is still good, and nothing else."""
    authority, certificate = trustme.CA(), tmp_path / "server.pem"
    authority.issue_cert("127.0.0.1").private_key_and_cert_chain_pem.write_to_path(str(certificate))
    trust = ssl.create_default_context()
    authority.configure_trust(trust)
    with deskserver(tmp_path, certificate=str(certificate)) as server:
        with server.client(verify=trust) as http:
            assert (200, True) == (http.get("/services").status_code, server.url.startswith("https://"))
        with httpx.Client(base_url=server.url, trust_env=False) as http, pytest.raises(httpx.ConnectError):
            http.get("/livez")
        old = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        authority.configure_trust(old)
        with pytest.deprecated_call():
            old.maximum_version = ssl.TLSVersion.TLSv1_1
        with server.client(verify=old) as http, pytest.raises(httpx.ConnectError):
            http.get("/livez")


def test_token_file(tmp_path: Path) -> None:
    """A new file is its owner's alone; a line more is a line; one that others may write lets nobody in."""
    path = tmp_path / "tokens"
    tokens = TokenFile(path)
    assert "" == tokens.text()
    tokens.add("one")
    assert (0o600, "one\n") == (path.stat().st_mode & 0o777, tokens.text())
    path.write_text("one")
    path.chmod(0o640)
    tokens.add("two")
    assert (0o640, "one\ntwo\n") == (path.stat().st_mode & 0o777, tokens.text())
    path.chmod(0o660)
    assert "" == tokens.text()
    path.chmod(0o600)
    assert "one\ntwo\n" == tokens.text()
    path.unlink()
    assert "" == tokens.text()
