"""ci: the jobs of CI, here."""

from pathlib import Path

import anyio
import click

from shipways import wire
from shipways.adapters.console import table_text
from shipways.adapters.shell import OsShell
from shipways.adapters.terminal import attached
from shipways.errors import BuildError, ConfigError, PreflightError, Problem
from shipways.model.event import Note, Table
from shipways.model.workflow import Job, Workflow
from shipways.settings import settings
from shipways.workflows.jobs import workflows
from shipways.workflows.local import absent, environment, find, named


@click.group()
def ci() -> None:
    """The jobs of the rendered workflows: each is one command."""


@ci.command("list")
def list_jobs() -> None:
    """List the jobs, what they wait for, and their commands."""
    _, found = _workflows()
    rows = tuple((name, ", ".join(job.needs), " ".join(job.command)) for name, job in named(found))
    wire.console("plain").print(table_text(Table(title="jobs", columns=("job", "needs", "command"), rows=rows)))


@ci.command("run")
@click.argument("job")
def run_job(job: str) -> None:
    """Run the command of a JOB, or WORKFLOW/JOB, in this folder, with the environment of a job."""
    folder, found = _workflows()
    anyio.run(_run, folder, *find(found, job))


async def _run(folder: Path, name: str, job: Job) -> None:
    console, clock, env = wire.console("plain"), wire.clock(), OsShell().env()
    if lacking := absent(job, env):
        console.emit(Note(text=f"{name}: not set here: {', '.join(lacking)}", level="warning"))
    command, began = " ".join(job.command), clock.monotonic()
    console.emit(Note(text=f"{name}: {command}"))
    try:
        status = await attached(job.command, cwd=folder, env=environment(job, env))
    except FileNotFoundError:
        hint = "python -m pip install nox"
        raise PreflightError(Problem(path=name, what=f"there is no {job.command[0]} on PATH", hint=hint)) from None
    if status:
        raise BuildError(Problem(path=name, what=f"`{command}` ended with status {status}"))
    console.emit(Note(text=f"{name}: done in {clock.monotonic() - began:.1f} s"))


def _workflows() -> tuple[Path, tuple[Workflow, ...]]:
    said = settings(wire.here())
    found = workflows(said.config)
    if not found:
        hint = "add [workflows]; `shipways explain workflows` says what it holds"
        raise ConfigError(
            Problem(path="workflows", what="there are no jobs, because there is no such table", hint=hint)
        )
    return said.folder, found
