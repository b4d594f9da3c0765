"""What `shipways explain` says about a key or a table, out of reference.toml."""

import textwrap
from collections.abc import Sequence
from typing import Final

from shipways.config.complaints import dotted
from shipways.config.locate import split
from shipways.config.near import nearest
from shipways.config.reference import Entry, below, find, fits, reference
from shipways.config.tables import NAME, Path, general
from shipways.errors import ConfigError, Problem

_LABELS: Final = {"default": "default", "required": "required; for example", "optional": "no default; for example"}
_WIDTH: Final = 110
_WIDEST: Final = 20
"""A longer default is left out of a list; `explain` of its own key shows it."""


def explain(key: str) -> str:
    """A key with its default or an example, or a table with its keys; the tables for an empty key.

    Any name may stand for NAME. Raises ConfigError with the nearest key for an unknown one.
    """
    path = split(key)
    entry, inside = find(reference(), path), below(reference(), path)
    if key and not entry and not (path and inside):
        raise ConfigError(Problem(path=key, what="there is no such key", hint=_meant(path)))
    return "\n\n".join(part for part in (_told(entry, path) if entry else "", _listed(inside, path)) if part)


def example(key: str) -> str:
    """A table and those below it as a file of TOML to begin with: what is not required is a comment.

    Raises ConfigError for what is no table.
    """
    path = split(key)
    inside = [entry for entry in reference() if fits(entry.path[: len(path)], path)]
    if not path or not inside or inside[0].value:
        raise ConfigError(Problem(path=key, what="is no table", hint="`shipways explain` lists the tables"))
    return "".join(map(_written, inside)).strip("\n")


def _written(entry: Entry) -> str:
    """A header after an empty line, or a key; below NAME everything is a comment, since nobody has to have one."""
    head = _header(entry, entry.path) if not entry.value else f"{dotted(entry.path[-1:])} = {entry.value}"
    said = NAME not in entry.path and (not entry.value or entry.presence == "required")
    lines = (*textwrap.wrap(entry.comment, _WIDTH, break_long_words=False, break_on_hyphens=False), head)
    marks = (*("# " for _ in lines[1:]), "" if said else "# ")
    return ("" if entry.value else "\n") + "".join(f"{mark}{line}\n" for mark, line in zip(marks, lines, strict=True))


def _told(entry: Entry, path: Path) -> str:
    if not entry.value:
        return f"{_header(entry, path)}\n  {entry.comment}"
    table, key = dotted(path[:-1]), dotted(path[-1:])
    return (
        f"{dotted(path)}\n  {entry.comment}\n\n  {_LABELS[entry.presence]}:\n    [{table}]\n    {key} = {entry.value}"
    )


def _listed(entries: Sequence[Entry], path: Path) -> str:
    """Keys with their defaults, tables with what they are for; the names of the path in place of NAME."""
    rows = []
    for entry in entries:
        tail = entry.path[len(path) :]
        head = dotted(tail) if entry.value else _header(entry, (*path, *tail))
        value = entry.value if entry.presence == "default" or not entry.value else entry.presence
        rows.append((head, value if len(value) <= _WIDEST else "…", entry.comment))
    widths = [max((len(row[column]) for row in rows), default=0) for column in (0, 1)]
    return "\n".join(f"{head:{widths[0]}}  {value:{widths[1]}}  {comment}" for head, value, comment in rows)


def _header(entry: Entry, path: Path) -> str:
    return f"[[{dotted(path)}]]" if entry.array else f"[{dotted(path)}]"


def _meant(path: Path) -> str:
    """Keys that end like this one, else the nearest."""
    known = [dotted(entry.path) for entry in reference()]
    ending = [key for key in known if key.endswith(f".{dotted(path)}")]
    if path and ending:
        return f"did you mean {', '.join(f'`{key}`' for key in ending)}?"
    return nearest(dotted(general(path)), known) or "`shipways explain` lists the tables"
