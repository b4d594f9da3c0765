"""A folder to rehearse with."""

import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path

from starlette.types import ASGIApp

from shipways.adapters.files import DiskFiles
from shipways.config.publish import FilesTable
from shipways.config.schema import Config
from shipways.model.manifest import Manifest
from shipways.ports import Clock
from shipways.rehearse.berth import with_tables


class FilesBerth:
    """A folder, which needs no server."""

    channel = "files"

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def fresh(self, clock: Clock) -> Sequence[ASGIApp]:
        """An empty folder."""
        del clock
        shutil.rmtree(self._folder, ignore_errors=True)
        return ()

    def lead(self, config: Config, urls: Sequence[str]) -> Config:
        """The folder in place of any other."""
        del urls
        return with_tables(config, files=FilesTable(folder=str(self._folder)))

    def tokens(self, urls: Sequence[str]) -> Mapping[str, str]:
        """None."""
        del urls
        return {}

    def holds(self) -> object:
        """Every file."""
        files = DiskFiles()
        return {path.relative_to(self._folder).as_posix(): files.digest(path) for path in files.list(self._folder)}


def berth(config: Config, manifest: Manifest, folder: Path) -> FilesBerth | None:
    """One folder, whatever place the config names."""
    del manifest
    return FilesBerth(folder / "files") if config.publish.files else None
