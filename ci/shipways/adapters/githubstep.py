"""What a step of GitHub Actions tells its runner (Workflow commands); nothing happens elsewhere."""

import os
from pathlib import Path

from shipways.errors import PreflightError, Problem


def hands_over() -> bool:
    """Whether later jobs can be told something."""
    return bool(os.environ.get("GITHUB_OUTPUT"))


def hand_over(name: str, value: str) -> None:
    """Tell later jobs a value of one line ("Setting an output parameter"). Raises PreflightError."""
    _append("GITHUB_OUTPUT", f"{name}={value}\n")


def summarize(text: str) -> None:
    """Show lines of text on the page of the run ("Adding a job summary"). Raises PreflightError."""
    _append("GITHUB_STEP_SUMMARY", f"```\n{text}\n```\n")


def _append(variable: str, text: str) -> None:
    path = os.environ.get(variable)
    if not path:
        return
    try:
        with Path(path).open("a", encoding="utf-8") as stream:
            stream.write(text)
    except OSError as error:
        raise PreflightError(Problem(path=variable, what="cannot be written", why=error.strerror or "")) from None
