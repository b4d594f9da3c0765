"""What a run that makes things tells about itself at its end: sizes, and dist/report.html."""

import contextlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final, TypeAlias

from shipways import wire
from shipways.config.manifestfile import REPORT
from shipways.errors import Problem, ShipwaysError
from shipways.model.event import Note
from shipways.model.manifest import Manifest
from shipways.model.plan import Mode
from shipways.ports import Console, Files
from shipways.run import history
from shipways.run.journal import Journal
from shipways.run.page import page
from shipways.run.story import story
from shipways.verbs.options import How

Before: TypeAlias = history.Known | None
_ENDED: Final = Problem(what="the run was ended before it was done")


def journal(how: How) -> Journal:
    """The console of the command line, which remembers."""
    return Journal(wire.console(how.log), wire.clock())


@contextlib.contextmanager
def reported(told: Journal, files: Files, dist: Path) -> Iterator[None]:
    """Leave dist/report.html when the block ends, however it does; a run that planned nothing leaves none."""
    problems: Sequence[Problem] = (_ENDED,)
    try:
        yield
        problems = ()
    except ShipwaysError as error:
        problems = error.problems
        raise
    finally:
        _write(told, problems, files, dist)


def against(how: How) -> Before:
    """The sizes that this run is compared with, if the user names them. Raises ConfigError when that is no manifest."""
    return history.read_known(wire.files(), how.against) if how.against else None


def tell_sizes(shop: wire.Workshop, manifest: Manifest, mode: Mode | None, console: Console, before: Before) -> None:
    """Say what has changed since the release before, and keep this one's sizes. Without a mode, a part was made."""
    dist = shop.repository.root / "dist"
    now = history.measured(manifest, mode or Mode.SNAPSHOT)
    console.emit(history.compared(now, history.recall(shop.files, dist), before, partial=mode is None))
    if mode is not None:
        history.remember(shop.files, dist, manifest, mode, wire.clock())


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
