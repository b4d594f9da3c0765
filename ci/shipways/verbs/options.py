"""Options that several verbs share, and the one value that they become."""

import functools
import re
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
FROM = click.option(
    "--from",
    "sources",
    multiple=True,
    metavar="DIR",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="Go on with the shards in this folder, and below it; once for each.",
)


def publish_option(text: str) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """`--publish` of a verb. Jobs of CI give it by their environment."""
    return click.option("--publish", is_flag=True, envvar="SHIPWAYS_PUBLISH", show_envvar=True, help=text)


def create_tag_option(text: str) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """The same of `--create-tag`."""
    return click.option("--create-tag", is_flag=True, envvar="SHIPWAYS_CREATE_TAG", show_envvar=True, help=text)


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

    @click.option(
        "--tag",
        default="",
        metavar="TAG",
        envvar="SHIPWAYS_TAG",
        show_envvar=True,
        help="Finish the release of this tag, from what it has staged.",
    )
    @click.option("--restage", is_flag=True, help="With --tag: make it anew, and replace what it has staged.")
    @functools.wraps(command)
    def with_finish(*, tag: str, restage: bool, **others: object) -> None:
        if restage and not tag:
            raise click.UsageError("--restage needs --tag")
        command(finish=Finish(tag=tag, restage=restage) if tag else None, **others)

    return with_finish


@dataclass(frozen=True, slots=True, kw_only=True)
class Share:
    """Which part of a release to build: shard `number` of `total` (0: all), after those that lie in `sources`.

    `create_tag`: of a release that makes its own tags.
    """

    number: int
    total: int
    sources: tuple[Path, ...]
    publish: bool
    create_tag: bool


def sharing(command: Callable[..., None]) -> Callable[..., None]:
    """Gives a verb the options of several machines, as the argument `share`; None without any."""

    @click.option(
        "--shard",
        default="",
        metavar="K/N",
        envvar="SHIPWAYS_SHARD",
        show_envvar=True,
        help="Only the steps of this shard, with a record of them.",
    )
    @FROM
    @publish_option("With --shard or --from: as the real release builds them.")
    @create_tag_option("With --publish: as one builds them that tags this commit.")
    @functools.wraps(command)
    def with_share(*, shard: str, sources: tuple[Path, ...], publish: bool, create_tag: bool, **others: object) -> None:
        if shard and sources:
            raise click.UsageError("--shard and --from exclude each other")
        if publish and not (shard or sources):
            raise click.UsageError("--publish needs --shard or --from")
        if create_tag and not publish:
            raise click.UsageError("--create-tag needs --publish")
        number, total = _shard(shard) if shard else (0, 0)
        asked = Share(number=number, total=total, sources=sources, publish=publish, create_tag=create_tag)
        command(share=asked if shard or sources else None, **others)

    return with_share


def _shard(text: str) -> tuple[int, int]:
    match = re.fullmatch(r"(\d{1,4})/(\d{1,4})", text)
    if match is None:
        raise click.UsageError(f"--shard: {text!r} is not K/N, such as 2/3")
    return int(match[1]), int(match[2])


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """Which kind of release the command line asks for. `sources` are folders of what other machines have made."""

    snapshot: bool
    publish: bool
    create_tag: bool
    dry_run: bool
    sources: tuple[Path, ...]


def asking(command: Callable[..., None]) -> Callable[..., None]:
    """Gives a verb the options that choose a release, as the argument `asked`."""

    @click.option("--snapshot", is_flag=True, help="Never publish, whatever the tag says.")
    @publish_option("Publish: the tree must be clean and at a tag.")
    @create_tag_option("With --publish: tag this commit, once everything is staged.")
    @click.option("--dry-run", is_flag=True, help="Make everything, and only say what would be published.")
    @FROM
    @functools.wraps(command)
    def with_asked(
        *, snapshot: bool, publish: bool, create_tag: bool, dry_run: bool, sources: tuple[Path, ...], **others: object
    ) -> None:
        if snapshot and publish:
            raise click.UsageError("--snapshot and --publish exclude each other")
        if create_tag and not publish:
            raise click.UsageError("--create-tag needs --publish")
        asked = Asked(snapshot=snapshot, publish=publish, create_tag=create_tag, dry_run=dry_run, sources=sources)
        command(asked=asked, **others)

    return with_asked


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
