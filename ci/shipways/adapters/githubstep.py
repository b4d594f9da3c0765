"""What a step of GitHub Actions tells later jobs (Workflow commands)."""

import os
from pathlib import Path

from shipways.errors import PreflightError, Problem


def hands_over() -> bool:
    """Whether later jobs can be told something."""
    return bool(os.environ.get("GITHUB_OUTPUT"))


def hand_over(name: str, value: str) -> None:
    """Tell later jobs a value of one line ("Setting an output parameter"). Raises PreflightError."""
    try:
        with Path(os.environ["GITHUB_OUTPUT"]).open("a", encoding="utf-8") as stream:
            stream.write(f"{name}={value}\n")
    except OSError as error:
        raise PreflightError(
            Problem(path="GITHUB_OUTPUT", what="cannot be written", why=error.strerror or "")
        ) from None
