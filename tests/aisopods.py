"""aisopod, built by the cargo of this machine for tests that run it."""

import contextlib
import json
import os
import subprocess
import time
import urllib.request
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from support import free_port, need

PROJECT: Final = Path(__file__).parent / "projects" / "aisopod"


def build(target: Path) -> Path:
    """The program; `target` is cargo's folder, which makes the next build short."""
    need("cargo")
    argv = ("cargo", "build", "--quiet", "--locked", "--manifest-path", str(PROJECT / "Cargo.toml"))
    subprocess.run(argv, env={**os.environ, "CARGO_TARGET_DIR": str(target)}, check=True, timeout=300)
    return target / "debug" / "aisopod"


@dataclass
class Gateway:
    """A gateway that runs. `log` is what it has said, once it has ended."""

    process: subprocess.Popen[str]
    port: int
    log: str = field(default="")

    def get(self, path: str, headers: Mapping[str, str] | None = None) -> dict[str, object]:
        """An answer, once it listens. Raises HTTPError for one that is not 200."""
        request = urllib.request.Request(f"http://127.0.0.1:{self.port}{path}", headers=dict(headers or {}))
        for _ in range(200):
            try:
                with urllib.request.urlopen(request, timeout=5) as answer:  # noqa: S310 - of this machine
                    told: dict[str, object] = json.loads(answer.read())
                    return told
            except ConnectionError:
                assert self.process.poll() is None
            except urllib.error.URLError as error:
                if isinstance(error, urllib.error.HTTPError):
                    raise
            time.sleep(0.05)
        raise AssertionError("nobody answers")


@contextlib.contextmanager
def gateway(program: Path, *words: str, env: Mapping[str, str] | None = None) -> Iterator[Gateway]:
    """The gateway with these arguments, on a free port."""
    port = free_port()
    argv = (str(program), "gateway", "--port", str(port), *words)
    with subprocess.Popen(argv, env=dict(env or {}), stderr=subprocess.PIPE, text=True) as process:
        running = Gateway(process, port)
        try:
            yield running
        finally:
            process.terminate()
            running.log = process.communicate(timeout=20)[1]
