"""released.json as text, and back: the formulas of the last published release."""

import functools
import json

from pydantic import TypeAdapter, ValidationError

from shipways.errors import ConfigError, Problem
from shipways.model.formula import Released

FILE_NAME = "released.json"


@functools.cache
def _adapter() -> TypeAdapter[Released]:
    """Built when first used: most projects have no formula."""
    return TypeAdapter(Released)


def parse_released(text: str, path: str) -> Released:
    """The record in a file's text. Raises ConfigError for a file that is none."""
    try:
        return _adapter().validate_json(text)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        place = ".".join(str(part) for part in first["loc"])
        why = f"{place}: {first['msg']}" if place else first["msg"]
        hint = "restore it from git, or copy the one that a release left in dist/"
        raise ConfigError(Problem(path=path, what="not a record of published formulas", why=why, hint=hint)) from None


def render_released(released: Released) -> str:
    """The one text of a record: formulas sorted by name."""
    data = _adapter().dump_python(released, mode="json", exclude_defaults=True)
    data["formulas"].sort(key=lambda formula: formula["name"])
    return json.dumps(data, indent=2, ensure_ascii=False) + "\n"
