"""Runs trials: each in an empty folder, with an environment that has no token in it."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import anyio

from shipways.errors import Problem
from shipways.model.event import Failed, Finished, Started
from shipways.ports import Clock, Completed, Console, Files, Process
from shipways.run.trials import FOLDER, Argv, Trial, tells

_INSTALL: Final = 1800.0
"""Seconds in which a command of an installation ends."""
_TAIL: Final = 15
"""Lines of a failed command that an error shows."""
_PASSED: Final = re.compile(
    r"PATH|HOME|USER|LOGNAME|SHELL|LANG|LC_\w+|TMPDIR|TZ|SYSTEMROOT|XDG_\w+|(?i:https?_proxy|no_proxy|all_proxy)|"
    r"SSL_CERT_(FILE|DIR)|(REQUESTS|CURL)_CA_BUNDLE|GIT_SSL_CAINFO|PIP_(CERT|CONFIG_FILE|INDEX_URL|EXTRA_INDEX_URL|"
    r"FIND_LINKS|DEFAULT_TIMEOUT)|CARGO_(HOME|HTTP_\w+|NET_\w+|SOURCE_\w+|REGISTRIES_\w+_INDEX)|RUSTUP_\w+|"
    r"DOCKER_(HOST|CONFIG|CONTEXT|CERT_PATH|TLS_VERIFY)|HOMEBREW_(NO_\w+|\w+_MIRROR|\w+_DOMAIN)"
)
"""What others' build scripts may see of this user: where things are, and how they are fetched."""
_SAME: Final[Mapping[str, str]] = {"HOMEBREW_NO_AUTO_UPDATE": "1", "CARGO_TERM_COLOR": "never", "NO_COLOR": "1"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Tried:
    """What came of a trial, in words; `problem` when it failed; `tried` is false where it was not possible."""

    name: str
    state: str
    tried: bool = True
    problem: Problem | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Bench:
    """What trials run with: in folders below `scratch`; `artifacts` is where what is copied lies.

    A program has `patience` seconds to tell its version: a server that knows no `--version` would run for ever.
    """

    process: Process
    files: Files
    console: Console
    clock: Clock
    env: Mapping[str, str]
    scratch: Path
    artifacts: Path
    patience: float = 60.0


async def attempt(trials: Sequence[Trial], bench: Bench) -> tuple[Tried, ...]:
    """One after the other: compilers take all of a machine."""
    folders = (bench.scratch / f"trial-{number}" for number in range(len(trials)))
    return tuple([await _attempt(trial, bench, folder) for trial, folder in zip(trials, folders, strict=True)])


class _Failed(Exception):  # noqa: N818 - an answer, told as a problem
    """A command of a trial failed, or said something else."""


async def _attempt(trial: Trial, bench: Bench, folder: Path) -> Tried:
    if trial.why:
        return Tried(name=trial.name, state=f"not tried: {trial.why}", tried=False)
    folder.mkdir()
    room = _Room(bench=bench, folder=folder)
    try:
        if reason := await room.missing(trial):
            return Tried(name=trial.name, state=f"not tried: {reason}", tried=False)
        begin = bench.clock.monotonic()
        bench.console.emit(Started(step=trial.name))
        state = await room.install(trial)
        seconds = bench.clock.monotonic() - begin
        bench.console.emit(Finished(step=trial.name, seconds=seconds, size=0, cached=False))
        return Tried(name=trial.name, state=state)
    except _Failed as error:
        what, _, why = str(error).partition("\n")
        bench.console.emit(Failed(step=trial.name, reason=what))
        return Tried(name=trial.name, state=what, problem=Problem(path=trial.name, what=what, why=why))
    finally:
        bench.files.remove(folder)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Room:
    """Where one trial runs."""

    bench: Bench
    folder: Path

    async def missing(self, trial: Trial) -> str:
        """Why the tool cannot be used; empty when it can."""
        try:
            answer = await self._run(trial.probe, self.bench.patience)
        except FileNotFoundError:
            return f"there is no {trial.tool} on PATH"
        except _Failed as error:
            return str(error)
        return f"{trial.tool} does not work: {_tail(answer, 1)}" if answer.code else ""

    async def install(self, trial: Trial) -> str:
        """What was found, in words. Raises _Failed."""
        for name, text in trial.files:
            with self.bench.files.create(self.folder / name) as stream:
                stream.write(text.encode())
        for path in trial.copies:
            self.bench.files.copy(self.bench.artifacts / path, self.folder / path.rpartition("/")[2])
        for step in trial.steps:
            answer = await self._run(step, _INSTALL)
            if answer.code and trial.needless and trial.needless in answer.stderr:
                return "has nothing to install, as a library"
            if answer.code:
                raise _Failed(f"cannot be installed: {_shown(step[:4])} ended with {answer.code}\n{_tail(answer)}")
        installed = [p for p in trial.programs if self.bench.files.exists(Path(self._filled(p)))]
        spoken = [*trial.prints, *((program, "--version") for program in installed[:1])]
        for argv in spoken:
            await self._speak(argv, trial)
        return f"installs, and prints {trial.versions[0]}" if spoken else "installs"

    async def _speak(self, argv: Argv, trial: Trial) -> None:
        answer = await self._run(argv, self.bench.patience)
        said = (answer.stdout + answer.stderr).strip()
        if answer.code:
            raise _Failed(f"{_shown(argv[-2:])} ended with {answer.code}\n{_tail(answer)}")
        if not tells(said, trial.versions):
            raise _Failed(f"{_shown(argv[-2:])} prints no {trial.versions[0]}\n{_tail(answer)}")

    async def _run(self, argv: Argv, seconds: float) -> Completed:
        filled = [self._filled(word) for word in argv]
        passed = {name: value for name, value in self.bench.env.items() if _PASSED.fullmatch(name)}
        with anyio.move_on_after(seconds):
            return await self.bench.process.run(filled, cwd=self.folder, env={**passed, **_SAME})
        raise _Failed(f"{_shown(argv)} has not ended after {seconds:g} s")

    def _filled(self, word: str) -> str:
        return word.replace(FOLDER, str(self.folder))


def _shown(argv: Sequence[str]) -> str:
    return f"`{' '.join(argv)}`".replace(f"{FOLDER}/", "")


def _tail(answer: Completed, lines: int = _TAIL) -> str:
    return "\n".join((answer.stdout + answer.stderr).strip().splitlines()[-lines:])
