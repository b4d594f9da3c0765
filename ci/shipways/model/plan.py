"""The plan: everything that will happen, and what will not, with reasons."""

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from shipways.errors import Problem

if TYPE_CHECKING:
    from shipways.ports import Step


class Mode(StrEnum):
    """Whether this run may publish."""

    SNAPSHOT = "snapshot"
    RELEASE = "release"


@dataclass(frozen=True, slots=True, kw_only=True)
class Skip:
    """A step that will not run. `kind` is what `--require` names: toolchain, target, image …"""

    id: str
    kind: str
    problem: Problem


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """Steps in an order that respects their needs."""

    project: str
    mode: Mode
    reason: str
    make_digest: str
    commit: str
    epoch: int
    versions: tuple[tuple[str, str], ...]
    steps: tuple["Step", ...]
    skips: tuple[Skip, ...]
