"""Reads reference.toml, the one source of what each key means: for `explain`, the schema, and error messages."""

import functools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from importlib import resources
from typing import Final, Literal

import tomlkit
from tomlkit.container import Container
from tomlkit.items import AoT, Comment, Item, Table, Whitespace

from shipways.config.tables import NAME, Path

_MARKS: Final[dict[str, Literal["required", "optional"]]] = {"Required.": "required", "No default.": "optional"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """A table (`value` is empty) or a key, at `path`. The value, as TOML, is the default, else an example."""

    path: Path
    comment: str
    value: str = ""
    presence: Literal["default", "required", "optional"] = "default"
    array: bool = False
    """Whether it is an array of tables: `[[…]]`."""


@functools.cache
def reference() -> tuple[Entry, ...]:
    """The entries of the file that belongs to this version; it is part of the program."""
    return read_reference(resources.files("shipways.config").joinpath("reference.toml").read_text(encoding="utf-8"))


def read_reference(text: str) -> tuple[Entry, ...]:
    """Tables and keys in the order of the file, each with the comment lines right above it."""
    return tuple(_entries(tomlkit.parse(text), (), []))


def find(entries: Sequence[Entry], path: Path) -> Entry | None:
    """The entry at a path in which NAME may be any name."""
    return next((entry for entry in entries if fits(entry.path, path)), None)


def fits(pattern: Path, path: Path) -> bool:
    """Whether the path is the pattern's, NAME being any name."""
    return len(pattern) == len(path) and all(p in (NAME, part) for p, part in zip(pattern, path, strict=True))


def below(entries: Sequence[Entry], path: Path) -> tuple[Entry, ...]:
    """What is in the table at a path: its keys, then the tables below it. An empty path has only tables."""
    inside = [e for e in entries if len(e.path) > len(path) and fits(e.path[: len(path)], path)]
    named = [e for e in inside if e.value and len(e.path) == len(path) + 1]
    return tuple(named + [e for e in inside if not e.value])


def _entries(container: Container, path: Path, above: list[str]) -> Iterator[Entry]:
    """`above` collects comment lines across tables: tomlkit has those above a header at the end of the table before."""
    for key, item in container.body:
        if key is None:
            _collect(item, above)
            continue
        inner = (*path, key.key)
        for table in item.body if isinstance(item, AoT) else [item]:
            if not (isinstance(table, Table) and table.is_super_table()):
                yield _entry(inner, table, above, array=isinstance(item, AoT))
            if isinstance(table, Table):
                yield from _entries(table.value, inner, above)


def _collect(item: Item, above: list[str]) -> None:
    if isinstance(item, Comment):
        above.append(item.trivia.comment.removeprefix("#").strip())
    elif isinstance(item, Whitespace):
        above.clear()


def _entry(path: Path, item: Item, above: list[str], *, array: bool) -> Entry:
    comment = " ".join(above)
    above.clear()
    mark = next((mark for mark in _MARKS if comment.endswith(mark)), "")
    return Entry(
        path=path,
        comment=comment.removesuffix(mark).rstrip(),
        value="" if isinstance(item, Table) else item.as_string(),
        presence=_MARKS.get(mark, "default"),
        array=array,
    )
