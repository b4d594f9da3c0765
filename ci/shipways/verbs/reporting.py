"""What a run that makes things tells about itself at its end: sizes, and dist/report.html."""

import contextlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TypeAlias

from shipways import wire
from shipways.config.manifestfile import REPORT
from shipways.errors import Problem, ShipwaysError
from shipways.model.event import Note
from shipways.model.manifest import Manifest
from shipways.model.plan import Mode
from shipways.outside.channels import Channel
from shipways.ports import Console, Files
from shipways.run import history
from shipways.run.journal import Journal
from shipways.run.page import page
from shipways.run.story import story
from shipways.verbs import publishing
from shipways.verbs.options import How

Before: TypeAlias = history.Known | None


def journal(how: How) -> Journal:
    """The console of the command line, which remembers."""
    return Journal(wire.console(how.log), wire.clock())


@contextlib.contextmanager
def reported(told: Journal, files: Files, dist: Path) -> Iterator[None]:
    """Leave dist/report.html when the block ends, well or with an error of ours; a run without a plan leaves none."""
    try:
        yield
    except ShipwaysError as error:
        _write(told, error.problems, files, dist)
        raise
    _write(told, (), files, dist)


def against(how: How) -> Before:
    """The sizes that this run is compared with, if the user names them. Raises ConfigError when that is no manifest."""
    return history.read_known(wire.files(), how.against) if how.against else None


async def tell_sizes(
    shop: wire.Workshop,
    manifest: Manifest,
    mode: Mode | None,
    console: Console,
    before: Before,
    channels: Sequence[Channel] = (),
) -> None:
    """Say what has changed since the release before, and keep this one's sizes. Without a mode, a part was made.

    A release that nothing here remembers is asked for in the places that keep it.
    """
    dist = shop.repository.root / "dist"
    now, known = history.measured(manifest, mode or Mode.SNAPSHOT), history.recall(shop.files, dist)
    if mode is Mode.RELEASE and before is None and not history.knows_release(now, known):
        before = await _kept(shop, channels, console)
    console.emit(history.compared(now, known, before, partial=mode is None))
    if mode is not None:
        history.remember(shop.files, dist, manifest, mode, wire.clock())


async def _kept(shop: wire.Workshop, channels: Sequence[Channel], console: Console) -> Before:
    """The sizes of the last release from where it is; what is only compared is no reason to fail."""
    try:
        with shop.store.scratch() as scratch:
            async with publishing.opened(scratch, console) as around:
                tags = await wire.tags_before(shop)
                return await history.kept(channels, shop.config.project.name, tags, scratch, around.outside)
    except ShipwaysError as error:
        text = f"the sizes of the release before are not known: {error.problems[0].what}"
        console.emit(Note(text=text, level="warning"))
        return None


def _write(told: Journal, problems: Sequence[Problem], files: Files, dist: Path) -> None:
    """The report of what was told. That a disk does not take it is said, and is no reason to fail."""
    found = story(told.entries, problems)
    if found is None:
        return
    try:
        with files.create(dist / REPORT) as stream:
            stream.write(page(found).encode(errors="backslashreplace"))
    except ShipwaysError as error:
        told.emit(Note(text=f"{REPORT}: {error.problems[0].what}", level="warning"))
