"""Options that several verbs share, and the one value that they become."""

import functools
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import get_args

import click

from shipways.config.engines import EngineChoice

ENGINE = click.option(
    "--engine",
    type=click.Choice(get_args(EngineChoice)),
    envvar="SHIPWAYS_ENGINE",
    show_envvar=True,
    help="Where builds run; by default what engine.use says.",
)
LOG = click.option("--log", type=click.Choice(["auto", "plain", "json"]), default="auto", help="How progress is shown.")
PACKAGE = click.option("--package", multiple=True, metavar="NAME", help="Only this package.")
_NO_CACHE = click.option("--no-cache", is_flag=True, help="Make everything anew: no result of before, no download.")
_REQUIRE = click.option(
    "--require", multiple=True, metavar="KIND", help="Fail when a step of this kind is skipped (all: any)."
)


_AGAINST = click.option(
    "--against",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Compare sizes with this manifest.json of a release before; by default with what dist/ remembers.",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class How:
    """How to make, as the command line says it. `against`: the manifest that sizes are compared with."""

    engine: str | None
    no_cache: bool
    require: tuple[str, ...]
    log: str
    against: Path | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Finish:
    """Which release to finish, and whether what it has staged is made anew."""

    tag: str
    restage: bool


def finishing(command: Callable[..., None]) -> Callable[..., None]:
    """Gives a verb the options that finish a release, as the argument `finish`; None when there is no tag."""

    @click.option("--tag", default="", metavar="TAG", help="Finish the release of this tag, from what it has staged.")
    @click.option("--restage", is_flag=True, help="With --tag: make it anew, and replace what it has staged.")
    @functools.wraps(command)
    def with_finish(*, tag: str, restage: bool, **others: object) -> None:
        if restage and not tag:
            raise click.UsageError("--restage needs --tag")
        command(finish=Finish(tag=tag, restage=restage) if tag else None, **others)

    return with_finish


def making(command: Callable[..., None]) -> Callable[..., None]:
    """Gives a verb that makes things its options, as the argument `how`."""

    @ENGINE
    @_NO_CACHE
    @_REQUIRE
    @LOG
    @_AGAINST
    @functools.wraps(command)
    def with_how(
        *,
        engine: str | None,
        no_cache: bool,
        require: tuple[str, ...],
        log: str,
        against: Path | None,
        **others: object,
    ) -> None:
        how = How(engine=engine, no_cache=no_cache, require=require, log=log, against=against)
        command(how=how, **others)

    return with_how
