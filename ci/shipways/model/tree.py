"""A source tree as it is brought to hosts: everything that is in it, under one digest, and what another one lacks."""

import json
import posixpath
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Final, Literal

from shipways.model.digest import digest_bytes
from shipways.model.job import Method

FORMAT: Final = "shipways-tree/1"
_LINKS: Final = 40
"""How many links a path may lead over, as Linux has it (path_resolution(7))."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Node:
    """A file, folder or symlink below the top of a tree. `size` is in bytes; `target` is that of a symlink."""

    path: str
    kind: Literal["file", "folder", "link"]
    executable: bool = False
    size: int = 0
    digest: str = ""
    target: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Tree:
    """Nodes sorted by path: each folder before what is in it."""

    nodes: tuple[Node, ...] = ()

    @property
    def size(self) -> int:
        """Bytes of all files."""
        return sum(node.size for node in self.nodes)

    def has(self, path: str) -> bool:
        """Whether there is a file of this path."""
        return any(node.path == path and node.kind == "file" for node in self.nodes)


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipe:
    """What is built of a tree on a host: an image by its Dockerfile, or an environment of Python.

    `commands` are lines for a shell that are run in it then; `installs`: the tree itself is installed there, too.
    """

    method: Method
    commands: tuple[str, ...] = ()
    installs: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Content:
    """What is brought of a release: a tree, and what is built of it."""

    tree: Tree
    recipe: Recipe

    @property
    def encoded(self) -> bytes:
        """As it lies beside the tree on a host; the same content has the same bytes."""
        told = {"format": FORMAT, "recipe": asdict(self.recipe), "nodes": [asdict(node) for node in self.tree.nodes]}
        return json.dumps(told, indent=0, sort_keys=True).encode() + b"\n"

    @property
    def digest(self) -> str:
        """Which it is."""
        return digest_bytes(self.encoded)


def told(text: str) -> Content | None:
    """The content of its encoded form; None for any other text."""
    try:
        found = json.loads(text)
        recipe, nodes = found["recipe"], tuple(Node(**node) for node in found["nodes"])
        recipe |= {"method": Method(recipe["method"]), "commands": tuple(recipe["commands"])}
        return Content(tree=Tree(nodes=nodes), recipe=Recipe(**recipe)) if found["format"] == FORMAT else None
    except (ValueError, KeyError, TypeError):
        return None


@dataclass(frozen=True, slots=True, kw_only=True)
class Delta:
    """What makes one tree of another one: first `stray` goes, paths with all that is below them; then folders are made,
    and files copied (from, to) where their bytes are in a third one; then `missing` is sent.
    """

    stray: tuple[str, ...]
    folders: tuple[str, ...]
    copies: tuple[tuple[str, str], ...]
    missing: tuple[Node, ...]


def delta(wanted: Tree, there: Tree, basis: Tree) -> Delta:
    """What is to be done with `there`, where the files of `basis` can be copied from."""
    found = {node.path: node for node in there.nodes}
    kept = {node.path: node for node in wanted.nodes}
    stray = tuple(_topmost(path for path, node in found.items() if kept.get(path) != node))
    gone = frozenset(stray)
    left = {path for path in found if gone.isdisjoint((path, *_above(path)))}
    lacking = [node for node in wanted.nodes if node.path not in left]
    bytes_of = {(node.digest, node.executable): node.path for node in basis.nodes if node.kind == "file"}
    copies = {node.path: bytes_of.get((node.digest, node.executable)) for node in lacking if node.kind == "file"}
    return Delta(
        stray=stray,
        folders=tuple(node.path for node in lacking if node.kind == "folder"),
        copies=tuple((source, path) for path, source in copies.items() if source is not None),
        missing=tuple(node for node in lacking if node.kind != "folder" and copies.get(node.path) is None),
    )


def leading_out(tree: Tree) -> Iterator[str]:
    """The paths of symlinks by which something outside of the tree would be read, or that go round."""
    links = {node.path: node.target for node in tree.nodes if node.kind == "link"}
    return (path for path in links if not _stays(path, links))


def _stays(path: str, links: Mapping[str, str]) -> bool:
    """Whether a link leads to a place in the tree, followed as the kernel does: `..` is that of where links lead to."""
    rest, at, followed = path.split("/"), list[str](), 0
    while rest:
        part = rest.pop(0)
        if part in {"", "."}:
            continue
        if part == "..":
            if not at:
                return False
            at.pop()
            continue
        at.append(part)
        target = links.get("/".join(at))
        if target is not None:
            followed += 1
            if target.startswith("/") or followed > _LINKS:
                return False
            at.pop()
            rest = [*target.split("/"), *rest]
    return True


def _topmost(paths: Iterator[str]) -> Iterator[str]:
    """Without those that are below another one; sorted paths in, so that a folder comes first."""
    gone: set[str] = set()
    for path in paths:
        if not any(above in gone for above in _above(path)):
            gone.add(path)
            yield path


def _above(path: str) -> Sequence[str]:
    parts = path.split("/")
    return [posixpath.join(*parts[:count]) for count in range(1, len(parts))]
