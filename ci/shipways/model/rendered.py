"""A committed file that is written from the config, so that it cannot disagree with it."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Rendered:
    """Its path, from the top of the repository, and its whole text."""

    path: str
    text: str
