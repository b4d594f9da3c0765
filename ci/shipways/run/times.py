"""How long steps took: out of the ledger, and into that of a release which was made by several runners."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

from pydantic import BaseModel, ConfigDict, TypeAdapter, ValidationError

from shipways.ports import Files
from shipways.run.ledger import append_lines, read_lines


class _Line(BaseModel):
    """A line about a step; others of the ledger are about publications."""

    model_config = ConfigDict(frozen=True, defer_build=True)

    make_digest: str
    step: str
    seconds: float
    cached: bool


_LINE: Final = TypeAdapter(_Line)


def measured(files: Files, folder: Path) -> dict[str, float]:
    """The seconds that each step took when it was last made, and not taken from the store."""
    return {line.step: line.seconds for _, line in _lines(files, folder) if not line.cached}


def carry(files: Files, folders: Sequence[Path], dist: Path, make_digest: str) -> None:
    """Add to the ledger of dist/ what those of shards say of this build, unless it says so already."""
    before = {text for text, _ in _lines(files, dist)}
    found = (entry for folder in folders for entry in _lines(files, folder))
    lines = [text for text, line in found if line.make_digest == make_digest and not line.cached]
    append_lines(files, dist, [text for text in dict.fromkeys(lines) if text not in before])


def _lines(files: Files, folder: Path) -> Iterator[tuple[str, _Line]]:
    for text in read_lines(files, folder):
        try:
            yield text, _LINE.validate_json(text)
        except ValidationError:
            continue
