"""Finds the line of a key in TOML text, which no TOML library tells. Used only to word an error."""

import functools
import operator
import re
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final, TypeAlias

Position: TypeAlias = tuple[str | int, ...]

_PART: Final = r"""(?:[A-Za-z0-9_-]+|"(?:\\.|[^"\\\n])*"|'[^'\n]*')"""
_DOTTED: Final = rf"{_PART}(?:[ \t]*\.[ \t]*{_PART})*"
_HEADER: Final = re.compile(rf"[ \t]*(\[\[?)[ \t]*({_DOTTED})[ \t]*\]\]?[ \t]*(?:#.*)?")
_KEY: Final = re.compile(rf"[ \t]*({_DOTTED})[ \t]*=")
_LONG_STRING: Final = re.compile(r'"""(?:\\.|[^\\])*?"""|' + r"'''.*?'''", re.DOTALL)


def locate(text: str, data: Mapping[str, Any], path: Sequence[str | int]) -> int | None:
    """The line (from 1) of the key at a path, else of the nearest table around it; None when neither is found.

    `data` is what the text parses to: a line only counts when its key is there, so that a line of an array or a string
    that looks like a key is not taken for one.
    """
    lines = dict(reversed(list(_lines(text, data))))
    wanted = tuple(path)
    return next((lines[wanted[:end]] for end in range(len(wanted), 0, -1) if wanted[:end] in lines), None)


def split(dotted: str) -> tuple[str, ...]:
    """The parts of a dotted key, unquoted; empty for what only looks like one."""
    try:
        inner: object = tomllib.loads(f"{dotted} = 0")
    except tomllib.TOMLDecodeError:
        return ()
    parts: list[str] = []
    while isinstance(inner, dict) and inner:
        name, inner = next(iter(inner.items()))
        parts.append(name)
    return tuple(parts)


def _lines(text: str, data: Mapping[str, Any]) -> Iterator[tuple[Position, int]]:
    """Each key and table with its line; the first is the one that counts."""
    table: Position = ()
    seen: dict[Position, int] = {}
    blanked = _LONG_STRING.sub(lambda match: "\n" * match[0].count("\n"), text)
    for number, line in enumerate(blanked.split("\n"), 1):
        if match := _HEADER.fullmatch(line.rstrip("\r")):
            position = _header(split(match[2]), match[1] == "[[", seen)
            if _has(data, position):
                table = position
                yield table, number
        elif match := _KEY.match(line):
            parts = split(match[1])
            for end in range(1, len(parts) + 1):
                if _has(data, (*table, *parts[:end])):
                    yield (*table, *parts[:end]), number


def _header(parts: Sequence[str], array: bool, seen: dict[Position, int]) -> Position:
    """The position that a header means: inside an array of tables it is the last one so far."""
    position: Position = ()
    for part in parts[:-1]:
        position = (*position, part)
        position = (*position, seen[position]) if position in seen else position
    position = (*position, *parts[-1:])
    if array:
        seen[position] = seen.get(position, -1) + 1
        position = (*position, seen[position])
    return position


def _has(data: Mapping[str, Any], position: Position) -> bool:
    try:
        functools.reduce(operator.getitem, position, data)  # type: ignore[arg-type] # a mapping first, then what it holds
    except (KeyError, IndexError, TypeError):
        return False
    return bool(position)
