"""The images that a Dockerfile builds upon: they are names of the config too, one file further on."""

import io
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from dockerfile_parse import DockerfileParser
from dockerfile_parse.parser import image_from
from dockerfile_parse.util import WordSplitter

from shipways.config.images import SCRATCH
from shipways.errors import ConfigError, Problem
from shipways.model.oci import parse_reference

_VARIABLE: Final = re.compile(r"\$(?:(\w+)|\{(\w+)(?:(:?-)([^${}]*))?\})")
_HEREDOC: Final = re.compile(r"(?:^|\s)\d*<<-?[\"']?([\w.]+)[\"']?(?=\s|$)")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Instruction:
    """A word such as FROM, what follows it, and its first line, counted from 1."""

    word: str
    value: str
    line: int


def bases(text: str, path: str) -> tuple[str, ...]:
    """The images of the FROM lines, each once, in their order; neither `scratch` nor a stage of the file is one.

    `path` is the file's, for errors. Raises ConfigError with every FROM whose image the file alone does not tell.
    """
    defaults: dict[str, str] = {}
    stages: list[str] = []
    found: dict[str, None] = {}
    problems: list[Problem] = []
    for instruction in _instructions(text):
        if instruction.word == "ARG" and not stages:  # a later one is for the stage that it is in
            defaults |= _defaults(instruction.value, defaults)
        elif instruction.word == "FROM":
            image, stage = image_from(instruction.value)
            name = _filled(image or "", defaults)
            if name.lower() not in (SCRATCH, *stages):
                problems += _problems(name, instruction, path)
                found[name] = None
            stages.append((stage or "").lower())
    if not stages:
        problems = [Problem(path=path, what="has no FROM line", why="it is the Dockerfile of an image to build in")]
    if problems:
        raise ConfigError(*problems)
    return tuple(found)


def _instructions(text: str) -> Iterator[_Instruction]:
    """Those of the file itself: what stands in a here-document is for the program that reads it."""
    ends: list[str] = []
    for entry in DockerfileParser(fileobj=io.StringIO(text)).structure:
        if ends:
            if ends[0] in (line.strip() for line in entry["content"].splitlines()):
                ends.pop(0)
            continue
        yield _Instruction(word=entry["instruction"], value=entry["value"], line=entry["startline"] + 1)
        if entry["instruction"] in ("RUN", "COPY", "ADD"):
            ends = _HEREDOC.findall(entry["value"])


def _defaults(value: str, known: Mapping[str, str]) -> dict[str, str]:
    """The names of an ARG that have a default, which may use those before it."""
    words = (word.partition("=") for word in WordSplitter(value).split() if word)
    filled = {name: _filled(default, known) for name, equals, default in words if equals}
    return {name: default for name, default in filled.items() if "$" not in default}


def _filled(text: str, values: Mapping[str, str]) -> str:
    """A text with its variables replaced; one without a value stays as it is."""

    def value(match: re.Match[str]) -> str:
        """`${V-x}` is x where V has no value, `${V:-x}` where it is empty too."""
        known = values.get(match[1] or match[2])
        instead = match[0] if match[4] is None else match[4]
        return instead if known is None or (match[3] == ":-" and not known) else known

    return _VARIABLE.sub(value, WordSplitter(text).dequote())


def _problems(name: str, instruction: _Instruction, path: str) -> Iterator[Problem]:
    place = f"{path}:{instruction.line}"
    if "$" in name:
        what = f"the image of FROM {instruction.value} is not known: {name}"
        why = "no ARG before the first FROM has a default for it, and builds get no arguments"
        yield Problem(path=path, place=place, what=what, why=why, hint="ARG NAME=default")
        return
    try:
        parse_reference(name)
    except ValueError as error:
        yield Problem(path=path, place=place, what=f"FROM {instruction.value}: {error}")
