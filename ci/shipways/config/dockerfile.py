"""The images that a Dockerfile builds upon: they are names of the config too, one file further on."""

import io
import itertools
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from dockerfile_parse import DockerfileParser
from dockerfile_parse.parser import image_from
from dockerfile_parse.util import WordSplitter

from shipways.config.images import SCRATCH
from shipways.errors import ConfigError, Problem
from shipways.model.image import AUTOMATIC
from shipways.model.oci import parse_reference

_VARIABLE: Final = re.compile(r"\$(?:(\w+)|\{(\w+)(?:(:?-)([^${}]*))?\})")
_HEREDOC: Final = re.compile(r"(?:^|\s)\d*<<-?[\"']?([\w.]+)[\"']?(?=\s|$)")
_SYNTAX: Final = re.compile(r"#\s*syntax\s*=", re.IGNORECASE)
_FROM_FLAG: Final = re.compile(r"(?:^--from=|[=,]from=)([^,\s]+)")
_REMOTE: Final = re.compile(r"(?:https?|git|ssh)://|git@")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Instruction:
    """A word such as FROM, what follows it, its first line, counted from 1, and its last."""

    word: str
    value: str
    line: int
    last: int


@dataclass(frozen=True, slots=True, kw_only=True)
class _Named:
    """An image in an instruction: the word of `value` that has it, where in that word, and what it stands for."""

    instruction: _Instruction
    word: str
    span: tuple[int, int]
    name: str


def bases(text: str, path: str, values: Mapping[str, str] = {}) -> tuple[str, ...]:
    """The images of FROM, `COPY --from` and `RUN --mount`, each once, in their order; no stages, and not `scratch`.

    `path` is the file's, for errors; `values` are the arguments that the build has. Raises ConfigError with every
    image that the file and these do not tell.
    """
    found = tuple(_named(text, values))
    problems = [problem for named in found for problem in _problems(named, path)]
    if not any(instruction.word == "FROM" for instruction in _instructions(text)):
        problems = [Problem(path=path, what="has no FROM line", why="every image is built upon one, or upon `scratch`")]
    if problems:
        raise ConfigError(*problems)
    return tuple(dict.fromkeys(named.name for named in found))


def pinned(text: str, values: Mapping[str, str], reference: Callable[[str], str]) -> str:
    """The same file with `reference(name)` in the place of every image, each instruction on its line.

    Nor does a `# syntax=` line stay: it names an image too, that of another program to read the file.
    """
    lines = text.split("\n")
    for named in _named(text, values):
        place = slice(named.instruction.line - 1, named.instruction.last)
        start, end = named.span
        new = named.word[:start] + reference(named.name) + named.word[end:]
        if named.instruction.word == "FROM":
            words = (new if word == named.word else word for word in named.instruction.value.split())
            missing = named.instruction.last - named.instruction.line
            lines[place] = [f"FROM {' '.join(words)}", *([""] * missing)]
        else:
            lines[place] = "\n".join(lines[place]).replace(named.word, new, 1).split("\n")
    head = list(itertools.takewhile(lambda line: not line.strip() or line.startswith("#"), lines))
    kept = [line for line in head if not _SYNTAX.match(line)]
    return "\n".join([*kept, *(["#"] * (len(head) - len(kept))), *lines[len(head) :]])


def unpinned(text: str) -> tuple[str, ...]:
    """What in a Dockerfile may give other bytes from the same inputs."""
    instructions = tuple(_instructions(text))
    found = ["RUN lines"] if any(instruction.word == "RUN" for instruction in instructions) else []
    if any(each.word == "ADD" and _fetched(each.value.split()) for each in instructions):
        found.append("ADD lines that fetch without a checksum")
    return tuple(found)


