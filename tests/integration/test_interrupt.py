"""A run may be stopped at any moment, in any way; the next one gives the same result."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from sandbox import Repository

pytestmark = pytest.mark.integration


def start(repository: Repository) -> "subprocess.Popen[str]":
    """A release in the background, in a process group of its own."""
    env = os.environ | {"XDG_CACHE_HOME": str(repository.cache), "GITHUB_ACTIONS": "", "CI": ""}
    argv = (sys.executable, "-m", "shipways", "release")
    return subprocess.Popen(
        argv, cwd=repository.root, env=env, stderr=subprocess.PIPE, text=True, start_new_session=True
    )


def wait_for(condition: Callable[[], object], seconds: float = 20) -> None:
    """Until it is true; fails when it never is."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it never happened"
        time.sleep(0.02)


def running(mark: str) -> list[int]:
    """Processes whose command line has a word."""
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            if mark.encode() in path.read_bytes().split(b"\0"):
                found.append(int(path.parent.name))
        except OSError:
            continue
    return found


def manifest(repository: Repository) -> bytes:
    return (repository.root / "dist" / "manifest.json").read_bytes()


def slow(repository: Repository, seconds: str) -> None:
    """Let the build take its time, and say that it has begun."""
    begun = repository.root / "ignored"
    repository.file("build.sh", f'echo 1 > "{begun}"\nsleep {seconds}\ncat greeting > "$1/hello.txt"\n')
    repository.commit()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_interrupt_ends_everything(hello: Repository, number: signal.Signals) -> None:
    """Ctrl-C, or a CI job that is cancelled: exit 130, no command goes on, nothing half is left."""
    slow(hello, "61.25")
    run = start(hello)
    wait_for((hello.root / "ignored").exists)
    wait_for(lambda: running("61.25"))
    run.send_signal(number)
    _, err = run.communicate(timeout=15)
    assert 130 == run.returncode, err
    assert "interrupted" in err
    assert [] == running("61.25")
    assert [] == list(hello.cache.glob("shipways/tmp/*"))
    assert not (hello.root / "dist").exists()


def test_second_interrupt_spares_nothing(hello: Repository) -> None:
    """Ctrl-C twice: a command that does not listen to SIGTERM is killed at once, not left behind."""
    hello.file("build.sh", f"trap '' TERM\necho 1 > '{hello.root / 'ignored'}'\nsleep 61.5\nsleep 61.5\n")
    run = start(hello.commit())
    wait_for((hello.root / "ignored").exists)
    for _ in range(2):
        run.send_signal(signal.SIGINT)
        time.sleep(0.3)
    _, err = run.communicate(timeout=15)
    assert 130 == run.returncode, err
    wait_for(lambda: not running("61.5"), seconds=2)


def test_nothing_stays_in_the_background(hello: Repository) -> None:
    """What a build leaves behind with its pipes open is ended, and the build is not waited for in vain."""
    hello.file("build.sh", 'sleep 61.75 &\ncat greeting > "$1/hello.txt"\n')
    ran = hello.commit().shipways("release")
    assert 0 == ran.code, ran.err
    assert [] == running("61.75")


def test_killed_run_is_repeated(hello: Repository, tmp_path: Path) -> None:
    """kill -9 in the middle of a build: the next run waits for what is left of it, sweeps, and gives the same bytes."""
    slow(hello, "1.5")
    assert 0 == hello.shipways("release").code
    expected = manifest(hello)
    (hello.root / "ignored").unlink()
    hello.cache = tmp_path / "other"
    run = start(hello)
    wait_for((hello.root / "ignored").exists)
    run.kill()
    run.communicate()
    ran = hello.shipways("release")
    assert 0 == ran.code, ran.err
    assert expected == manifest(hello)
    assert [] == list(hello.cache.glob("shipways/tmp/*"))


def test_killed_at_many_moments(hello: Repository, tmp_path: Path) -> None:
    """kill -9 after 0.1 s, 0.2 s … of a run that takes about that long: the store never serves half a result."""
    assert 0 == hello.shipways("release").code
    expected = manifest(hello)
    hello.cache = tmp_path / "other"
    for tenth in range(1, 9):
        run = start(hello)
        time.sleep(tenth / 10)
        run.kill()
        run.communicate()
        assert manifest(hello) == expected
    assert 0 == hello.shipways("release").code
    assert expected == manifest(hello)


def test_two_runs_at_once(hello: Repository, tmp_path: Path) -> None:
    """Two releases of one repository at the same time, with one store: both end well and alike."""
    slow(hello, "0.3")
    clone = tmp_path / "clone"
    hello.git("clone", "--quiet", ".", str(clone))
    other = Repository(clone, hello.cache)
    with ThreadPoolExecutor() as pool:
        both = list(pool.map(lambda repository: repository.shipways("release"), (hello, other)))
    assert [0, 0] == [ran.code for ran in both], [ran.err for ran in both]
    assert manifest(hello) == manifest(other)
