"""Distributions small enough to read, the manifest of a release of them, and a run over an index."""

import contextlib
import gzip
import io
import socket
import subprocess
import sys
import tarfile
import time
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path

import anyio
import httpx

from shipways.adapters.pypi import SimpleIndex
from shipways.config.publish import PypiTable
from shipways.model.artifact import Kind
from shipways.model.digest import digest_bytes
from shipways.model.manifest import ArtifactEntry, Manifest, PackageEntry
from shipways.model.outcome import Outcome, State
from shipways.publish.pypi import PypiChannel
from shipways.run.reconciler import Around, converge
from shipways.testing.console import ManualClock, RecordingConsole
from shipways.testing.doors import CLOSED
from support import sealed

CANARY = "canary-5f1d2c"
"""A password, or a part of one, that nothing may show."""


def metadata(name: str, version: str, description: str = "Greets.\n") -> str:
    """Core metadata; without a description its fields are missing too."""
    head = f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n"
    return head + (f"Description-Content-Type: text/markdown\n\n{description}" if description else "")


def wheel(name: str, version: str, text: str = "", tag: str = "py3-none-any") -> tuple[str, bytes]:
    """The name and bytes of a wheel with one module; `text` is its metadata where it is not the usual."""
    stem = f"{name}-{version}"
    files = {
        f"{name}/__init__.py": f'VERSION = "{version}"\n',
        f"{stem}.dist-info/METADATA": text or metadata(name, version),
        f"{stem}.dist-info/WHEEL": f"Wheel-Version: 1.0\nGenerator: tests\nRoot-Is-Purelib: true\nTag: {tag}\n",
        f"{stem}.dist-info/RECORD": "",
    }
    files[f"{stem}.dist-info/RECORD"] = "".join(f"{path},,\n" for path in files)
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        for path, content in files.items():
            archive.writestr(zipfile.ZipInfo(path), content)
    return f"{stem}-{tag}.whl", stream.getvalue()


def sdist(name: str, version: str, text: str = "") -> tuple[str, bytes]:
    """The name and bytes of an sdist."""
    plain = io.BytesIO()
    with tarfile.open(fileobj=plain, mode="w") as archive:
        files = {"PKG-INFO": text or metadata(name, version), f"{name}.py": f'VERSION = "{version}"\n'}
        for path, content in files.items():
            entry = tarfile.TarInfo(f"{name}-{version}/{path}")
            entry.size = len(content.encode())
            archive.addfile(entry, io.BytesIO(content.encode()))
    return f"{name}-{version}.tar.gz", gzip.compress(plain.getvalue(), mtime=0)


def hello(version: str = "1.0.0") -> dict[str, bytes]:
    """An sdist and two wheels."""
    return dict((sdist("hello", version), wheel("hello", version), wheel("hello", version, tag="py3-none-win32")))


def manifest(files: Mapping[str, bytes], version: str = "1.0.0") -> Manifest:
    """A release of one package with these files."""
    kinds = {True: Kind.WHEEL.value, False: Kind.SDIST.value}
    artifacts = (
        ArtifactEntry(
            path=name, kind=kinds[name.endswith(".whl")], digest=digest_bytes(data), size=len(data), package="hello"
        )
        for name, data in sorted(files.items())
    )
    package = PackageEntry(name="hello", version=version, tag=f"v{version}")
    return sealed(package, artifacts=artifacts, project="hello")


@dataclass
class Release:
    """Runs over an index: `folder` is `dist/`, `env` what the process knows."""

    folder: Path
    table: PypiTable
    env: Mapping[str, str] = field(default_factory=dict)
    console: RecordingConsole = field(default_factory=RecordingConsole)
    clock: ManualClock = field(default_factory=ManualClock)

    def index(self) -> SimpleIndex:
        """The index as one process sees it."""
        return SimpleIndex(self.table, self.env, self.clock)

    def __call__(
        self,
        files: Mapping[str, bytes],
        version: str = "1.0.0",
        *,
        apply: bool = True,
        listed: Manifest | None = None,
    ) -> Outcome:
        """One process that converges; `listed` is the manifest where files of it are not at hand."""
        sealed = listed or manifest(files, version)
        for name, data in files.items():
            (self.folder / name).write_bytes(data)
        index = cache(lambda _: self.index())
        outside = replace(CLOSED, artifact=lambda path: self.folder / path, pypi=index)
        around = Around(outside=outside, console=self.console, clock=self.clock)
        return anyio.run(lambda: converge([PypiChannel(table=self.table)], sealed, around, apply=apply))

    def notes(self) -> list[str]:
        """What was said."""
        return self.console.notes


def table(url: str, *, uploads: str = "/legacy/", trusted: bool = False) -> PypiTable:
    """The config of an index at a URL."""
    return PypiTable(repository=url + uploads, simple=f"{url}/simple/", trusted=trusted or "auto")


def states(outcome: Outcome) -> dict[str, State]:
    """The state of every item."""
    return {row.item.id: row.state for row in outcome.rows}


def told(outcome: Outcome) -> str:
    """Every problem of a run."""
    return "\n".join(str(problem) for row in outcome.rows for problem in row.problems)


@contextlib.contextmanager
def pypiserver(folder: Path, *words: str) -> Iterator[str]:
    """The URL of a real server over a folder; it asks no other index."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    folder.mkdir()
    command = (sys.executable, "-m", "pypiserver", "run", "-i", "127.0.0.1", "-p", str(port), "--disable-fallback")
    with subprocess.Popen((*command, *words, str(folder)), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as ran:
        try:
            _wait(f"http://127.0.0.1:{port}/")
            yield f"http://127.0.0.1:{port}"
        finally:
            ran.terminate()


def _wait(url: str) -> None:
    end = time.monotonic() + 20
    while True:
        try:
            httpx.get(url, trust_env=False)
            return
        except httpx.TransportError:
            if time.monotonic() > end:
                raise
            time.sleep(0.05)


def run(*words: str, env: Mapping[str, str], cwd: Path, expected: Sequence[int] = (0,)) -> str:
    """Everything that a command says."""
    done = subprocess.run(words, env=dict(env), cwd=cwd, capture_output=True, text=True, check=False, timeout=120)
    assert done.returncode in expected, done.stdout + done.stderr
    return done.stdout + done.stderr
