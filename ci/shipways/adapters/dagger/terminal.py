"""A job as a shell for a person: only the dagger program can attach a terminal, the SDK cannot."""

import shlex
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from shipways.adapters.dagger import CLI, RUNNER
from shipways.adapters.dagger.jobs import Copy, Ground, Job
from shipways.adapters.terminal import attached
from shipways.errors import PreflightError, Problem

_QUIET: Final = {"DAGGER_NO_NAG": "1"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Client:
    """The dagger program (empty: there is none), and the environment in which it finds the engine at an address.

    Without an address that is what the environment says.
    """

    program: str
    address: str
    env: Mapping[str, str]

    async def attach(self, job: Job, folder: Path) -> int:
        """Give the command of a job the terminal; the status of the program, which is not that of the command.

        `folder` is one of this job's own. Raises PreflightError where there is no program.
        """
        if not self.program:
            raise PreflightError(_no_program())
        code = folder / "shell.dagger"
        code.write_text(script(laid(job, folder)) + "\n")
        env = {**self.env, **_QUIET} | ({RUNNER: self.address} if self.address else {})
        # It attaches terminals only where it shows its progress on one.
        argv = (self.program, "--no-mod", "--quiet", "--progress=tty", str(code))
        return await attached(argv, cwd=folder, env=env)


def laid(job: Job, folder: Path) -> Job:
    """The job with its texts as files of `folder`: the program prints the whole pipeline, and a text in it entirely."""
    copies = []
    for number, text in enumerate(job.texts):
        place = folder / str(number)
        place.write_text(text.text)
        copies.append(Copy(source=str(place), place=text.place, executable=text.executable))
    return replace(job, texts=(), copies=(*job.copies, *copies))


def script(job: Job) -> str:
    """What `worker.py` does with a job that has no texts, in the language of the program, with a terminal.

    Secrets are named, not told: the program takes them from its environment. No word of the command has a comma, and
    the ground of a build no arguments.
    """
    return " | ".join(_calls(job))


def _calls(job: Job) -> Iterator[str]:
    yield from _ground(job.ground)
    for folder in job.folders:
        yield _call("with-mounted-directory", folder.place, f"$(host | {_call('directory', folder.source)})")
    for copy in job.copies:
        mode = 0o755 if copy.executable else 0o644
        yield _call("with-file", copy.place, f"$(host | {_call('file', copy.source)})") + f" --permissions={mode}"
    for volume in job.volumes:
        yield _call("with-mounted-cache", volume.place, f"$({_call('cache-volume', volume.name)})")
    for name, _ in job.secrets:
        yield _call("with-mounted-secret", f"/run/secrets/{name}", f"$({_call('secret', f'env://{name}')})")
    yield f"terminal --cmd={shlex.quote(','.join(job.command))}"


def _ground(ground: Ground) -> Iterator[str]:
    platform = [f"--platform={shlex.quote(ground.platform)}"] if ground.platform else []
    if ground.image:
        yield " ".join(("container", *platform))
        yield _call("from", ground.image)
        return
    yield "host"
    yield _call("directory", ground.folder)
    named = (("dockerfile", ground.dockerfile), ("target", ground.target))
    options = [f"--{name}={shlex.quote(value)}" for name, value in named if value]
    yield " ".join(("docker-build", *options, *platform))


def _call(name: str, word: str, value: str = "") -> str:
    """A function with its arguments; `value` is one that the program evaluates."""
    return " ".join(filter(None, (name, shlex.quote(word), value)))


def _no_program() -> Problem:
    return Problem(
        path="--shell",
        what="there is no dagger program",
        why="only that can attach a terminal to a container",
        hint=f"put it on PATH, or let {CLI} name it",
    )
