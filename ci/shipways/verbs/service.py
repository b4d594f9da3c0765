"""service: programs that run all the time, on this machine, without containers."""

import functools
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import get_args

import anyio
import click

from shipways import wire
from shipways.adapters.console import table_text
from shipways.adapters.terminal import attached
from shipways.config.services import PROFILES
from shipways.deploy.managers import Control
from shipways.errors import ConfigError, Drift, Misconfigured, PreflightError, Problem, Unfinished
from shipways.model.daemon import Daemon
from shipways.model.event import Note, Table
from shipways.run.servicing import Keeper, Work
from shipways.verbs.backups import backup, restore
from shipways.verbs.machines import Asked, Found, found, runnable, where

_NAMES = click.argument("names", nargs=-1, metavar="[NAME]...")
_FORCE = click.option("--force", is_flag=True, help="Write over, or remove, files that were edited by hand.")
_DRY = click.option("--dry-run", is_flag=True, help="Only print what would be done.")


@click.group()
def service() -> None:
    """Services on this machine: systemd on Linux, launchd on macOS."""


service.add_command(backup)
service.add_command(restore)


@service.command()
@_NAMES
@where
@_FORCE
@_DRY
def install(names: tuple[str, ...], asked: Asked, force: bool, dry_run: bool) -> None:
    """Install services, start them, and start them with the machine (--system) or when you log in.

    What is as it should be is left alone, so that it can be run again.
    """
    here = found(asked, names)
    problems = [problem for daemon in here.daemons for problem in here.keeper.absent(daemon)]
    if problems:
        raise PreflightError(*problems)
    anyio.run(_each, here.daemons, lambda daemon: here.keeper.installing(daemon, force=force), here.keeper, dry_run)


@service.command()
@_NAMES
@where
@_FORCE
@_DRY
def uninstall(names: tuple[str, ...], asked: Asked, force: bool, dry_run: bool) -> None:
    """Stop services, and remove every file of them. Their data, accounts and logs stay."""
    here = found(asked, names)
    daemons = here.daemons[::-1]
    anyio.run(_each, daemons, lambda daemon: here.keeper.uninstalling(daemon, force=force), here.keeper, dry_run)


@service.command()
@click.argument("what", type=click.Choice(get_args(Control)))
@_NAMES
@where
@_DRY
def ctl(what: Control, names: tuple[str, ...], asked: Asked, dry_run: bool) -> None:
    """Start, stop or restart services. A stopped one starts again with the machine."""
    here = found(asked, names)
    daemons = here.daemons[::-1] if what == "stop" else here.daemons
    anyio.run(_each, daemons, lambda daemon: here.keeper.controlling(daemon, what), here.keeper, dry_run)


@service.command()
@_NAMES
@where
def status(names: tuple[str, ...], asked: Asked) -> None:
    """Show whether services run and start by themselves; exit 7 when one does not, or its files are others."""
    anyio.run(_status, found(asked, names))


@service.command()
@click.argument("name")
@where
@click.option("-n", "--lines", type=click.IntRange(min=0), default=100, show_default=True, help="How many lines.")
@click.option("-f", "--follow", is_flag=True, help="Go on as it grows.")
def logs(name: str, asked: Asked, lines: int, follow: bool) -> None:
    """Show the log of the service NAME."""
    here = found(asked, (name,))
    argv = here.manager.logs(here.daemons[0], lines, follow=follow)
    status = anyio.run(functools.partial(attached, argv, cwd=wire.here(), env=wire.environment()))
    if status:
        raise Unfinished(Problem(path=name, what=f"`{' '.join(argv)}` ended with status {status}"))


@service.command()
@click.argument("name")
@click.option("--profile", envvar="ENV_PROFILE", show_envvar=True, help=f"{', '.join(PROFILES)}; by default prod.")
@click.option("--env-file", metavar="FILE", type=click.Path(path_type=Path), help="Variables; by default .env, if any.")
@click.option("--system", is_flag=True, help="With the folders of the whole machine instead of yours.")
@click.option("--programs", default="/usr/local/bin", metavar="DIR", help="Where the program is, else on PATH.")
def run(name: str, profile: str | None, env_file: Path | None, system: bool, programs: str) -> None:
    """Run the service NAME in the foreground, in the place of this program.

    Its environment is checked first: this one, then FILE, then what the config says for the profile. NAME_FILE is a
    file with the value of NAME. Exit code 78 when it is not as the service needs it; every reason is told at once.
    """
    try:
        argv, env = runnable(name, profile, env_file, system=system, programs=programs)
    except ConfigError as error:
        raise Misconfigured(*error.problems) from None
    wire.become(argv, env)


async def _each(
    daemons: Sequence[Daemon], plan: Callable[[Daemon], Awaitable[Work]], keeper: Keeper, dry_run: bool
) -> None:
    console = wire.console("plain")
    for daemon in daemons:
        work = await plan(daemon)
        for change in work.kept:
            console.emit(Note(text=f"{change.path}: edited by hand, and left so\n{change.diff}", level="warning"))
        if dry_run:
            for change in work.changes:
                console.emit(Note(text=change.diff.rstrip("\n")))
        for line in work.told:
            console.print(f"{'would ' if dry_run else ''}{line}")
        if not work.told:
            console.print(f"{daemon.service}: nothing to do")
        if not dry_run:
            await keeper.carry_out(work)


async def _status(here: Found) -> None:
    rows, problems = [], []
    for daemon in here.daemons:
        state = await here.keeper.state(daemon)
        differing = [change.path for change in here.keeper.differing(daemon)]
        rows.append((daemon.service, state.words, str(state.pid or ""), "yes" if state.enabled else "no"))
        wrong = [] if state.active else [f"is {state.words}"]
        wrong += [] if state.enabled else ["does not start by itself"]
        wrong += [f"{path} is not as it is rendered" for path in differing]
        problems += [Problem(path=daemon.service, what=what) for what in wrong]
    columns = ("service", "state", "#pid", "starts by itself")
    title = f"{len(rows)} services, {here.manager.program}"
    wire.console("plain").print(table_text(Table(title=title, columns=columns, rows=tuple(rows))))
    if problems:
        raise Drift(*problems)
