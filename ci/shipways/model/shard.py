"""A part of a release: the steps of one runner, and the record of what it has made."""

from dataclasses import dataclass
from typing import Final, Literal

from shipways.model.artifact import Blob
from shipways.model.record import PlannedSkip

FORMAT: Final = "shipways-shard/1"


@dataclass(frozen=True, slots=True, kw_only=True)
class Shard:
    """The steps, by id, of runner `number` of `total`. `runner` is its label in CI, `system` what it has to be."""

    number: int
    total: int
    runner: str
    system: str
    steps: tuple[str, ...]

    @property
    def name(self) -> str:
        """As `build --shard` takes it."""
        return f"{self.number}/{self.total}"


@dataclass(frozen=True, slots=True, kw_only=True)
class ShardStep:
    """A step: the digest of its inputs, and its files; their names are below `folder`, which is below `dist/`."""

    id: str
    key: str
    folder: str
    files: tuple[Blob, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ShardRecord:
    """`dist/shard-K-of-N.json`: what one runner has made. A release is made of several; it is no manifest."""

    format: Literal["shipways-shard/1"]
    shard: str
    project: str
    shipways: str
    commit: str
    make_digest: str
    steps: tuple[ShardStep, ...]
    skips: tuple[PlannedSkip, ...]

    def paths(self) -> tuple[str, ...]:
        """Where its files are, below `dist/`."""
        return tuple(step.folder + file.name for step in self.steps for file in step.files)
