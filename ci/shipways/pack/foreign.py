"""Archives that somebody else may have made: what a member must not be, wherever something is taken out of one."""

import posixpath
import stat
from collections.abc import Iterable, Iterator
from pathlib import PureWindowsPath
from typing import Final

from shipways.errors import PreflightError, Problem
from shipways.pack.opening import Member

_KINDS: Final = {"0": "file", "\0": "file", "5": "folder", "2": "link", "1": "hard link"}
"""The types of tar (POSIX.1-2017, ustar); any other is a device, a pipe, or of somebody's own."""
_SET: Final = stat.S_ISUID | stat.S_ISGID


def refuse(archive: str, members: Iterable[Member]) -> None:
    """Raises PreflightError with each member that no archive of a release has: nothing is taken out of this one."""
    hint = "ask who published it: nothing of it was taken"
    problems = [
        Problem(path=f"{archive}: {member.name}", what=what, why="shipways makes no such archive", hint=hint)
        for member in members
        for what in strange(member)
    ]
    if problems:
        raise PreflightError(*problems)


def strange(member: Member) -> Iterator[str]:
    """What is wrong with a member: it would be somewhere else, leads there, is no file, or would run as another."""
    name, header = member.name.replace("\\", "/"), member.header
    mode = int(str(header["mode"]), 8)
    if _outside(name):
        yield "is a path that leads out of the archive"
    kind = _KINDS.get(str(header["type"]), "") if "type" in header else _zipped(mode)
    if not kind:
        yield "is neither a file nor a folder"
    if kind == "link" and _outside(str(header["link"]), posixpath.dirname(name)):
        yield "is a symlink that leads out of the archive"
    if kind == "hard link" and _outside(str(header["link"])):
        yield "is a hard link that leads out of the archive"
    if kind == "file" and mode & _SET:
        yield "would run as its owner"


def _outside(path: str, below: str = "") -> bool:
    """Whether a path leads elsewhere, on any system."""
    if path.startswith(("/", "\\")) or PureWindowsPath(path).drive:
        return True
    parts = posixpath.normpath(posixpath.join(below, path.replace("\\", "/"))).split("/")
    return ".." in parts or (not below and ".." in path.split("/"))


def _zipped(mode: int) -> str:
    """What a member of a zip is, whose mode may say nothing; a link in one is none of ours."""
    kinds = {0: "file", stat.S_IFREG: "file", stat.S_IFDIR: "folder"}
    return kinds.get(stat.S_IFMT(mode), "")
