"""Fills a template in; the one way that text is rendered, whatever it is for."""

import functools
import json
import shlex
from typing import TYPE_CHECKING

from shipways.render.markdown import escaped

if TYPE_CHECKING:
    from jinja2 import Environment


def render(template: str, **values: object) -> str:
    """The text of `templates/TEMPLATE.j2`. A value that a template asks for and is not given is an error.

    `{{ value | toml }}` writes a string, boolean, number or list of them as TOML, `| sh` a string as a word of a shell,
    `| markdown` a line of Markdown that shows exactly it. In a template of HTML every value is escaped.
    """
    return _environment().get_template(f"{template}.j2").render(values)


@functools.cache
def _environment() -> "Environment":
    from jinja2 import Environment, PackageLoader, StrictUndefined, select_autoescape  # noqa: PLC0415 - 20 ms that only rendering needs

    environment = Environment(
        loader=PackageLoader("shipways"),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        autoescape=select_autoescape(("html.j2",)),
    )
    environment.filters |= {"toml": _toml, "sh": shlex.quote, "markdown": escaped}
    return environment


def _toml(value: str | bool | int | tuple[str, ...]) -> str:
    """JSON's strings, numbers and lists are TOML's, but for the one control character that JSON leaves bare."""
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
