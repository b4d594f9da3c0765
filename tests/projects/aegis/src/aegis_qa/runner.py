"""Runs the steps of a workflow."""

from collections.abc import Callable
from http.client import HTTPException
from typing import Final, TypeAlias
from urllib.error import HTTPError
from urllib.request import urlopen

from aegis_qa.config import AegisConfig

Ask: TypeAlias = Callable[[str], int | None]
"""URL → status of the answer; None where nobody answers."""
_TIMEOUT: Final = 10.0
"""Seconds for one step."""


def run(config: AegisConfig, workflow: str, ask: Ask) -> list[dict[str, object]]:
    """What each step of a workflow was answered; the steps after the first wrong answer are not run."""
    said: list[dict[str, object]] = []
    for step in config.workflows[workflow].steps:
        status = ask(str(config.services[step.service].url).rstrip("/") + step.path)
        passed = status == step.status
        said.append({"service": step.service, "path": step.path, "status": status, "passed": passed})
        if not passed:
            break
    return said


def ask_http(url: str) -> int | None:
    """Ask a service; an answer of any status is one."""
    try:
        with urlopen(url, timeout=_TIMEOUT) as answer:  # noqa: S310 - the config lets only HTTP URLs in
            return int(answer.status)
    except HTTPError as error:
        return error.code
    except (OSError, HTTPException):
        return None
