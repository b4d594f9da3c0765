"""A commit, as git tells of it."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Commit:
    """A commit's message: its subject, and the rest."""

    subject: str
    body: str = ""
