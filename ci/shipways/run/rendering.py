"""Committed files that are rendered: what they should be, and how they differ from what is there."""

import contextlib
import difflib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

from shipways.config.schema import Config
from shipways.errors import ConfigError, Problem
from shipways.model.facts import Facts
from shipways.model.rendered import Rendered
from shipways.ports import Files, Renderer
from shipways.run.keeping import merged, same

_LOST: Final = "diff --git a/{path} b/{path}\nold mode 100644\nnew mode 100755\n"


def rendered_files(
    config: Config, facts: Facts, renderers: Sequence[Renderer], paths: Sequence[str] = ()
) -> tuple[Rendered, ...]:
    """Every rendered file, or those at (or below) these paths from the top of the repository.

    Raises ConfigError for a path where nothing is rendered.
    """
    files = sorted((file for renderer in renderers for file in renderer.rendered(config, facts)), key=lambda f: f.path)
    unknown = [path for path in paths if not any(_covers(path, file) for file in files)]
    if unknown:
        hint = f"rendered are: {', '.join(file.path for file in files) or 'none'}"
        raise ConfigError(*(Problem(path=path, what="is not a rendered file", hint=hint) for path in unknown))
    return tuple(file for file in files if not paths or any(_covers(path, file) for path in paths))


def differing(files: Files, root: Path, rendered: Sequence[Rendered]) -> Iterator[tuple[Rendered, str]]:
    """The rendered files that are not what lies below `root`, with a unified diff to what they should be.

    A program that may not be run is one too; git's lines for modes tell it.

    They have the parts of the user by then. Raises ConfigError for one that has no place.
    """
    for each in rendered:
        place = root / each.path
        there = files.exists(place)
        found = files.read(place).decode(errors="surrogateescape") if there else ""
        file = merged(each, found)
        lost = there and file.executable and not files.exists(place, executable=True)
        if lost or not there or not same(file, found):
            yield file, (_LOST.format(path=file.path) if lost else "") + _diff(file, found, there=there)


def drift(file: Rendered) -> Problem:
    """What `check` and `render --check` say of a file that differs."""
    return Problem(path=file.path, what="is not what the config renders", hint="`shipways render` writes it; commit it")


def write(files: Files, root: Path, rendered: Sequence[Rendered]) -> tuple[Rendered, ...]:
    """Write what differs, and say which. No file has its name before all of them are written."""
    changed = tuple(file for file, _ in differing(files, root, rendered))
    with contextlib.ExitStack() as opened:
        for file in changed:
            stream = opened.enter_context(files.create(root / file.path, executable=file.executable))
            stream.write(file.text.encode(errors="surrogateescape"))
            stream.flush()  # a full disk is to be noticed here
    return changed


def _covers(path: str, file: Rendered) -> bool:
    return path in (".", file.path) or file.path.startswith(f"{path}/")


def _diff(file: Rendered, found: str, *, there: bool) -> str:
    before = f"a/{file.path}" if there else "/dev/null"
    lines = difflib.unified_diff(
        found.splitlines(keepends=True), file.text.splitlines(keepends=True), before, f"b/{file.path}"
    )
    return "".join(line if line.endswith("\n") else f"{line}\n\\ No newline at end of file\n" for line in lines)
