"""Moves in a file beside what was made, for deployments from the command line; and moves that a job settles itself."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from shipways.errors import PreflightError, Problem
from shipways.model.deployment import Move, Running
from shipways.outside.moves import Moves
from shipways.ports import Files


@dataclass(frozen=True, slots=True)
class Unsettled:
    """The moves of a job, which are settled when the job is: the deployment does not do it."""

    inner: Moves

    def moved(self) -> Mapping[str, Move]:
        """As they are."""
        return self.inner.moved()

    def move(self, item: str, move: Move) -> None:
        """As it is."""
        self.inner.move(item, move)

    def returned(self, item: str) -> None:
        """As it is."""
        self.inner.returned(item)

    def settled(self) -> None:
        """Not yet."""


@dataclass(frozen=True, slots=True)
class FileMoves:
    """The `Moves` port in a file of JSON; without a file nothing was moved."""

    files: Files
    path: Path

    def moved(self) -> Mapping[str, Move]:
        """Raises PreflightError where the file is none of ours."""
        if not self.files.exists(self.path):
            return {}
        try:
            told = json.loads(self.files.read(self.path))
            return {
                item: Move(want=each["want"], before=Running(digest=each["before"], previous=each["previous"]))
                for item, each in told.items()
            }
        except (ValueError, KeyError, TypeError, AttributeError):
            hint = "remove it if you know that nothing of the deployment has to return"
            raise PreflightError(Problem(path=str(self.path), what="is not what was written", hint=hint)) from None

    def move(self, item: str, move: Move) -> None:
        """The whole file anew."""
        moved = self.moved()
        self._write({**moved, item: replace(move, before=moved.get(item, move).before)})

    def returned(self, item: str) -> None:
        """The file goes with the last."""
        left = {name: each for name, each in self.moved().items() if name != item}
        if left:
            self._write(left)
        else:
            self.settled()

    def settled(self) -> None:
        """The file goes."""
        self.files.remove(self.path)

    def _write(self, moved: Mapping[str, Move]) -> None:
        told = {
            item: {"want": each.want, "before": each.before.digest, "previous": each.before.previous}
            for item, each in moved.items()
        }
        with self.files.create(self.path) as stream:
            stream.write(json.dumps(told, indent=1).encode() + b"\n")
