"""`${VAR}` and `$${VAR}` in texts, and the files of variables that OpenClaw reads beside its configuration."""

import io
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

from dotenv.parser import parse_stream

# `$${VAR}` first: it is the text `${VAR}`. Only capitals are variables.
_TOKEN: Final = re.compile(r"\$\$\{([A-Z_][A-Z0-9_]*)\}|\$\{([A-Z_][A-Z0-9_]*)\}")

# What aisopod calls these itself.
NAMES: Final[Mapping[str, str]] = {
    f"{prefix}_{old}": new
    for prefix in ("OPENCLAW", "CLAWDBOT")
    for old, new in (("GATEWAY_PORT", "AISOPOD_GATEWAY_PORT"), ("GATEWAY_TOKEN", "AISOPOD_AUTH_TOKEN"))
}

# Where OpenClaw finds its own files: aisopod's are elsewhere, so that these lose nothing.
PLACES: Final = frozenset(
    f"{prefix}_{name}"
    for prefix in ("OPENCLAW", "CLAWDBOT")
    for name in ("CONFIG_PATH", "STATE_DIR", "HOME", "PROFILE", "INCLUDE_ROOTS")
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """A line of a file of variables."""

    name: str
    value: str
    line: int


def whole(text: str) -> str:
    """The variable that a text consists of; empty for any other text."""
    match = _TOKEN.fullmatch(text)
    return (match[2] or "") if match else ""


def named(text: str) -> tuple[str, ...]:
    """The variables in a text."""
    return tuple(match[2] for match in _TOKEN.finditer(text) if match[2])


def replaced(text: str, value: Callable[[str], str]) -> str:
    """The text with the values of its variables."""
    return _TOKEN.sub(lambda match: f"${{{match[1]}}}" if match[1] else value(match[2]), text)


def settings(text: str) -> tuple[Setting, ...]:
    """The lines of a .env file that set something; of what is no such line nothing is told."""
    return tuple(
        Setting(name=binding.key, value=binding.value, line=binding.original.line)
        for binding in parse_stream(io.StringIO(text))
        if binding.key and binding.value is not None and not binding.error
    )
