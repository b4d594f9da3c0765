"""Values in TOML files that people write, changed so that everything else stays as it is."""

import copy
import functools
import operator
import tomllib
from collections.abc import Sequence
from typing import Any, Final

import tomlkit
from tomlkit.exceptions import TOMLKitError
from tomlkit.items import String

from shipways.errors import ConfigError, Problem

Keys = tuple[str, ...]
_HINT: Final = "write it there by hand"


def with_values(path: str, text: str, values: Sequence[tuple[Keys, str]]) -> str:
    """The text with other strings under keys that are there. Raises ConfigError when more would change."""
    try:
        document = tomlkit.parse(text)
        for keys, value in values:
            table = _at(document, keys[:-1])
            old = table[keys[-1]]
            literal = isinstance(old, String) and old.as_string().startswith("'")
            table[keys[-1]] = tomlkit.string(value, literal=literal)
        made = document.as_string()
    except (TOMLKitError, KeyError, TypeError) as error:
        raise ConfigError(Problem(path=path, what=f"cannot be changed: {error}", hint=_HINT)) from None
    if not _only(text, made, values):
        names = ", ".join(".".join(keys) for keys, _ in values)
        raise ConfigError(Problem(path=path, what=f"has no form in which only {names} can be changed", hint=_HINT))
    return made


def _only(text: str, made: str, values: Sequence[tuple[Keys, str]]) -> bool:
    """Whether nothing but these values differs, as a parser of its own reads it, and no other line."""
    wanted = copy.deepcopy(tomllib.loads(text))
    for keys, value in values:
        _at(wanted, keys[:-1])[keys[-1]] = value
    before, after = text.splitlines(keepends=True), made.splitlines(keepends=True)
    others = sum(one != two for one, two in zip(before, after, strict=False))
    return tomllib.loads(made) == wanted and len(before) == len(after) and others <= len(values)


def _at(data: Any, keys: Keys) -> Any:
    return functools.reduce(operator.getitem, keys, data)
