"""Lines of dist/ledger.jsonl: read as they are, and appended."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

from shipways.config.manifestfile import LEDGER
from shipways.ports import Files


def read_lines(files: Files, folder: Path) -> list[str]:
    """The lines of the ledger in this folder; none without it."""
    path = folder / LEDGER
    return files.read(path).decode(errors="replace").splitlines() if files.exists(path) else []


def append_lines(files: Files, folder: Path, lines: Sequence[str]) -> None:
    """Add lines as they are, such as those of another ledger."""
    path = folder / LEDGER
    before = files.read(path) if files.exists(path) else b""
    with files.create(path) as stream:
        stream.write(before + "".join(line + "\n" for line in lines).encode())


def append(files: Files, folder: Path, records: Sequence[Mapping[str, object]]) -> None:
    """Add a line of JSON for each record."""
    append_lines(files, folder, [json.dumps(record) for record in records])
