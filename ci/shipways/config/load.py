"""TOML text → Config, or every problem at once, each with its path and line."""

import contextlib
import copy
import functools
import operator
import tomllib
from collections.abc import Sequence
from typing import Any

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from shipways.config.schema import Config
from shipways.config.tables import general, tables
from shipways.errors import ConfigError, Problem

FILE_NAMES = ("shipways.toml", "pyproject.toml")


def decode(data: bytes, file: str) -> str:
    """The text of a file, which TOML wants to be UTF-8. Raises ConfigError with the line that is not."""
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data[: error.start].count(b"\n") + 1
        raise ConfigError(
            Problem(
                path=file, place=f"{file}:{line}", what="not UTF-8", why=error.reason, hint="save the file as UTF-8"
            )
        ) from None


def parse(text: str, file: str) -> Config:
    """The config in a text; `pyproject.toml` has it in `[tool.shipways]`. Raises ConfigError with every problem."""
    top = ("tool", "shipways") if file.endswith("pyproject.toml") else ()
    try:
        whole = tomllib.loads(text)
        return _validate(whole, top, text, file)
    except RecursionError:
        raise ConfigError(Problem(path=file, what="tables or lists are nested too deep")) from None
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(Problem(path=file, what=f"not valid TOML: {error}")) from None
    except ValueError:  # Python's own limit, which tomllib lets through
        raise ConfigError(Problem(path=file, what="an integer has thousands of digits")) from None


def has_table(text: str) -> bool:
    """Whether a pyproject.toml's text holds `[tool.shipways]`; false for one that cannot be read."""
    try:
        return "shipways" in tomllib.loads(text).get("tool", {})
    except (ValueError, TypeError, RecursionError):
        return False


def _inside(data: Any, path: Sequence[str]) -> Any:
    for part in path:
        data = data.get(part, {}) if isinstance(data, dict) else {}
    return data


def _validate(whole: Any, top: tuple[str, ...], text: str, file: str) -> Config:
    data = _inside(whole, top)
    try:
        return Config.model_validate(_tuples(data))
    except ValidationError as error:
        from shipways.config.complaints import Origin, problems  # noqa: PLC0415 - loaded when there is something to say

        origin = Origin(file=file, text=text, data=whole, top=top)
        first = error.errors(include_url=False)
        raise ConfigError(*problems(first, origin), *problems(_later(first, data), origin)) from None


def _later(first: Sequence[ErrorDetails], data: Any) -> list[ErrorDetails]:
    """What pydantic looks at only when every key is right (names that refer to one another).

    So the wrong keys are taken out and the rest is validated again, unless that would take out what others refer to.
    """
    if any(detail["loc"][-1:] == ("[key]",) or general(detail["loc"]) in tables() for detail in first):
        return []
    rest = copy.deepcopy(data)
    for detail in reversed(first):
        *above, last = detail["loc"]
        with contextlib.suppress(LookupError, TypeError):  # it is missing, or went with the list around it
            del functools.reduce(operator.getitem, above, rest)[last]
    try:
        Config.model_validate(_tuples(rest))
    except ValidationError as error:
        return [detail for detail in error.errors(include_url=False) if detail["type"] == "value_error"]
    return []


def _tuples(value: Any) -> Any:
    """Lists as tuples, so that strict validation takes them and the result is frozen."""
    if isinstance(value, list):
        return tuple(_tuples(item) for item in value)
    if isinstance(value, dict):
        return {key: _tuples(item) for key, item in value.items()}
    return value
