"""render: the committed files that follow from the config."""

from pathlib import Path

import anyio
import click

from shipways import wire
from shipways.errors import ConfigError, Drift, Problem
from shipways.model.event import Note
from shipways.pipeline.renderers import RENDERERS
from shipways.run import rendering


@click.command()
@click.argument("paths", nargs=-1, metavar="[PATH]...")
@click.option("--check", is_flag=True, help="Write nothing; print how each file differs, and exit 7 when one does.")
def render(paths: tuple[str, ...], check: bool) -> None:
    """Write the files that are rendered from the config, or those at PATH and below."""
    anyio.run(_render, paths, check)


async def _render(paths: tuple[str, ...], check: bool) -> None:
    async with wire.workshop() as shop:
        _rendered(shop, paths, check)


def _rendered(shop: wire.Workshop, paths: tuple[str, ...], check: bool) -> None:
    root, console = shop.repository.root, wire.console("plain")
    wanted = tuple(_from_top(root, path) for path in paths)
    files = rendering.rendered_files(shop.config, shop.facts, RENDERERS, wanted)
    if not check:
        for file in rendering.write(shop.files, root, files):
            console.emit(Note(text=f"wrote {file.path}"))
        return
    differing = list(rendering.differing(shop.files, root, files))
    if differing:
        console.print("".join(diff for _, diff in differing).rstrip("\n"))
        raise Drift(*(rendering.drift(file) for file, _ in differing))


def _from_top(root: Path, path: str) -> str:
    """A path given from the folder the command was started in, as one from the top of the repository."""
    place = Path(wire.here(), path).resolve()
    if not place.is_relative_to(root.resolve()):
        raise ConfigError(Problem(path=path, what="is not in this repository", why=f"which is {root}"))
    return place.relative_to(root.resolve()).as_posix()
