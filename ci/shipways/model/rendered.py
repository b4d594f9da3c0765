"""A committed file that is written from the config, so that it cannot disagree with it."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Rendered:
    """Its path, from the top of the repository, its whole text, and whether it is a program.

    Where the format has a sign for comments (`comment`), comments are no difference, and a part between the comments
    `yours: NAME` and `end of yours: NAME` belongs to the user.
    """

    path: str
    text: str
    comment: str = ""
    executable: bool = False
