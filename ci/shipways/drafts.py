"""What `init` finds in a repository, as values: the files, and the packages to be."""

import functools
import re
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

_PROGRAM: Final = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,79}")
CARGO: Final = "Cargo.toml"
PYPROJECT: Final = "pyproject.toml"

Table = Mapping[str, object]
"""A table of TOML that somebody else has written."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """A package to be. `title` is its own name for itself, `main` the folder of Go's package main below `path`.

    `line` is the file that says its version: packages that share one are released by one tag. A `library` makes no
    program. `wraps` is the folder of the crate whose programs go into its wheels. `notes` are about it.
    """

    build: str
    path: str
    title: str
    line: str
    name: str = ""
    tag: str = ""
    programs: tuple[str, ...] = ()
    description: str = ""
    license: str = ""
    main: str = "."
    source: tuple[str, ...] = ()
    library: bool = False
    published: bool = True
    wraps: str = ""
    binary: str = ""
    notes: tuple[str, ...] = ()

    @property
    def binaries(self) -> tuple[str, ...]:
        """What the config must say of them: nothing where it is the package's name."""
        return self.programs if self.programs != (self.name,) else ()

    @property
    def crate(self) -> str:
        """The crate's name, where it is not the package's."""
        return self.title if self.build == "rust" and self.title != self.name else ""

    @property
    def compiled(self) -> bool:
        """Whether cargo compiles something of it for each target."""
        return self.build == "maturin" or (self.build == "rust" and not self.library)


@dataclass(frozen=True, slots=True, kw_only=True)
class Tree:
    """The files of a repository, and the text of those that `detect.READ` names."""

    files: Sequence[str]
    texts: Mapping[str, str]

    def text(self, folder: str, name: str) -> str:
        return self.texts.get(join(folder, name), "")

    def toml(self, folder: str, name: str) -> Table:
        """What a TOML file says; nothing where there is none, or it is none."""
        return _toml(self.text(folder, name))

    def below(self, folder: str) -> Iterator[str]:
        """Files below a folder, seen from there."""
        prefix = "" if folder == "." else f"{folder}/"
        return (file.removeprefix(prefix) for file in self.files if file.startswith(prefix))


@functools.lru_cache(maxsize=1000)
def _toml(text: str) -> Table:
    """Each manifest is looked into for every other one."""
    try:
        return tomllib.loads(text)
    except (ValueError, RecursionError):
        return {}


def known(programs: Sequence[str]) -> tuple[str, ...]:
    """The programs whose names a config can have, each once."""
    return tuple(dict.fromkeys(program for program in programs if _PROGRAM.fullmatch(program)))


def slug(title: str) -> str:
    """A title as the name of a package: the nearest that the config allows."""
    return re.sub(r"[^a-z0-9_]+", "-", title.lower())[:60].strip("-_") or "project"


def table(data: object, *keys: str) -> Table:
    """The table under these keys; an empty one where there is none."""
    for key in keys:
        data = data.get(key) if isinstance(data, Mapping) else None
    return data if isinstance(data, Mapping) else {}


def string(data: Table, key: str) -> str:
    """The string under a key; empty where there is none."""
    value = data.get(key, "")
    return value if isinstance(value, str) else ""


def strings(data: Table, key: str) -> tuple[str, ...]:
    """The strings of the list under a key."""
    value = data.get(key)
    return tuple(entry for entry in value if isinstance(entry, str)) if isinstance(value, list) else ()


def join(folder: str, name: str) -> str:
    """A path below a folder of the repository."""
    return name if folder == "." else f"{folder}/{name}"
