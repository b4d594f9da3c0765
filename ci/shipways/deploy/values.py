"""Values of variables on their way into a service on a host: as files have them."""

import base64
import shlex
from collections.abc import Mapping
from typing import Final

from shipways.errors import Problem, Unfinished

READ: Final = ("base64", "--")
"""How a file of them is read: what a host prints is text, and not every value is."""


def written(values: Mapping[str, str]) -> bytes:
    """As a file of a shell."""
    return "".join(f"{name}={shlex.quote(value)}\n" for name, value in values.items()).encode(errors="surrogateescape")


def told(text: str) -> Mapping[str, str]:
    """What is written, as `READ` prints it. Raises Unfinished for what no shell reads."""
    try:
        words = shlex.split(base64.b64decode(text).decode(errors="surrogateescape"))
    except ValueError as error:
        raise Unfinished(Problem(path="environment", what="is no file of variables", why=str(error))) from None
    return dict(word.partition("=")[::2] for word in words)
