"""The report of a migration, for people and for programs, and the exit code that it ends with."""

import dataclasses
import json
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from shipways.migrate.mapping import Row
from shipways.model.event import Table

CLEAN, LOSSY = 0, 1


def exit_code(rows: Sequence[Row]) -> int:
    """Whether aisopod will do what OpenClaw did, as far as its configuration says."""
    return LOSSY if any(row.lossy for row in rows) else CLEAN


def table(path: Path, rows: Sequence[Row], remarks: Sequence[str]) -> Table:
    """A row a key. Files beside the configuration are told by their names alone."""
    counted = Counter(str(row.state) for row in rows)
    title = f"{path}: " + (", ".join(f"{number} {state}" for state, number in counted.items()) or "says nothing")
    folder = f"{path.parent}/"
    return Table(
        title=title,
        columns=("what", "key", "at", "in aisopod", "note"),
        rows=tuple((str(row.state), row.key, row.at.removeprefix(folder), row.to, row.note) for row in rows),
        remarks=tuple(remarks),
    )


def as_json(path: Path, rows: Sequence[Row]) -> str:
    """The same for programs."""
    said = {"config": str(path), "exit": exit_code(rows), "rows": [dataclasses.asdict(row) for row in rows]}
    return json.dumps(said, indent=2, ensure_ascii=False)
