"""TOML text → Config, or every problem at once, each with its path."""

import difflib
import re
import tomllib
from collections.abc import Iterator, Sequence
from typing import Any, get_args

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from shipways.config.schema import Config
from shipways.errors import ConfigError, Problem

FILE_NAMES = ("shipways.toml", "pyproject.toml")
_EXPECTED = re.compile(r"^Input should be |^Value error, ")


def parse(text: str, file: str) -> Config:
    """The config in a file's text; pyproject.toml has it in `[tool.shipways]`. Raises ConfigError with all problems."""
    try:
        data: Any = tomllib.loads(text)
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        raise ConfigError(Problem(path=file, what=f"not valid TOML: {error}")) from None
    if file.endswith("pyproject.toml"):
        tool = data.get("tool", {})
        data = tool.get("shipways", {}) if isinstance(tool, dict) else {}
    try:
        return Config.model_validate(_tuples(data))
    except ValidationError as error:
        raise ConfigError(*_problems(error)) from None


def has_table(text: str) -> bool:
    """Whether a pyproject.toml's text holds `[tool.shipways]`; false for one that cannot be read."""
    try:
        return "shipways" in tomllib.loads(text).get("tool", {})
    except (tomllib.TOMLDecodeError, TypeError):
        return False


def _tuples(value: Any) -> Any:
    """Lists as tuples, so that strict validation takes them and the result is frozen."""
    if isinstance(value, list):
        return tuple(_tuples(item) for item in value)
    if isinstance(value, dict):
        return {key: _tuples(item) for key, item in value.items()}
    return value


def _problems(error: ValidationError) -> Iterator[Problem]:
    for detail in error.errors(include_url=False):
        path = ".".join(str(part) for part in detail["loc"] if part != "[key]")
        if detail["type"] == "value_error":
            yield from _own(path, str(detail["ctx"]["error"]))
        else:
            yield Problem(path=path, what=_what(detail), hint=_hint(detail))


def _own(path: str, message: str) -> Iterator[Problem]:
    """A validator of ours says one problem a line; a line may carry the path itself, or add to it."""
    for line in message.splitlines():
        head, colon, rest = line.partition(": ")
        if colon and not path:
            yield Problem(path=head, what=rest)
        else:
            yield Problem(path=path, what=line)


def _what(detail: ErrorDetails) -> str:
    kind = detail["type"]
    if kind == "extra_forbidden":
        return "unknown key"
    if kind == "missing":
        return "is required"
    found = detail["input"]
    shown = f", found {found!r}" if isinstance(found, str | int | float | bool) else ""
    if kind == "string_pattern_mismatch":
        return f"must match {detail['ctx']['pattern']}{shown}"
    text = _EXPECTED.sub("", detail["msg"])
    return f"expected {text}{shown}" if text != detail["msg"] else f"{text}{shown}"


def _hint(detail: ErrorDetails) -> str:
    if detail["type"] != "extra_forbidden":
        return ""
    key = str(detail["loc"][-1])
    known = known_keys(tuple(str(part) for part in detail["loc"][:-1]))
    near = difflib.get_close_matches(key, known, n=1, cutoff=0.5)
    return f"did you mean `{near[0]}`?" if near else f"known keys: {', '.join(sorted(known))}"


def known_keys(path: Sequence[str]) -> tuple[str, ...]:
    """The keys of the table at this path; the part after a table of tables is any name."""
    model: type[BaseModel] | None = Config
    for part in path:
        if model is None:
            break
        field = next((f for name, f in model.model_fields.items() if part in (name, f.alias)), None)
        model = _model(field.annotation) if field else model
    return tuple(field.alias or name for name, field in model.model_fields.items()) if model else ()


def _model(annotation: Any) -> type[BaseModel] | None:
    """The table in an annotation such as `dict[Name, Package]` or `Archive | None`."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    return next((found for arg in get_args(annotation) if (found := _model(arg))), None)
