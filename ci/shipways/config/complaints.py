"""Words what pydantic found: each problem with its path, its line, what was expected, and the nearest key."""

import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from pydantic_core import ErrorDetails

from shipways.config.locate import locate
from shipways.config.near import nearest
from shipways.config.tables import general, keys
from shipways.errors import Problem

_EXPECTED: Final = re.compile(r"^Input should be |^Value error, ")
_BARE: Final = re.compile(r"[A-Za-z0-9_-]+")
_QUOTED: Final = re.compile(r"'([^']*)'")
_LONGEST: Final = 60


@dataclass(frozen=True, slots=True, kw_only=True)
class Origin:
    """Where the config came from: file name, text, what the text parses to, and the table in it that is the config."""

    file: str
    text: str
    data: Mapping[str, Any]
    top: tuple[str, ...]

    def place(self, path: Sequence[str | int]) -> str:
        """`shipways.toml:12`, or the file alone where no line is known."""
        line = locate(self.text, self.data, (*self.top, *path))
        return f"{self.file}:{line}" if line else self.file


def problems(details: Iterable[ErrorDetails], origin: Origin) -> Iterator[Problem]:
    """Every problem that pydantic found, in its order."""
    for detail in details:
        path = tuple(part for part in detail["loc"] if part != "[key]")
        if detail["type"] == "value_error":
            yield from _own(path, str(detail["ctx"]["error"]), origin)
        else:
            yield Problem(
                path=dotted(path) or origin.file,
                place=origin.place(path),
                what=_what(detail),
                why=_meaning(detail),
                hint=_hint(detail),
            )


def dotted(path: Sequence[str | int]) -> str:
    """A path as TOML writes it: `package."my app".targets[2]`."""
    text = ""
    for part in path:
        if isinstance(part, int):
            text += f"[{part}]"
        else:
            text += ("." if text else "") + (part if _BARE.fullmatch(part) else json.dumps(part, ensure_ascii=False))
    return text


def _own(path: Sequence[str | int], message: str, origin: Origin) -> Iterator[Problem]:
    """A validator of ours says one problem a line; a line of the whole file's validator carries the path itself."""
    for line in message.splitlines():
        head, colon, rest = line.partition(": ")
        if colon and not path:
            yield Problem(path=head, place=origin.place(head.split(".")), what=rest)
        else:
            yield Problem(path=dotted(path), place=origin.place(path), what=line)


def _what(detail: ErrorDetails) -> str:
    kind = detail["type"]
    if kind == "extra_forbidden":
        return "unknown key"
    if kind == "missing":
        return "is required"
    if kind in ("model_type", "dict_type"):
        return "expected a table"
    if kind == "tuple_type":
        return f"expected a list{_shown(detail['input'])}"
    if kind == "string_pattern_mismatch":
        return f"must match {detail['ctx']['pattern']}{_shown(detail['input'])}"
    text = _EXPECTED.sub("", detail["msg"]).replace("Tuple", "List")
    return f"expected {text}{_shown(detail['input'])}" if text != detail["msg"] else f"{text}{_shown(detail['input'])}"


def _shown(found: object) -> str:
    """What was found instead, short; Python refuses to print integers of thousands of digits."""
    if isinstance(found, int) and found.bit_length() > 64:
        return ", found a huge number"
    if not isinstance(found, str | int | float):
        return ""
    text = json.dumps(found, ensure_ascii=False)
    return f", found {text}" if len(text) <= _LONGEST else f", found {text[:_LONGEST]}…"


def _meaning(detail: ErrorDetails) -> str:
    """What the key is for, where the message alone (a regular expression, say) does not tell what to write."""
    if detail["type"] not in ("missing", "string_pattern_mismatch"):
        return ""
    from shipways.config.reference import find, reference  # noqa: PLC0415 - tomlkit takes 20 ms; only an error needs it

    entry = find(reference(), general(detail["loc"]))
    return entry.comment if entry else ""


def _hint(detail: ErrorDetails) -> str:
    if detail["type"] == "extra_forbidden":
        known = tuple(sorted(keys(general(detail["loc"][:-1]))))
        return nearest(str(detail["loc"][-1]), known) or f"known keys: {', '.join(known)}"
    if detail["type"] == "literal_error":
        return nearest(str(detail["input"]), _QUOTED.findall(detail["ctx"]["expected"]))
    return ""
