"""Source trees on the disk: walked without following a link, and packed from the very bytes that were walked."""

import contextlib
import hashlib
import io
import os
import stat
import tempfile
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import BinaryIO, Final

from anyio import to_thread

from shipways.adapters.trees import Thing, walk
from shipways.errors import BuildError, ConfigError, Problem, Unfinished
from shipways.model.backup import Source
from shipways.model.tree import Node, Tree, leading_out
from shipways.pack.tarwriter import TarWriter

_LEFT_OUT: Final = ".git"
_KEY: Final = "service_path"
_READ: Final = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK
_EXECUTABLE: Final = 0o100
_EPOCH: Final = 0
_PIECE: Final = 1 << 20


class DiskTrees:
    """The `Trees` port."""

    async def walk(self, path: str, within: Sequence[str]) -> Tree:
        """In a worker thread, with one look at each file."""
        return await to_thread.run_sync(_walked, path, within)

    def peek(self, path: str, within: Sequence[str]) -> frozenset[str]:
        """Its own names, whatever they are."""
        try:
            return frozenset(each.name for each in _top(path, within).iterdir())
        except OSError as error:
            raise ConfigError(_wrong(path, "cannot be read", error.strerror or "")) from None

    async def read(self, path: str, node: Node) -> bytes:
        """A small one."""
        return await to_thread.run_sync(_read, path, node)

    @contextlib.asynccontextmanager
    async def packed(self, path: str, nodes: Sequence[Node]) -> AsyncIterator[Path]:
        """What has changed meanwhile is noticed here; what is sent afterwards changes no more."""
        with tempfile.TemporaryDirectory(prefix="shipways-") as folder:
            pack = Path(folder) / "pack.tar"
            await to_thread.run_sync(_pack, path, nodes, pack)
            yield pack


def _walked(path: str, within: Sequence[str]) -> Tree:
    top = _top(path, within)
    problems: list[Problem] = []
    nodes: list[Node] = []
    try:
        for thing in walk(Source(name=".", path=top)):
            name = thing.path[2:]
            if not name or _LEFT_OUT in name.split("/"):
                continue
            found = _node(name, thing)
            if isinstance(found, Problem):
                problems.append(found)
            else:
                nodes.append(found)
    except OSError as error:
        problems.append(_wrong(error.filename or path, "cannot be read", error.strerror or ""))
    tree = Tree(nodes=tuple(sorted(nodes, key=lambda node: node.path)))
    problems += (
        _wrong(f"{path}/{link}", "is a symlink that leads out of it", "what it leads to is not on the hosts")
        for link in leading_out(tree)
    )
    if problems:
        raise ConfigError(*problems)
    return tree


def _top(path: str, within: Sequence[str]) -> Path:
    """The folder itself: no link leads it out of those that are allowed. Raises ConfigError.

    What is outside of them is answered alike, whether it is there or not, and wherever a link leads.
    """
    try:
        top = Path(os.path.realpath(path))
    except ValueError as error:
        raise ConfigError(_wrong(path, "is not there", str(error))) from None
    roots = [Path(each).resolve() for each in within]
    if not any(top.is_relative_to(root) for root in roots):
        raise ConfigError(_wrong(path, "is not below a folder of [serve] sources"))
    try:
        folder = stat.S_ISDIR(top.stat().st_mode)
    except OSError as error:
        raise ConfigError(_wrong(path, "is not there", error.strerror or "")) from None
    if not folder:
        raise ConfigError(_wrong(path, "is not a folder"))
    return top


def _node(name: str, thing: Thing) -> Node | Problem:
    entry = thing.entry
    try:
        name.encode()
    except UnicodeEncodeError:
        return _wrong(repr(name), "has a name that is no UTF-8", "not every host would show it alike")
    if entry is None:
        return _wrong(name, "is neither a file nor a folder nor a symlink")
    if entry.kind == "folder":
        return Node(path=name, kind="folder")
    if entry.kind == "link":
        return Node(path=name, kind="link", target=entry.target)
    try:
        with thing.open() as stream:
            digest, size = _digest(stream)
    except OSError as error:
        return _wrong(name, "cannot be read", error.strerror or "")
    return Node(path=name, kind="file", executable=bool(entry.mode & _EXECUTABLE), size=size, digest=digest)


def _digest(stream: BinaryIO) -> tuple[str, int]:
    sha256 = hashlib.sha256()
    while piece := stream.read(_PIECE):
        sha256.update(piece)
    return f"sha256:{sha256.hexdigest()}", stream.tell()


def _wrong(path: str, what: str, why: str = "") -> Problem:
    return Problem(path=_KEY, what=f"{path} {what}", why=why)


def _read(path: str, node: Node) -> bytes:
    with _opened(path, node) as stream:
        data = stream.read()
        if stream.digest != node.digest:
            raise _changed(node)
    return data


def _pack(path: str, nodes: Sequence[Node], pack: Path) -> None:
    with pack.open("wb") as sink, TarWriter(sink, _EPOCH) as tar:
        for node in nodes:
            if node.kind == "link":
                tar.link(node.path, node.target)
            elif node.kind == "folder":
                tar.folder(node.path)
            else:
                _add(tar, path, node)


def _add(tar: TarWriter, path: str, node: Node) -> None:
    """The bytes that are packed are those that are digested, whatever happens to the file."""
    with _opened(path, node) as stream:
        try:
            tar.add(node.path, stream, executable=node.executable)
        except BuildError:
            raise _changed(node) from None
        if stream.digest != node.digest:
            raise _changed(node)


class _Hashing(io.BufferedReader):
    """Knows the digest of what was read."""

    def __init__(self, raw: io.FileIO) -> None:
        super().__init__(raw)
        self._sha256 = hashlib.sha256()

    @property
    def digest(self) -> str:
        """Of all pieces."""
        return f"sha256:{self._sha256.hexdigest()}"

    def read(self, size: int | None = -1, /) -> bytes:
        """The next piece."""
        piece = super().read(size)
        self._sha256.update(piece)
        return piece


def _opened(path: str, node: Node) -> _Hashing:
    """A file, which no link leads to. Raises Unfinished."""
    try:
        return _Hashing(io.FileIO(os.open(Path(path) / node.path, _READ)))
    except OSError:
        raise _changed(node) from None


def _changed(node: Node) -> Unfinished:
    why, hint = "its bytes are not those that the release is named by", "submit it again when nobody writes there"
    return Unfinished(Problem(path=node.path, what="changed while it was sent", why=why, hint=hint))
