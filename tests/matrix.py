"""The fault matrix as it was played, for the end of a run: fault × phase × method, with what became of each job."""

import datetime
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Final

_PLAYED: Final[list[tuple[str, str, str, str]]] = []


def record(fault: str, phase: str, method: str, ended: str) -> None:
    """One cell. "missed": the phase was over before the fault came."""
    _PLAYED.append((fault, phase, method, ended))


def lines() -> Iterator[str]:
    """Markdown; nothing where nothing was played."""
    if not _PLAYED:
        return
    commit = subprocess.run(
        ("git", "rev-parse", "--short", "HEAD"), cwd=Path(__file__).parent, capture_output=True, text=True, check=False
    ).stdout.strip()
    today = datetime.datetime.now(datetime.UTC).date()
    yield f"Fault matrix of the deployer: {len(_PLAYED)} cells, commit {commit}, {today}"
    yield "| fault | phase | method | job |"
    yield "| --- | --- | --- | --- |"
    for row in sorted(_PLAYED):
        yield f"| {' | '.join(row)} |"
