"""version: which comes next, and the files that say it."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import anyio
import click

from shipways import wire
from shipways.errors import ConfigError, Problem
from shipways.manifestfacts import Place, place
from shipways.model.event import Note
from shipways.model.rendered import Rendered
from shipways.model.source import EXECUTABLE, REGULAR
from shipways.news import History
from shipways.run import rendering
from shipways.settings import find_config
from shipways.verbs.options import PACKAGE
from shipways.versioning.edits import Project, edited
from shipways.versioning.following import Following, following, following_json, following_text, grouped
from shipways.versioning.goals import numbers, sections, selected

_KIND: Final = re.compile(r"[A-Za-z][0-9A-Za-z-]*")


def _pre(context: click.Context, parameter: click.Parameter, value: str) -> str:
    if value and not _KIND.fullmatch(value):
        raise click.BadParameter(f"{value!r} is not a word such as rc or beta", context, parameter)
    return value


PRE = click.option("--pre", callback=_pre, default="", metavar="WORD", help="A pre-release: rc, beta …")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Known:
    """What both commands begin with: the chosen packages, and what the repository says of them."""

    project: Project
    places: Mapping[str, Place | None]
    names: tuple[str, ...]
    histories: Mapping[tuple[str, ...], History]


@click.group()
def version() -> None:
    """Print the version that comes next, or set one."""


@version.command("next")
@PACKAGE
@PRE
@click.option("--json", "as_json", is_flag=True, help="For programs.")
def next_version(package: tuple[str, ...], pre: str, as_json: bool) -> None:
    """Print what comes after the last tag, by the Conventional Commits since, and the commits that say why."""
    found = anyio.run(_next, package, pre)
    wire.console("plain").print(following_json(found) if as_json else following_text(found))


async def _next(package: tuple[str, ...], pre: str) -> list[Following]:
    async with wire.workshop() as shop:
        known = await _known(shop, package)
    every = [
        each
        for group, history in known.histories.items()
        for each in following(shop.config, shop.facts, group, history, pre)
    ]
    return sorted((each for each in every if each.package in known.names), key=lambda e: known.names.index(e.package))


@version.command("set")
@click.argument("number", metavar="VERSION|next")
@PACKAGE
@PRE
@click.option("--dry-run", is_flag=True, help="Only show the diff.")
def set_version(number: str, package: tuple[str, ...], pre: str, dry_run: bool) -> None:
    """Write a version into manifests, lock files and changelogs, all or none. Shows the diff; commits nothing."""
    if pre and number != "next":
        raise click.UsageError("--pre goes with next: VERSION says it itself")
    anyio.run(_set, number, package, pre, dry_run)


async def _set(number: str, package: tuple[str, ...], pre: str, dry_run: bool) -> None:
    console = wire.console("plain")
    async with wire.workshop() as shop:
        known = await _known(shop, package)
    wanted = numbers(shop.facts, known.names, known.histories, number, pre)
    date = f"{datetime.fromtimestamp(wire.clock().now(), UTC):%Y-%m-%d}"
    told = sections(shop.config, shop.facts.source, wanted, known.histories, date)
    files = edited(known.project, known.places, wanted, told)
    for _, diff in rendering.differing(shop.files, shop.repository.root, files):
        console.print(diff.rstrip("\n"))
    if not dry_run:
        rendering.write(shop.files, shop.repository.root, files)
    console.emit(Note(text=_after(shop, known, wanted, files, dry_run=dry_run)))


async def _known(shop: wire.Workshop, package: tuple[str, ...]) -> _Known:
    files = {file.path for file in shop.facts.source.files if file.mode in (REGULAR, EXECUTABLE)}

    def read(path: str) -> str | None:
        return _text(shop, path) if path in files else None

    config = shop.config
    names = selected(config, package)
    places = {name: place(config, name, read) for name in config.package}
    groups = [group for group in grouped(config, places) if set(group) & set(names)]
    config_file = find_config(wire.here())[0].name
    return _Known(
        project=Project(config_file=config_file, paths=sorted(files), read=read),
        places=places,
        names=names,
        histories=await wire.histories(shop, groups),
    )


def _text(shop: wire.Workshop, path: str) -> str:
    """With the ends of its lines as they are."""
    try:
        return shop.files.read(Path(shop.repository.root, path)).decode()
    except UnicodeDecodeError:
        raise ConfigError(Problem(path=path, what="is not UTF-8", hint="save the file as UTF-8")) from None


def _after(
    shop: wire.Workshop, known: _Known, wanted: Mapping[str, str], files: Sequence[Rendered], *, dry_run: bool
) -> str:
    """What was done, and the commands that come next."""
    if not wanted:
        return "nothing asks for a release; nothing is changed"
    tags = {shop.config.package[name].tag.format(version=number): known.places[name] for name, number in wanted.items()}
    paths = " ".join(file.path for file in files)
    by_hand = [tag for tag, place in tags.items() if place is None]  # only tags say these versions
    commands = [f'git commit --message "chore: release {", ".join(tags)}" {paths}'] if files else []
    commands += [f"git tag --annotate --message {tag} {tag}" for tag in by_hand]
    commands.append("shipways release --publish" + ("" if len(by_hand) == len(tags) else " --create-tag"))
    done = "nothing is to be changed" if not files else "nothing is written" if dry_run else f"wrote {paths}"
    return "\n  ".join((f"{done}; next:", *commands))
