"""How trials run: what is told of each end, and what others' programs see of this user."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import anyio
import pytest

from shipways.adapters.files import DiskFiles
from shipways.ports import Completed
from shipways.run.trials import FOLDER, Trial
from shipways.run.trying import Bench, Tried, attempt
from shipways.testing.console import ManualClock, RecordingConsole

FINE = Completed(code=0, stdout="demo 1.0.0\n", stderr="")


@dataclass
class Answers:
    """The `Process` port: each program ends as it is told; one without an answer is not there."""

    by_program: Mapping[str, Completed]
    seen: list[Mapping[str, str]] = field(default_factory=list)

    async def run(
        self,
        argv: Sequence[str],
        *,
        cwd: Path | None = None,
        env: Mapping[str, str] | None = None,
        stdin: bytes = b"",
        keep: Sequence[int] = (),
    ) -> Completed:
        self.seen.append(dict(env or {}))
        name = argv[0].rpartition("/")[2]
        if name == "sleep":
            await anyio.sleep_forever()
        if name not in self.by_program:
            raise FileNotFoundError(name)
        return self.by_program[name]


TRIAL = Trial(
    name="crates/demo 1.0.0",
    tool="cargo",
    versions=("1.0.0",),
    probe=("cargo", "--version"),
    steps=(("make", f"{FOLDER}/root"),),
    prints=(("demo", "--version"),),
)


def tried(tmp_path: Path, trial: Trial = TRIAL, patience: float = 60.0, **ends: Completed) -> tuple[Tried, Answers]:
    """What came of a trial; nothing is left of it."""
    process = Answers({"cargo": FINE, "make": FINE, "demo": FINE} | ends)
    bench = Bench(
        process=process,
        files=DiskFiles(),
        console=RecordingConsole(),
        clock=ManualClock(),
        env={"PATH": "/bin", "https_proxy": "p", "CARGO_REGISTRY_TOKEN": "canary", "GH_TOKEN": "canary"},
        scratch=tmp_path,
        artifacts=tmp_path,
        patience=patience,
    )
    found = anyio.run(attempt, (trial,), bench)
    assert [] == list(tmp_path.iterdir())
    return found[0], process


def test_fine(tmp_path: Path) -> None:
    """What it prints is told; no token is in the environment of any command."""
    found, process = tried(tmp_path)
    assert ("installs, and prints 1.0.0", True, None) == (found.state, found.tried, found.problem)
    assert {"PATH", "https_proxy", "HOMEBREW_NO_AUTO_UPDATE", "CARGO_TERM_COLOR", "NO_COLOR"} == {
        name for env in process.seen for name in env
    }


def test_no_tool(tmp_path: Path) -> None:
    """Without its tool, or one that does not answer, a trial is not made; that is said, and is no problem."""
    ends = dict.fromkeys(("cargo",), Completed(code=1, stdout="", stderr="a\nno daemon"))
    found, _ = tried(tmp_path, **ends)
    assert ("not tried: cargo does not work: no daemon", False, None) == (found.state, found.tried, found.problem)
    absent = Trial(name="x", tool="brew", versions=("1.0.0",), probe=("brew", "--version"))
    assert "not tried: there is no brew on PATH" == tried(tmp_path, absent)[0].state


@pytest.mark.parametrize(
    ("program", "end", "told"),
    [
        (
            "make",
            Completed(code=7, stdout="", stderr="no such crate"),
            "`make root` ended with 7\n  why: no such crate",
        ),
        ("demo", Completed(code=0, stdout="demo 0.9.9\n", stderr=""), "`demo --version` prints no 1.0.0"),
        ("demo", Completed(code=2, stdout="", stderr="what?"), "`demo --version` ended with 2\n  why: what?"),
    ],
)
def test_problems(tmp_path: Path, program: str, end: Completed, told: str) -> None:
    """A command that fails, and a program that tells another version, are problems with what was printed."""
    found, _ = tried(tmp_path, **{program: end})
    assert told in str(found.problem)


def test_library(tmp_path: Path) -> None:
    """What a tool says when there is nothing to install is no problem."""
    end = Completed(code=101, stdout="", stderr="error: there is nothing to install in `demo`")
    found, _ = tried(tmp_path, replace(TRIAL, needless="there is nothing to install"), make=end)
    assert ("has nothing to install, as a library", None) == (found.state, found.problem)


def test_hangs(tmp_path: Path) -> None:
    """A program that takes --version for something else and runs on is ended."""
    trial = Trial(name="x", tool="make", versions=("1.0.0",), probe=("make", "--version"), prints=(("sleep", "1"),))
    found, _ = tried(tmp_path, trial, patience=0.01)
    assert "`sleep 1` has not ended after 0.01 s" in str(found.problem)
