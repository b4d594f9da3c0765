"""What users may change in a rendered file without being told to mend it: parts that are theirs, and comments."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace

from shipways.errors import ConfigError, Problem
from shipways.model.rendered import Rendered


def merged(file: Rendered, found: str) -> Rendered:
    """The file with the user's parts of the text that lies in its place.

    Raises ConfigError for a part that has no end, or that would have to go somewhere that is gone.
    """
    if not file.comment:
        return file
    parts = _parts(file, found)
    lines: list[str] = []
    for line in file.text.splitlines(keepends=True):
        lines.append(line)
        if name := _begin(file, line):
            lines += parts.pop(name, [])
    lost = [name for name, kept in parts.items() if "".join(kept).strip()]
    if lost:
        hint = f"move what is between `{file.comment} yours: {lost[0]}` and its end, or delete it"
        raise ConfigError(
            *(Problem(path=file.path, what=f"has no place for what is yours in {name!r}", hint=hint) for name in lost)
        )
    return replace(file, text="".join(lines))


def same(file: Rendered, found: str) -> bool:
    """Whether a text says what the file says."""
    if not file.comment:
        return found == file.text
    return list(_said(file, found)) == list(_said(file, file.text))


def _said(file: Rendered, text: str) -> Iterator[str]:
    """The lines without comments, but for a sign that may be in a string: one that has a quote after it."""
    comment = re.compile(rf"(^|\s+){re.escape(file.comment)}[^'\"]*$")
    for line in text.splitlines():
        if not line.lstrip().startswith(file.comment) and (said := comment.sub("", line).rstrip()):
            yield said


def _parts(file: Rendered, text: str) -> dict[str, Sequence[str]]:
    parts: dict[str, Sequence[str]] = {}
    name, inside = "", list[str]()
    for line in text.splitlines(keepends=True):
        if not name:
            name, inside = _begin(file, line), []
        elif line.strip() == f"{file.comment} end of yours: {name}":
            parts[name], name = inside, ""
        else:
            inside.append(line)
    if name:
        end = f"`{file.comment} end of yours: {name}`"
        raise ConfigError(Problem(path=file.path, what=f"has no line {end}", hint="where does what is yours end?"))
    return parts


def _begin(file: Rendered, line: str) -> str:
    start = f"{file.comment} yours: "
    return line.strip().removeprefix(start) if line.strip().startswith(start) else ""
