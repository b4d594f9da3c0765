"""`build --step ID --shell` as a person uses it: on a terminal, with both engines."""

import contextlib
import signal
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from engines import Containers
from sandbox import Repository
from terminals import Terminal

pytestmark = pytest.mark.integration
OPEN = ("build", "--step", "builders/hello", "--shell")
PROMPT = "builders/hello $ "


@pytest.fixture
def failing(hello: Repository) -> Repository:
    """A build that fails."""
    hello.file("build.sh", 'cat greeting absent > "$1/hello.txt"\n')
    config = (hello.root / "shipways.toml").read_text()
    hello.file("shipways.toml", config.replace("[package.hello]", '[package.hello]\nsecrets = ["TOKEN"]'))
    return hello.commit()


@pytest.fixture(params=["host", pytest.param("dagger", marks=[pytest.mark.engine, pytest.mark.dagger])])
def env(request: pytest.FixtureRequest, failing: Repository) -> dict[str, str]:
    """What says which engine builds."""
    token = {"TOKEN": "hunter2"}
    if request.param == "host":
        return token
    containers: Containers = request.getfixturevalue("containers")
    assert 0 == failing.shipways("lock", env=containers.env).code
    failing.commit()
    return {**containers.env, **token}


def inside(program: str = "") -> list[str]:
    """The states of processes that see the room from inside, in a container or not, and run this program."""
    mark = f"PS1={PROMPT}".encode()
    found = []
    for path in Path("/proc").glob("[0-9]*/environ"):
        with contextlib.suppress(OSError):
            state = path.with_name("stat").read_text()
            if mark in path.read_bytes().split(b"\0") and program in state:
                found.append(state)
    return found


def wait_for(condition: Callable[[], object], seconds: float = 20) -> None:
    """Until it is true; fails when it never is."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, inside()
        time.sleep(0.05)


def test_failing_step(failing: Repository, env: dict[str, str]) -> None:
    """The error names the command that opens the shell; there the commands fail alike, and nothing of it is kept."""
    ran = failing.shipways(*OPEN[:-1], env=env)
    assert 4 == ran.code, ran.err
    assert f"`shipways {' '.join(OPEN)}` opens a shell where it ran" in ran.err
    with Terminal(failing, *OPEN, **env) as terminal:
        terminal.read_until(PROMPT.encode(), 120)
        command = terminal.seen.decode().partition("builders/hello runs:")[2].split("\r\n")[1].strip()
        assert command.startswith("sh build.sh /tmp/shipways/")
        assert [] != inside()
        terminal.type("echo $((40+2)); pwd; ls")
        terminal.read_until(b"\r\n42\r\n/tmp/shipways/")
        terminal.read_until(b"/src\r\nbuild.sh")
        terminal.type('test "$TOKEN" = hunter2 && echo told $((1+1)) secrets')
        terminal.read_until(b"told 2 secrets")
        terminal.type(command)
        terminal.read_until(b"cat: absent: No such file")
        room = command.split()[2].removesuffix("/out")
        terminal.type(f"cat {room}/out/hello.txt; exit 3")
        terminal.read_until(b"hello\r\n")
        assert 0 == terminal.end(60), terminal.seen.decode()
    wait_for(lambda: not inside())
    assert not Path(room).exists()
    assert [] == list(failing.cache.glob("shipways/tmp/*"))
    assert ["report.html"] == [path.name for path in (failing.root / "dist").iterdir()]


def test_interrupted(failing: Repository, env: dict[str, str]) -> None:
    """When shipways is told to end, so do the shell and what runs in it, and the terminal is as it was."""
    with Terminal(failing, *OPEN, **env) as terminal:
        before = terminal.modes()
        terminal.read_until(PROMPT.encode(), 120)
        terminal.type("sleep 61.125")
        wait_for(lambda: inside("(sleep)"))
        terminal.process.send_signal(signal.SIGTERM)
        assert 130 == terminal.end(60), terminal.seen.decode()
        assert before == terminal.modes()
    wait_for(lambda: not inside())


def test_needs_a_terminal(failing: Repository) -> None:
    """Without a terminal it is a usage error, and nothing is made."""
    ran = failing.shipways(*OPEN)
    assert 2 == ran.code
    assert "--shell: there is no terminal" in ran.err


@pytest.mark.parametrize("steps", [(), ("--step", "builders/hello", "--step", "builders/other")])
def test_needs_one_step(failing: Repository, steps: tuple[str, ...]) -> None:
    """A shell is that of one step."""
    ran = failing.shipways("build", "--shell", *steps)
    assert 2 == ran.code
    assert "--shell needs one --step" in ran.err


def test_step_without_commands(hello: Repository) -> None:
    """What shipways makes by itself has no shell; what it needs is made before that shows."""
    config = (hello.root / "shipways.toml").read_text()
    hello.file("shipways.toml", config.replace("source_archive = false\n", ""))
    hello.commit()
    with Terminal(hello, "build", "--step", "bundle/source", "--shell") as terminal:
        assert 2 == terminal.end(), terminal.seen.decode()
    assert b"bundle/source: has no shell to open" in terminal.seen
