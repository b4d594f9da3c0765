"""The converge half of a release, and `doctor`."""

import contextlib
from collections.abc import AsyncIterator, Callable, Sequence
from pathlib import Path

import anyio
import click

from shipways import wire
from shipways.bundle import formula
from shipways.config.manifestfile import FILE_NAME, parse_manifest
from shipways.config.schema import Config
from shipways.errors import ConfigError, PreflightError
from shipways.model.event import Note
from shipways.model.facts import Facts
from shipways.model.manifest import Manifest
from shipways.model.outcome import GOOD
from shipways.outside.channels import Channel, Outside
from shipways.pipeline.publishers import PUBLISHERS
from shipways.ports import Console
from shipways.run import rendering
from shipways.run.doctor import examine, findings_table
from shipways.run.reconciler import Around, converge
from shipways.run.record import append_publication
from shipways.run.report import publish_table
from shipways.verbs.options import LOG

Doors = Callable[[Path], contextlib.AbstractAsyncContextManager[Outside]]
"""Opens what channels use, for the artifacts in a folder."""


def real(folder: Path) -> contextlib.AbstractAsyncContextManager[Outside]:
    """The doors to the real places, with the user's tokens."""
    from shipways.doors import outside  # noqa: PLC0415 - a snapshot opens none

    return outside(folder, wire.shell(), wire.clock())


@click.command()
@LOG
def doctor(log: str) -> None:
    """Ask every channel what would stop a release; exit 3 when something would."""
    anyio.run(_doctor, log)


async def _doctor(log: str) -> None:
    console = wire.console(log)
    async with wire.workshop() as shop:
        channels = channels_of(shop.config, shop.facts)
        await preflight(channels, shop.repository.root / "dist", console)


def channels_of(config: Config, facts: Facts | None) -> list[Channel]:
    """Every place that the config names."""
    return [channel for publisher in PUBLISHERS for channel in publisher.plan(config, facts)]


async def preflight(
    channels: Sequence[Channel], dist: Path, console: Console, *, make_digest: str = "", doors: Doors = real
) -> None:
    """One table of all channels. Raises PreflightError with everything that would stop a release.

    Nothing stops one that is complete: what was made under this make digest, and is everywhere.
    """
    async with doors(dist) as out:
        findings = await examine(channels, out)
    console.emit(findings_table(findings))
    for finding in findings:
        for note in finding.notes:
            console.emit(Note(text=f"{finding.channel}: {note}"))
    if problems := [problem for finding in findings for problem in finding.problems]:
        if not await _complete(channels, dist, make_digest, console, doors):
            raise PreflightError(*problems)
        console.emit(Note(text="all of this release is there, so nothing of this stops it"))


async def _complete(channels: Sequence[Channel], dist: Path, make_digest: str, console: Console, doors: Doors) -> bool:
    """Whether what lies in dist/ is of this make digest, and every channel has all of it."""
    files = wire.files()
    if not make_digest or not files.exists(dist / FILE_NAME):
        return False
    with contextlib.suppress(ConfigError):  # a manifest of another program is no answer
        manifest = parse_manifest(files.read(dist / FILE_NAME))
        whole = all(files.exists(dist / entry.path) for entry in manifest.artifacts)
        if manifest.make_digest == make_digest and whole:
            async with opened(dist, console, doors) as around:
                outcome = await converge(channels, manifest, around, apply=False)
            return all(row.state in GOOD for row in outcome.rows)
    return False


async def publish(
    channels: Sequence[Channel], manifest: Manifest, around: Around, *, apply: bool, anew: bool = False
) -> None:
    """Bring a release to its channels. Raises Unfinished or Conflict, after the table that shows how far it came."""
    if not channels:
        around.console.emit(Note(text="there is no channel: the config has no table of [publish]"))
    outcome = await converge(channels, manifest, around, apply=apply, anew=anew)
    around.console.emit(publish_table(outcome))
    if (error := outcome.error()) is not None:
        raise error


def record(shop: wire.Workshop, manifest: Manifest, dist: Path, console: Console) -> None:
    """Lay beside the formulas in dist/ the record of what is published by now; a commit of it is the user's."""
    if not shop.config.publish.github:
        return
    for file in rendering.write(shop.files, dist, tuple(formula.released(shop.config, shop.facts, manifest))):
        folder = file.path.rpartition("/")[0]
        text = f"dist/{file.path} says what is published: copy it to {folder}/, run `shipways render`, and commit both"
        console.emit(Note(text=text))


@contextlib.asynccontextmanager
async def opened(dist: Path, console: Console, doors: Doors = real) -> AsyncIterator[Around]:
    """The doors of channels while the block runs, for the artifacts in a folder, where the ledger is too."""
    clock, files = wire.clock(), wire.files()
    async with doors(dist) as out:
        yield Around(
            outside=out,
            console=console,
            clock=clock,
            record=lambda row: append_publication(files, dist, row, clock),
        )
