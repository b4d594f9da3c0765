"""Python: what METADATA declares, and the versions of a lock file where the project has one."""

import tarfile
import zipfile
from dataclasses import dataclass
from email import message_from_bytes
from email.message import Message
from pathlib import Path, PurePosixPath
from typing import Final

from anyio import to_thread

from shipways.bundle.components.contents import Contents, unreadable
from shipways.model.artifact import Artifact, Kind
from shipways.model.digest import Json
from shipways.model.source import SourceFile
from shipways.ports import Inbox, World

LOCKS: Final = ("uv.lock", "pylock.toml", "requirements.txt")
"""Lock files, the one that tells most first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PythonReader:
    """An sdist or a wheel; `locks` are the lock files in its folder, of which the first that is one counts."""

    locks: tuple[SourceFile, ...]

    def record(self) -> Json:
        """The lock files by object name; the rest is in the artifact."""
        return ["python", [[lock.path, lock.oid] for lock in self.locks]]

    async def read(self, world: World, inbox: Inbox, artifact: Artifact) -> Contents:
        """Read the artifact's own metadata, and the lock."""
        texts = [(lock.path, await to_thread.run_sync(world.sources.read, lock)) for lock in self.locks]
        locks = tuple((path, text.decode(errors="replace")) for path, text in texts)
        return await to_thread.run_sync(_contents, inbox.path(artifact), artifact, locks)


def _contents(path: Path, artifact: Artifact, locks: tuple[tuple[str, str], ...]) -> Contents:
    from shipways.bundle.components import pypi  # noqa: PLC0415 - packaging takes a tenth of a second to import

    return pypi.contents(metadata(path, artifact), locks)


def metadata(path: Path, artifact: Artifact) -> Message:
    """The core metadata of a wheel (PEP 427, "The .dist-info directory") or sdist (PEP 625, PEP 643)."""
    text = _of_wheel(path) if artifact.kind is Kind.WHEEL else _of_sdist(path)
    if text is None:
        raise unreadable(artifact.name, "it has no metadata")
    return message_from_bytes(text)


def _of_wheel(path: Path) -> bytes | None:
    with zipfile.ZipFile(path) as wheel:
        names = (PurePosixPath(name) for name in wheel.namelist())
        found = (n for n in names if n.name == "METADATA" and n.parent.suffix == ".dist-info" and len(n.parts) == 2)
        name = next(found, None)
        return wheel.read(str(name)) if name else None


def _of_sdist(path: Path) -> bytes | None:
    with tarfile.open(path, mode="r|gz") as sdist:
        for member in sdist:
            if PurePosixPath(member.name).match("*/PKG-INFO") and member.name.count("/") == 1:
                content = sdist.extractfile(member)
                return content.read() if content else None
    return None
