"""Version requirements and `cfg(…)` as cargo writes them when it has read them: a registry gets that form."""

import re
from typing import Final

_COMPARATOR: Final = re.compile(
    r"\s*(?P<op>=|>=|<=|>|<|~|\^|)\s*"
    r"(?P<numbers>[0-9xX*]+(?:\.[0-9xX*]+){0,2})(?P<pre>-[0-9A-Za-z.-]+)?(?:\+[0-9A-Za-z.-]+)?\s*"
)
_TOKEN: Final = re.compile(r'"[^"]*"|[\w#]+|[(),=]')


def requirement_text(text: str) -> str:
    """A requirement in its one form: `1` is `^1`, `1.x` is `1.*`. What is not one is given back as it is."""
    found = [_COMPARATOR.fullmatch(part) for part in text.split(",") if part.strip()]
    return ", ".join(_comparator(match) if match else text for match in found)


def _comparator(match: "re.Match[str]") -> str:
    numbers = match["numbers"].split(".")
    exact = [number for number in numbers if number.isdigit()]
    if not exact:
        return "*"
    if len(exact) < len(numbers) and match["op"] in ("", "="):
        return ".".join([*exact, "*"])
    return (match["op"] or "^") + ".".join(exact) + (match["pre"] or "")


def cfg_text(text: str) -> str:
    """A target: a triple as it is, `cfg(…)` with one space after commas and around `=`."""
    if not text.startswith("cfg("):
        return text
    tokens = _TOKEN.findall(text)
    kept = [token for token, after in zip(tokens, [*tokens[1:], ""], strict=True) if (token, after) != (",", ")")]
    return "".join({",": ", ", "=": " = "}.get(token, token) for token in kept)
