"""Folders that files name, from the top of the repository."""

import posixpath


def below(path: str, folder: str) -> str:
    """What a folder means in the file at this path; `.` for the top."""
    return posixpath.normpath(posixpath.join(posixpath.dirname(path), folder))