def sees_context(text: str) -> bool:
    """Whether a Dockerfile may take files of its context: one that only fetches and writes depends on none."""
    return any(
        each.word == "ADD"
        or (each.word == "COPY" and not re.search(r"^(--\S+\s+)*--from=", each.value))
        or (each.word == "RUN" and each.value.startswith("--mount="))
        for each in _instructions(text)
    )


def _fetched(words: list[str]) -> bool:
    remote = any(_REMOTE.match(word) for word in words)
    return remote and not any(word.startswith("--checksum=") for word in words)


def _instructions(text: str) -> Iterator[_Instruction]:
    """Those of the file itself: what stands in a here-document is for the program that reads it."""
    ends: list[str] = []
    for entry in DockerfileParser(fileobj=io.StringIO(text)).structure:
        if ends:
            if ends[0] in (line.strip() for line in entry["content"].splitlines()):
                ends.pop(0)
            continue
        yield _Instruction(
            word=entry["instruction"], value=entry["value"], line=entry["startline"] + 1, last=entry["endline"] + 1
        )
        if entry["instruction"] in ("RUN", "COPY", "ADD"):
            ends = _HEREDOC.findall(entry["value"])


def _named(text: str, values: Mapping[str, str]) -> Iterator[_Named]:
    known = {name: values[name] for name in AUTOMATIC if name in values}
    stages: list[str] = []
    for instruction in _instructions(text):
        found: tuple[_Named, ...] = ()
        if instruction.word == "ARG" and not stages:  # a later one is for the stage that it is in
            known |= _arguments(instruction.value, known, values)
        elif instruction.word == "FROM":
            token, stage = image_from(instruction.value)
            word = token or ""
            found = (_Named(instruction=instruction, word=word, span=(0, len(word)), name=_filled(word, known)),)
        elif instruction.word in ("COPY", "RUN"):
            found = tuple(_flags(instruction))
        yield from (named for named in found if named.name.lower() not in (SCRATCH, *stages))
        if instruction.word == "FROM":
            stages.append((stage or "").lower())


def _flags(instruction: _Instruction) -> Iterator[_Named]:
    """The images of `--from=IMAGE` and `--mount=…,from=IMAGE`; a number is a stage. They may have no variables."""
    for word in itertools.takewhile(lambda word: word.startswith("--"), instruction.value.split()):
        match = _FROM_FLAG.search(word)
        if match and not match[1].isdigit():
            yield _Named(instruction=instruction, word=word, span=match.span(1), name=match[1])


def _arguments(value: str, known: Mapping[str, str], values: Mapping[str, str]) -> dict[str, str]:
    """The names of an ARG that have a value: one that is given, else a default, which may use those before it."""
    words = (word.partition("=") for word in WordSplitter(value).split() if word)
    filled = {
        name: values.get(name, _filled(default, known)) for name, equals, default in words if equals or name in values
    }
    return {name: value for name, value in filled.items() if "$" not in value}


def _filled(text: str, values: Mapping[str, str]) -> str:
    """A text with its variables replaced; one without a value stays as it is."""

    def value(match: re.Match[str]) -> str:
        """`${V-x}` is x where V has no value, `${V:-x}` where it is empty too."""
        known = values.get(match[1] or match[2])
        instead = match[0] if match[4] is None else match[4]
        return instead if known is None or (match[3] == ":-" and not known) else known

    return _VARIABLE.sub(value, WordSplitter(text).dequote())


def _problems(named: _Named, path: str) -> Iterator[Problem]:
    place = f"{path}:{named.instruction.line}"
    from_ = named.instruction.word == "FROM"
    said = f"FROM {named.instruction.value}" if from_ else f"{named.instruction.word} {named.word}"
    if from_ and "$" in named.name:
        what = f"the image of {said} is not known: {named.name}"
        why = "no ARG before the first FROM has a value for it"
        yield Problem(path=path, place=place, what=what, why=why, hint="ARG NAME=default")
        return
    try:
        parse_reference(named.name)
    except ValueError as error:
        yield Problem(path=path, place=place, what=f"{said}: {error}")
