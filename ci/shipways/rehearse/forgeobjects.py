"""Git's objects in memory, under the names that git itself gives them."""

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from typing import Final

FOLDER: Final = "040000"
"""The mode of a folder, as the API writes it."""


@dataclass(frozen=True, slots=True)
class Commit:
    """A commit; `when` in seconds since 1970."""

    tree: str
    parents: tuple[str, ...]
    message: str
    when: int

    def data(self) -> bytes:
        """What git hashes."""
        lines = [f"tree {self.tree}", *(f"parent {parent}" for parent in self.parents)]
        lines += [f"{who} owner <owner@localhost> {self.when} +0000" for who in ("author", "committer")]
        return "\n".join((*lines, "", self.message)).encode()


@dataclass(slots=True)
class Objects:
    """Those of one repository. A tree has the mode and object of each name in it."""

    blobs: dict[str, bytes] = field(default_factory=dict)
    trees: dict[str, dict[str, tuple[str, str]]] = field(default_factory=dict)
    commits: dict[str, Commit] = field(default_factory=dict)

    def blob(self, data: bytes) -> str:
        """Add one; its name."""
        sha = _name("blob", data)
        self.blobs[sha] = data
        return sha

    def commit(self, commit: Commit) -> str:
        """Add one; its name."""
        sha = _name("commit", commit.data())
        self.commits[sha] = commit
        return sha

    def tree(self, files: Mapping[str, tuple[str, str]]) -> str:
        """Add the tree of these paths, each with mode and blob, and those below it; its name."""
        folders: dict[str, dict[str, tuple[str, str]]] = {}
        entries: dict[str, tuple[str, str]] = {}
        for path, entry in files.items():
            first, _, rest = path.partition("/")
            if rest:
                folders.setdefault(first, {})[rest] = entry
            else:
                entries[first] = entry
        entries |= {name: (FOLDER, self.tree(below)) for name, below in folders.items()}
        ordered = sorted(entries.items(), key=lambda e: e[0] + ("/" if e[1][0] == FOLDER else ""))
        data = b"".join(f"{m.lstrip('0')} {n}\0".encode() + bytes.fromhex(sha) for n, (m, sha) in ordered)
        sha = _name("tree", data)
        self.trees[sha] = dict(ordered)
        return sha

    def walk(self, tree: str, above: str = "") -> Iterator[tuple[str, str, str]]:
        """Path, mode and object of all that is in a tree, folders too."""
        for name, (mode, sha) in self.trees[tree].items():
            path = str(PurePosixPath(above, name))
            yield path, mode, sha
            if mode == FOLDER:
                yield from self.walk(sha, path)

    def files(self, tree: str) -> dict[str, tuple[str, str]]:
        """Mode and blob of each file below a tree, by its path."""
        return {path: (mode, sha) for path, mode, sha in self.walk(tree) if mode != FOLDER}

    def line(self, commit: str) -> list[str]:
        """A commit and all before it, the newest first."""
        found: dict[str, None] = {}
        todo = [commit]
        while todo:
            now = todo.pop(0)
            if now not in found:
                found[now] = None
                todo += self.commits[now].parents
        return list(found)

    def learn(self, other: "Objects") -> None:
        """Have all that another repository has."""
        self.blobs |= other.blobs
        self.trees |= other.trees
        self.commits |= other.commits


def _name(kind: str, data: bytes) -> str:
    return hashlib.sha1(f"{kind} {len(data)}\0".encode() + data, usedforsecurity=False).hexdigest()
