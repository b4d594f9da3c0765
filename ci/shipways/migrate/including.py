"""A file and what it includes, as one value whose keys know the file that they come from."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import reduce
from pathlib import Path
from typing import Final

from shipways.errors import ConfigError, Problem
from shipways.migrate.json5 import Node, parse
from shipways.ports import Files

_INCLUDE: Final = "$include"
_DEEPEST: Final = 10
_LEVELS: Final = 100
_LARGEST: Final = 2 * 1024 * 1024
_MORE: Final = "OPENCLAW_INCLUDE_ROOTS names further folders"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Reader:
    """One file of a chain of includes: `chain` has its path last.

    `roots`: where files may be. `level`: how deep it is put in. `seen`: all files that were read.
    """

    files: Files
    roots: Sequence[Path]
    chain: tuple[Path, ...]
    seen: set[Path]
    level: int = 0

    def read(self) -> Node:
        """The value of the last file of the chain, with its includes."""
        path = self.chain[-1]
        self.seen.add(path)
        node = parse(text(self.files, path), str(path))
        if self.level + node.depth > _LEVELS:
            raise ConfigError(Problem(path=str(path), what=f"makes more than {_LEVELS} levels", place=node.at))
        return self._included(node, self.level)

    def _included(self, node: Node, level: int) -> Node:
        if isinstance(node.value, tuple):
            return replace(node, value=tuple(self._included(item, level + 1) for item in node.value))
        if not isinstance(node.value, dict):
            return node
        own = {key: self._included(each, level + 1) for key, each in node.value.items() if key != _INCLUDE}
        said = node.value.get(_INCLUDE)
        if said is None:
            return replace(node, value=own)
        loaded = [self._load(each, level) for each in (said.value if isinstance(said.value, tuple) else (said,))]
        if (own or len(loaded) != 1) and not all(isinstance(each.value, dict) for each in loaded):
            raise _refused(said, "only objects can be put together")
        return reduce(_merged, loaded) if not own else _merged(reduce(_merged, loaded), replace(node, value=own))

    def _load(self, node: Node, level: int) -> Node:
        if not isinstance(node.value, str) or not node.value or "\0" in node.value:
            raise _refused(node, "names no file")
        if len(self.chain) > _DEEPEST:
            raise _refused(node, f"is deeper than {_DEEPEST} files")
        real = self.files.real(Path(self.chain[-1].parent, node.value))
        if real in self.chain:
            raise _refused(node, "includes a file that includes it")
        if not any(real.is_relative_to(root) for root in self.roots):
            raise _refused(node, "leaves the folder of the configuration", _MORE)
        return replace(self, chain=(*self.chain, real), level=level).read()


def load(path: Path, files: Files, roots: Sequence[Path] = ()) -> tuple[Node, frozenset[Path]]:
    """The whole configuration, and the files that it was read from. Raises ConfigError with file and line."""
    real = files.real(path)
    allowed = [real.parent, *(files.real(root) for root in roots)]
    seen: set[Path] = set()
    node = _Reader(files=files, roots=allowed, chain=(real,), seen=seen).read()
    if not isinstance(node.value, dict):
        raise ConfigError(Problem(path=str(real), what="is no object", place=node.at))
    return node, frozenset(seen)


def text(files: Files, path: Path) -> str:
    """The text of a file. Raises ConfigError when it cannot be read, is too large, or no UTF-8."""
    try:
        data = files.read(path)
    except OSError as error:
        raise ConfigError(Problem(path=str(path), what="cannot be read", why=error.strerror or str(error))) from None
    if len(data) > _LARGEST:
        raise ConfigError(Problem(path=str(path), what="is larger than 2 MiB, which OpenClaw refuses too"))
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise ConfigError(Problem(path=str(path), what="is not UTF-8", hint="save the file as UTF-8")) from None


def _merged(low: Node, high: Node) -> Node:
    """As OpenClaw does it: objects are merged, lists joined, and of other values the later wins."""
    if isinstance(low.value, dict) and isinstance(high.value, dict):
        both = {key: _merged(low.value[key], each) for key, each in high.value.items() if key in low.value}
        return replace(high, value={**low.value, **high.value, **both})
    if isinstance(low.value, tuple) and isinstance(high.value, tuple):
        return replace(high, value=(*low.value, *high.value))
    return high


def _refused(node: Node, what: str, hint: str = "") -> ConfigError:
    return ConfigError(Problem(path=_INCLUDE, what=what, place=node.at, hint=hint))
