"""Backups of data that is being written, restored after it is lost."""

import hashlib
import json
import os
import resource
import sqlite3
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from backing import SHOP, Desk, Manager, seen
from shipways.adapters.process import OsProcess
from shipways.ports import Completed
from support import free_port, need

pytestmark = [
    pytest.mark.integration,
    pytest.mark.skipif(sys.platform == "win32", reason="services are of Unix here"),
]

TOY = Path(__file__).parent.parent / "harness" / "toy.py"
WRITER = """
import sqlite3, sys
kept = sqlite3.connect(sys.argv[1] + "/kept.db", isolation_level=None)
kept.execute("pragma journal_mode = wal")
kept.execute("create table pairs (a blob, b blob)")
print("writes", flush=True)
while True:
    kept.execute("begin")
    for _ in range(50):
        kept.execute("insert into pairs select randomblob(500), null")
    kept.execute("update pairs set b = a where b is null")
    kept.execute("commit")
"""
"""Between two transactions no row is without its second half."""
COPY = """
import sqlite3, sys
sqlite3.connect(sys.argv[1] + "/kept.db").execute("vacuum into ?", (sys.argv[2] + "/kept.db",))
"""


class Toy(Manager):
    """A manager of one real process, the toy, which writes while it runs."""

    def __init__(self, data: Path) -> None:
        super().__init__(runs=False)
        self._data, self._port = data, free_port()
        self._process: subprocess.Popen[bytes] | None = None

    def __call__(self, argv: tuple[str, ...]) -> Completed | None:
        answer = super().__call__(argv)
        if argv[2] == "start":
            self.begin()
        elif argv[2] == "stop":
            self.end()
        return answer

    def begin(self) -> None:
        """Start it, and let it write."""
        env = {**os.environ, "TOY_PORT": str(self._port), "STATE_DIRECTORY": str(self._data)}
        self._process = subprocess.Popen((sys.executable, str(TOY)), env=env)
        self.runs = True
        for _ in range(200):
            try:
                urllib.request.urlopen(f"http://127.0.0.1:{self._port}/write", timeout=5).close()
                return
            except OSError:
                time.sleep(0.05)
        raise AssertionError("the toy does not answer")

    def end(self) -> None:
        """Stop it, as a manager does."""
        assert self._process
        self._process.terminate()
        self._process.wait(20)


@pytest.fixture
def toy(tmp_path: Path) -> Iterator[Desk]:
    """The toy runs, and writes into its data directory."""
    desk = Desk(tmp_path)
    desk.data.mkdir(parents=True)
    desk.manager = manager = Toy(desk.data)
    manager.begin()
    yield desk
    manager.end()


def whole(folder: Path) -> str:
    """What the toy has written, which has to agree with itself: its digest."""
    digest = hashlib.sha256((folder / "log").read_bytes()).hexdigest()
    assert digest == (folder / "sum").read_text()
    return digest


def test_backup_during_writes(toy: Desk) -> None:
    """S1-27: a backup while the service writes, a lost disk, a restore: what comes back is whole."""
    time.sleep(0.3)
    made = toy.back_up()
    assert made.stood > 0 or toy.manager.told == ["stop", "start"]
    time.sleep(0.3)
    toy.manager(("systemctl", "--user", "stop"))
    later = whole(toy.data)
    subprocess.run(("rm", "-rf", str(toy.data)), check=True)
    toy.restore(made.archive, force=False)
    restored = whole(toy.data)
    assert restored != later
    toy.data.rename(toy.root / "first")
    toy.restore(made.archive, force=False)
    assert restored == whole(toy.data)
    toy.manager(("systemctl", "--user", "start"))


def test_any_tar_reads_it(toy: Desk) -> None:
    """Without shipways, tar and zstd give the same files; and the digest that is printed is the file's."""
    need("tar", "zstd")
    made = toy.back_up()
    subprocess.run(("zstd", "--quiet", "--test", str(made.archive)), check=True)
    into = toy.root / "tar"
    into.mkdir()
    subprocess.run(("tar", "--zstd", "-xf", str(made.archive), "-C", str(into)), check=True)
    toy.manager(("systemctl", "--user", "stop"))
    toy.restore(made.archive)
    assert {path: what[-1] for path, what in seen(toy.data).items() if path != "."} == {
        path: what[-1] for path, what in seen(into / "data" / "main").items() if path != "."
    }
    assert made.digest == hashlib.sha256(made.archive.read_bytes()).hexdigest()
    toy.manager(("systemctl", "--user", "start"))


def test_hook_while_sqlite_writes(tmp_path: Path) -> None:
    """S1-27: SQLite's own copy of a database that is being written comes back whole, and nobody waited for it."""
    words = [sys.executable, "-c", COPY, "{data.main}", "{snapshot.main}"]
    desk = Desk(tmp_path, f"{SHOP}[service.shop.backup]\nhook = {json.dumps(words)}\n")
    desk.process = OsProcess()
    desk.data.mkdir(parents=True)
    with subprocess.Popen((sys.executable, "-c", WRITER, str(desk.data)), stdout=subprocess.PIPE) as writer:
        try:
            assert writer.stdout
            assert b"writes\n" == writer.stdout.readline()
            time.sleep(0.3)
            archive = desk.back_up().archive
            assert writer.poll() is None
        finally:
            writer.kill()
    assert [] == desk.manager.told
    desk.restore(archive)
    assert ["kept.db"] == [path.name for path in desk.data.iterdir()]
    kept = sqlite3.connect(desk.data / "kept.db")
    assert ("ok",) == kept.execute("pragma integrity_check").fetchone()
    rows, halves = kept.execute("select count(*), count(*) filter (where b is null) from pairs").fetchone()
    assert (True, 0) == (rows > 0, halves)
    kept.close()


def test_memory_is_flat(tmp_path: Path) -> None:
    """A file of 400 MB is backed up and restored with no more memory than a small one, but for what zstd holds."""
    desk = Desk(tmp_path)
    desk.data.mkdir(parents=True)
    with (desk.data / "big").open("wb") as stream:
        for _ in range(8):
            stream.write(os.urandom(1 << 20))
        stream.truncate(400 << 20)
    child = os.fork()
    if not child:
        code = 1
        try:
            first = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
            desk.restore(desk.back_up().archive)
            code = int(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - first > 60_000)
        finally:
            os._exit(code)
    assert (child, 0) == os.waitpid(child, 0)
    assert 400 << 20 == (desk.data / "big").stat().st_size
