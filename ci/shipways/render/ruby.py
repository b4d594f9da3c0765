"""Values as Ruby writes them, in the style of Homebrew."""

import re
from collections.abc import Sequence
from typing import Final

_ESCAPES: Final = {ord("\\"): "\\\\", ord('"'): '\\"', ord("\n"): "\\n", ord("\t"): "\\t"}


def text(value: str) -> str:
    """The inside of a double-quoted string."""
    escaped = re.sub(r"#(?=[{$@])", r"\\#", value.translate(_ESCAPES))
    return "".join(letter if letter.isprintable() else f"\\u{{{ord(letter):x}}}" for letter in escaped)


def string(value: str) -> str:
    """A string."""
    return f'"{text(value)}"'


def strings(values: Sequence[str]) -> str:
    """Strings as arguments."""
    return ", ".join(string(value) for value in values)


def pattern(parts: Sequence[str], between: str) -> str:
    """A regular expression of texts with an expression between each two."""
    inner = between.join(re.sub(r"[\\.*+?^$|(){}\[\]#]", r"\\\g<0>", part) for part in parts)
    return f"%r{{{inner}}}" if "/" in inner else f"/{inner}/"


def class_name(formula: str) -> str:
    """The class that Homebrew looks for in a formula's file (Library/Homebrew/formulary.rb, `class_s`)."""
    name = re.sub(r"[-_.\s]([a-zA-Z0-9])", lambda match: match[1].upper(), formula.capitalize())
    return re.sub(r"(.)@(\d)", r"\1AT\2", name.replace("+", "x"), count=1)


def license_argument(expression: str) -> str:
    """A simple SPDX expression as the argument of `license` (docs/Licence-Guidelines.md); the nested are not for it."""
    for operator, keyword in ((" OR ", "any_of"), (" AND ", "all_of")):
        parts = [part.strip() for part in expression.split(operator)]
        if len(parts) > 1 and not any(re.search(r"[()]| OR | AND | WITH ", part) for part in parts):
            return f"{keyword}: [{strings(parts)}]"
    identifier, _, exception = expression.partition(" WITH ")
    if re.search(r"[()\s]", identifier + exception):
        return ":cannot_represent"
    return f"{string(identifier)} => {{ with: {string(exception)} }}" if exception else string(identifier)
