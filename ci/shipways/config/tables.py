"""The tables of the config by their paths: what error hints, the reference and the schema have in common."""

import functools
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final, TypeAlias, get_args, get_origin

from pydantic import BaseModel

from shipways.config.schema import Config

NAME: Final = "NAME"
"""Stands for any name, as in `package.NAME.go`."""

Path: TypeAlias = tuple[str, ...]


@functools.cache
def tables() -> Mapping[Path, type[BaseModel]]:
    """Every table, the whole file (an empty path) first."""
    return dict(_walk((), Config))


def general(path: Sequence[str | int]) -> Path:
    """A path in a file as the reference writes it: names become NAME, positions in an array vanish."""
    found: Path = ()
    for part in path:
        if isinstance(part, str):
            found = (*found, NAME if (*found, NAME) in tables() else part)
    return found


def keys(table: Path) -> Mapping[str, bool]:
    """The keys of a table, and for each whether it is a table itself; empty for what is no table."""
    model = tables().get(table)
    fields = model.model_fields.items() if model else ()
    return {field.alias or name: _table(field.annotation) is not None for name, field in fields}


def _walk(path: Path, model: type[BaseModel]) -> Iterator[tuple[Path, type[BaseModel]]]:
    yield path, model
    for name, field in model.model_fields.items():
        if found := _table(field.annotation):
            tail, inner = found
            yield from _walk((*path, field.alias or name, *tail), inner)


def _table(annotation: Any) -> tuple[Path, type[BaseModel]] | None:
    """The table in an annotation such as `dict[Name, Package]` or `Archive | None`, below NAME where it has names."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return (), annotation
    found = next((table for arg in get_args(annotation) if (table := _table(arg))), None)
    if found and get_origin(annotation) is dict:
        return (NAME, *found[0]), found[1]
    return found
