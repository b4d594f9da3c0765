"""A key of this machine: what it says of a secret can be compared here, and guessed nowhere."""

import os
import secrets
from pathlib import Path
from typing import Final

from shipways.adapters.files import DiskFiles
from shipways.errors import BuildError, PreflightError, Problem

_SIZE: Final = 32


def kept_key(path: Path) -> bytes:
    """The key in a file of its owner alone, which is made where there is none. Raises PreflightError."""
    try:
        found = path.read_bytes() if path.exists() else b""
        if len(found) != _SIZE:  # a new one makes releases differ that are the same, and nothing else
            found = secrets.token_bytes(_SIZE)
            with DiskFiles().create(path, private=True) as stream:
                stream.write(found)
                stream.flush()
                os.fsync(stream.fileno())
    except (OSError, BuildError) as error:
        raise PreflightError(Problem(path=str(path), what="cannot be used", why=str(error))) from None
    return found
