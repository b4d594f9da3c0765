"""Which files of the repository go into a package's archives, and under which names."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import PurePosixPath
from typing import Final

from shipways.config.packages import Package
from shipways.errors import Problem
from shipways.model.digest import Json
from shipways.model.source import SourceFile, SourceTree

_FOLDERS: Final = (("files", ""), ("completions", "completions/"), ("man", "man/"))
"""The keys of an archive's table, and the folder in the archive that each one fills."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Member:
    """A file of the repository, and its path below the one folder of the archive."""

    name: str
    file: SourceFile

    def record(self) -> Json:
        """Everything that an archive takes from here."""
        return [self.name, self.file.mode, self.file.oid]


def members(name: str, package: Package, tree: SourceTree) -> tuple[tuple[Member, ...], tuple[Problem, ...]]:
    """What the package's globs name, sorted, and what is wrong with them.

    Wrong is a glob of the user that matches nothing (a default one may), and two files that would have one name.
    """
    taken: dict[str, Member] = {}
    problems: list[Problem] = []
    for key, folder in _FOLDERS:
        for pattern in getattr(package.archive, key):
            found = match(tree, package.path, pattern)
            if not found and key in package.archive.model_fields_set:
                problems.append(_nothing(f"package.{name}.archive.{key}", pattern, package.path))
            for member in (_below(folder, member) for member in found):
                other = taken.setdefault(member.name, member)
                if other.file != member.file:
                    what = f"{other.file.path} and {member.file.path} would both be {member.name} in the archive"
                    problems.append(Problem(path=f"package.{name}.archive.{key}", what=what))
    return tuple(taken[title] for title in sorted(taken)), tuple(problems)


def match(tree: SourceTree, folder: str, pattern: str) -> tuple[Member, ...]:
    """The files that a glob matches below a folder, else below the top; names are relative to where they matched.

    `*`, `?` and `[…]` stop at slashes, `**` does not, and a folder stands for all files in it.
    """
    wanted, literal = pattern.split("/"), re.split(r"[*?\[]", pattern, maxsplit=1)[0]
    for lead in dict.fromkeys(("" if folder == "." else f"{folder}/", "")):
        near = ((file, file.path[len(lead) :]) for file in tree.files if file.path.startswith(lead + literal))
        if found := tuple(Member(name=path, file=file) for file, path in near if _fits(path.split("/"), wanted)):
            return found
    return ()


def _below(folder: str, member: Member) -> Member:
    return Member(name=folder + PurePosixPath(member.name).name, file=member.file) if folder else member


def _nothing(path: str, pattern: str, folder: str) -> Problem:
    places = "the top of the repository" if folder == "." else f"{folder}, then below the top of the repository"
    return Problem(
        path=path,
        what=f"no file matches {pattern}",
        why=f"looked below {places}, among the files that git knows or would add",
        hint="mend the glob, or take the file out of .gitignore",
    )


def _fits(parts: Sequence[str], wanted: Sequence[str]) -> bool:
    if not wanted:
        return True
    if wanted[0] == "**":
        return _fits(parts, wanted[1:]) or (bool(parts) and _fits(parts[1:], wanted))
    return bool(parts) and fnmatchcase(parts[0], wanted[0]) and _fits(parts[1:], wanted[1:])
