#!/usr/bin/python3
"""A service for tests: it can be late, hang, fail and print much, when it is asked to; Python's own library alone."""

import hashlib
import json
import os
import signal
import socket
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

BEGAN, DELAY = time.monotonic(), float(os.environ.get("TOY_DELAY", "0"))
HUNG, ENDS = threading.Event(), threading.Event()


def end(number: int) -> None:
    os.kill(os.getpid(), number)
    time.sleep(60)


def flood() -> None:
    for count in range(8000):
        sys.stdout.write(f"{count:06d} {'x' * 4000}\n")
    sys.stdout.flush()


def write() -> None:
    """On and on, two files that agree only between two writes: `log`, and `sum` with its digest."""
    folder, digest = Path(os.environ["STATE_DIRECTORY"]), hashlib.sha256()
    with (folder / "log").open("wb", buffering=0) as log:
        while not ENDS.is_set():
            line = os.urandom(2000)
            log.write(line)
            digest.update(line)
            (folder / "sum").write_text(digest.hexdigest())


ACTIONS = {
    "/write": lambda: threading.Thread(target=write).start(),
    "/hang": HUNG.set,
    "/exit": lambda: os._exit(1),
    "/crash": lambda: end(signal.SIGSEGV),
    "/eat": lambda: bytearray(os.urandom(1 << 20) * 400),
    "/flood": flood,
}


class Handler(BaseHTTPRequestHandler):
    """Answers /health, tells about itself, and does what a path names."""

    def do_GET(self) -> None:
        if HUNG.is_set():
            time.sleep(3600)
        ready = time.monotonic() - BEGAN >= DELAY
        told = {"pid": os.getpid(), "argv": sys.argv[1:], "env": dict(os.environ), "uid": os.getuid()}
        body = json.dumps(told).encode()
        self.send_response(200 if ready or self.path != "/health" else 503)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
        self.wfile.flush()
        ACTIONS.get(self.path, lambda: None)()

    def log_message(self, *words: object) -> None:
        """Nothing: it prints only what it is asked to."""


class Server(ThreadingHTTPServer):
    """Ends once every request is answered."""

    daemon_threads = False
    block_on_close = True


given = os.environ.get("LISTEN_PID") == str(os.getpid())
server = Server(("127.0.0.1", int(os.environ["TOY_PORT"])), Handler, bind_and_activate=not given)
if given:
    server.socket = socket.socket(fileno=3)
signal.signal(signal.SIGTERM, lambda *_: threading.Thread(target=server.shutdown).start())
server.serve_forever()
ENDS.set()
server.server_close()
