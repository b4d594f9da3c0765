"""serve: the deployer service, which brings services to hosts when its API is asked to."""

import contextlib
import functools
import secrets
from collections.abc import AsyncIterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Final

import anyio
import click
from pydantic import ValidationError
from pydantic_core import ErrorDetails

from shipways import wire
from shipways.adapters.tokenfile import TokenFile
from shipways.config.kinds import milliseconds
from shipways.config.schema import Config
from shipways.config.serve import Serve
from shipways.deploy.sudoers import rule
from shipways.deployer.tokens import Scope, new, parsed
from shipways.doors import bringer, site
from shipways.errors import ConfigError, PreflightError, Problem, first
from shipways.outside.platforms import Site
from shipways.run.jobs import Jobs
from shipways.run.jobtools import Tools
from shipways.run.trail import Trail
from shipways.settings import settings
from shipways.verbs.standing import machine_services

_GRACE: Final = 5.0
"""Seconds for jobs that are nearly done when it is to end."""


@click.command()
@click.option("--new-token", "token", metavar="NAME", help="Make a token of this name, print it once, and end.")
@click.option(
    "--scopes", default="read,deploy", show_default=True, help=f"What the new token may: {', '.join(Scope)}, by commas."
)
@click.option(
    "--config",
    metavar="FILE",
    type=click.Path(path_type=Path),
    help="The shipways.toml; by default that of this folder.",
)
@click.option("--listen", metavar="ADDRESS:PORT", help="Where to listen, in place of serve.listen.")
@click.option("--state", metavar="FOLDER", help="The folder of its state, in place of serve.state.")
@click.option(
    "--sudoers", is_flag=True, help="Print what a host has to let its user run as root, of [deploy.NAME], too."
)
def serve(
    token: str | None, scopes: str, config: Path | None, listen: str | None, state: str | None, sudoers: bool
) -> None:
    """Serve the API and the page of the deployer, as [serve] says, until a signal ends it.

    Jobs that were interrupted are finished or taken back meanwhile. SIGTERM lets answers and jobs that are nearly done
    end.
    """
    folder = wire.here() if config is None else config.absolute().parent
    if sudoers:
        _sudoers(settings(folder).config)
        return
    table = _placed(_table(folder), {"listen": listen, "state": state})
    if token is not None:
        _new(table, token, scopes)
    else:
        anyio.run(_serve, table, settings(folder).folder)


def _table(folder: Path) -> Serve:
    found = settings(folder).config.serve
    if found is None:
        raise ConfigError(Problem(path="serve", what="there is no such table", hint="`shipways explain serve`"))
    return found


def _placed(table: Serve, said: Mapping[str, str | None]) -> Serve:
    """The table with what the command line says in place of it."""
    try:
        return Serve.model_validate({**dict(table), **{key: text for key, text in said.items() if text is not None}})
    except ValidationError as error:
        wrong = [Problem(path=f"--{detail['loc'][0]}", what=_wrong(detail)) for detail in error.errors()]
        raise ConfigError(*wrong) from None


def _wrong(detail: ErrorDetails) -> str:
    """In words: the only pattern here is that of an address."""
    if detail["type"] == "string_pattern_mismatch":
        return f"expected ADDRESS:PORT, found {detail['input']}"
    return detail["msg"].removeprefix("Value error, ")


def _sudoers(config: Config) -> None:
    """The rule of each user by whom hosts are reached. Raises ConfigError where there are no hosts."""
    tables = [each for each in (config.serve, *config.deploy.values()) if each and each.hosts]
    if not tables:
        what = 'there is no such table, and no [deploy.NAME] of kind = "hosts"'
        raise ConfigError(Problem(path="serve", what=what, hint="`shipways explain serve`"))
    rules = {
        rule(host.partition("@")[0], table.ssh.root): None
        for table in tables
        for host in table.hosts
        if "@" in host and not host.startswith("root@")
    }
    console = wire.console("plain")
    for each in sorted(rules):
        console.print(each.rstrip())
    if not rules:
        console.print("# every host is reached as root, who needs no rule")


def _new(table: Serve, name: str, scopes: str) -> None:
    """The token is printed alone, so that it can be piped; only its digest is kept."""
    file, path = TokenFile(Path(table.access.tokens)), table.access.tokens
    token, word = new(name, [each.strip() for each in scopes.split(",")])
    file.check()
    if any(each.name == name for each in parsed(file.text())[0]):
        raise ConfigError(Problem(path=path, what=f"there is a token {name}", hint="take its line out first"))
    try:
        file.add(str(token))
    except OSError as error:
        raise PreflightError(Problem(path=path, what="cannot be written", why=error.strerror or "")) from None
    wire.console("plain").print(word)


async def _serve(table: Serve, root: Path) -> None:
    from shipways.adapters.httpserver import Listening, served  # noqa: PLC0415 - a second that --new-token does not need
    from shipways.deployer.app import application  # noqa: PLC0415 - the same

    tokens, console, access = TokenFile(Path(table.access.tokens)), wire.console("plain"), table.access
    tokens.check()
    _, problems = parsed(tokens.text())
    if problems:
        raise ConfigError(*(replace(each, path=f"{access.tokens}, {each.path}") for each in problems))
    host, _, port = table.listen.rpartition(":")
    where = Listening(host=host.strip("[]"), port=int(port), certificate=access.certificate, key=access.key)
    try:
        async with _desk(table, root) as desk:
            app = application(desk, table, tokens, wire.clock())
            stopping = app.state.house.stopping
            await served(app, where, stopping.set, lambda url: console.print(f"serves {url}"))
    except BaseExceptionGroup as failures:  # of the tasks of the desk
        raise first(failures) from None


@contextlib.asynccontextmanager
async def _desk(table: Serve, root: Path) -> AsyncIterator[Jobs]:
    """Jobs, with the journal and the trail in the folder of the state. Raises PreflightError."""
    from shipways.adapters.book import DiskBook  # noqa: PLC0415 - see above
    from shipways.adapters.jobjournal import opened  # noqa: PLC0415 - see above

    clock, folder = wire.clock(), Path(table.state)
    with opened(folder) as journal:
        tools = Tools(
            journal=journal,
            trail=Trail(DiskBook(folder / "trail.jsonl"), journal, clock),
            bringer=bringer(table, clock),
            clock=clock,
            site=functools.partial(_site, root),
            name=lambda: secrets.token_hex(8),
            timeout=milliseconds(table.timeout) / 1000,
            concurrent=table.concurrent,
            grace=_GRACE,
        )
        async with Jobs(tools).opened() as desk:
            yield desk


def _site(root: Path) -> Site:
    """The doors for one job; its hosts are closed with it."""
    return site(root, root / "dist", wire.shell(), wire.clock(), functools.cache(machine_services))
