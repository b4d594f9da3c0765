"""shipways in a real terminal, and on its first day in a repository."""

import signal
import subprocess
from pathlib import Path

import pytest

from sandbox import Repository
from support import need
from terminals import Terminal

pytestmark = pytest.mark.integration
HIDE, SHOW = b"\x1b[?25l", b"\x1b[?25h"


def test_live_progress(hello: Repository) -> None:
    """What runs is shown with its time, and at the end the table; the cursor comes back."""
    with Terminal(hello, "release") as terminal:
        terminal.read_until(b"is sealed")
        assert 0 == terminal.end()
    assert HIDE in terminal.seen
    assert terminal.seen.rindex(HIDE) < terminal.seen.rindex(SHOW)
    assert b"\x1b[1mbuilders" in terminal.seen


def test_no_colour(hello: Repository) -> None:
    """NO_COLOR leaves the text without colours."""
    with Terminal(hello, "release", NO_COLOR="1") as terminal:
        terminal.read_until(b"is sealed")
        assert 0 == terminal.end()
    assert b"\x1b[36m" not in terminal.seen


def test_dumb_terminal(hello: Repository) -> None:
    """A terminal that can only print gets plain lines."""
    with Terminal(hello, "release", TERM="dumb") as terminal:
        terminal.read_until(b"is sealed")
        assert 0 == terminal.end()
    assert b"\x1b" not in terminal.seen
    assert b"  made    builders/" in terminal.seen


def test_interrupt_gives_the_terminal_back(hello: Repository) -> None:
    """Ctrl-C ends the display: exit 130, the cursor is back, and the last line says how to go on."""
    hello.file("build.sh", "sleep 60\n")
    hello.commit()
    with Terminal(hello, "release") as terminal:
        terminal.read_until(b" s  ")
        terminal.process.send_signal(signal.SIGINT)
        assert 130 == terminal.end()
    assert terminal.seen.rindex(HIDE) < terminal.seen.rindex(SHOW)
    assert terminal.seen.rstrip().endswith(b"run the same command again")


@pytest.mark.parametrize("project", ["pulse", "spark", "aisopod"])
def test_first_day(project: str, tmp_path: Path) -> None:
    """`init` in a project, then `check` and `plan`: all pass at once, and the plan has programs to build."""
    if project == "aisopod":
        need("rustc")
    repository = Repository(tmp_path / project, tmp_path / "cache")
    source = Path(__file__).parents[1] / "projects" / project
    for path in subprocess.check_output(("git", "ls-files"), cwd=source, text=True).splitlines():
        if path not in ("shipways.toml", "shipways.lock", "noxfile.py"):
            (repository.root / path).parent.mkdir(parents=True, exist_ok=True)
            (repository.root / path).write_bytes((source / path).read_bytes())
    assert [0, 0] == [repository.shipways(verb).code for verb in ("init", "check")]
    repository.commit()
    ran = repository.shipways("plan")
    assert 0 == ran.code, ran.err
    assert f"{project}/x86_64-unknown-linux-musl" in ran.out
    assert 0 == repository.shipways("check").code


FORMULA = """
[project]
name = "hello"
repository = "example/hello"

[package.hello]
build = "go"
version = "1.0.0"

[formula.hello]
package = "hello"
description = "Says hello"
test = [{ run = ["hello"] }]
"""


def test_check(repository: Repository) -> None:
    """A rendered file that differs is exit 7; beside a lock that is stale it is told too, and that is exit 2."""
    repository.file("shipways.toml", FORMULA)
    repository.commit()
    ran = repository.shipways("check")
    assert 7 == ran.code, ran.err
    assert "error: formula/hello.rb: is not what the config renders" in ran.err
    repository.file("shipways.lock", "")
    ran = repository.shipways("check")
    assert 2 == ran.code
    assert ["toolchain.go", "formula/hello.rb", "2 problems"] == [
        line.removeprefix("error: ").partition(":")[0] for line in ran.err.splitlines() if not line.startswith("  ")
    ]
    (repository.root / "shipways.lock").unlink()
    assert [0, 0] == [repository.shipways(verb).code for verb in ("render", "check")]
