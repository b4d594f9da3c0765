"""Files of installed services: what they should be, what is there, and who wrote it."""

import difflib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from shipways.errors import Conflict, Problem
from shipways.model.daemon import Daemon, Text
from shipways.model.digest import digest_bytes
from shipways.ports import Files

_FORMAT: Final = "shipways-service/1"


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One file: what it is, and has to be; None where there is none. `edited`: somebody else wrote what it is."""

    path: str
    before: str | None
    after: str | None
    edited: bool

    @property
    def diff(self) -> str:
        """Unified, from what it is to what it has to be."""
        old, new = (self.path if text is not None else "/dev/null" for text in (self.before, self.after))
        before, after = ((text or "").splitlines(keepends=True) for text in (self.before, self.after))
        return "".join(
            line if line.endswith("\n") else f"{line}\n\\ No newline at end of file\n"
            for line in difflib.unified_diff(before, after, old, new)
        )


class Receipts:
    """What was installed on this machine, a file for each service, so that an edit by hand is seen."""

    def __init__(self, files: Files, folder: Path) -> None:
        self._files = files
        self._folder = folder

    def read(self, service: str) -> Mapping[str, str]:
        """The digest of each file as it was written, by path; empty where nothing is known."""
        try:
            told = json.loads(self._files.read(self._path(service)))
            return dict(told["files"]) if told["format"] == _FORMAT else {}
        except (OSError, ValueError, KeyError, TypeError):
            return {}

    def write(self, service: str, digests: Mapping[str, str]) -> None:
        """Remember these, or that there is nothing any more."""
        if not digests:
            self._files.remove(self._path(service))
            return
        text = json.dumps({"format": _FORMAT, "files": dict(sorted(digests.items()))}, indent=2)
        _write(self._files, self._path(service), text + "\n")

    def _path(self, service: str) -> Path:
        return self._folder / f"{service}.json"


def changes(files: Files, wanted: Sequence[Text], known: Mapping[str, str]) -> tuple[Change, ...]:
    """What differs from what is wanted, and what was installed and is not wanted any more."""
    texts = {each.path: each.text for each in wanted}
    return tuple(_changes(files, {**texts, **{path: None for path in known if path not in texts}}, known))


def _changes(files: Files, texts: Mapping[str, str | None], known: Mapping[str, str]) -> Iterator[Change]:
    for path, after in texts.items():
        place = Path(path)
        before = files.read(place).decode(errors="surrogateescape") if files.exists(place) else None
        if before != after:
            edited = before is not None and digest(before) != known.get(path)
            yield Change(path=path, before=before, after=after, edited=edited)


def settled(found: Sequence[Change], known: Mapping[str, str], *, force: bool) -> tuple[Change, ...]:
    """The changes to make. An edit by hand is left where nothing new would be written over it.

    Raises Conflict for one where something would, unless it is forced.
    """
    kept = [] if force else [each for each in found if each.edited and _unchanged(each, known)]
    left = tuple(each for each in found if each not in kept)
    conflicts = () if force else tuple(each for each in left if each.edited)
    if conflicts:
        hint = "keep what is yours elsewhere, or write over it with --force"
        raise Conflict(
            *(Problem(path=e.path, what="was edited by hand", why=f"\n{e.diff}", hint=hint) for e in conflicts)
        )
    return left


def _unchanged(change: Change, known: Mapping[str, str]) -> bool:
    return change.after is not None and digest(change.after) == known.get(change.path)


def apply(files: Files, found: Sequence[Change]) -> None:
    """Write and remove. Each file is whole or as it was."""
    for change in found:
        if change.after is None:
            files.remove(Path(change.path))
        else:
            _write(files, Path(change.path), change.after)


def digests(daemon: Daemon) -> Mapping[str, str]:
    """What a receipt says of a service that is installed."""
    return {each.path: digest(each.text) for each in daemon.texts}


def digest(text: str) -> str:
    """Of a text as it is written."""
    return digest_bytes(text.encode(errors="surrogateescape"))


def _write(files: Files, path: Path, text: str) -> None:
    with files.create(path) as stream:
        stream.write(text.encode(errors="surrogateescape"))
