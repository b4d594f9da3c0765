"""Symlinks of the repository, followed in the tree that names the release and never on disk."""

import posixpath

from shipways.errors import PreflightError, Problem
from shipways.model.source import SYMLINK, SourceFile, SourceTree
from shipways.ports import Sources


def followed(file: SourceFile, tree: SourceTree, sources: Sources) -> SourceFile:
    """The file at the end of a chain of symlinks; the file itself when it is none.

    Raises PreflightError for a chain that leaves the repository, goes in a circle, or ends at no file.
    """
    passed = {file.path}
    while file.mode == SYMLINK:
        target = sources.read(file).decode(errors="replace")
        place = posixpath.normpath(posixpath.join(posixpath.dirname(file.path), target))
        if place.startswith(("/", "../")):
            why = f"what {target} holds is not part of the tree that names the release"
            raise _refused(file, "is a symlink that leaves the source", why)
        found = next((other for other in tree.files if other.path == place), None)
        if found is None:
            raise _refused(file, f"is a symlink to {target}", f"{place} is no file of the repository")
        if found.path in passed:
            raise _refused(file, f"is a symlink to {target}", "they lead in a circle")
        passed.add(found.path)
        file = found
    return file


def _refused(file: SourceFile, what: str, why: str) -> PreflightError:
    return PreflightError(Problem(path=file.path, what=what, why=why, hint="copy the file to where the link is"))
