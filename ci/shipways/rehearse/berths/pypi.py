"""An index of Python packages to rehearse with."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from starlette.types import ASGIApp

from shipways.config.publish import PypiTable
from shipways.config.schema import Config
from shipways.model.manifest import Manifest
from shipways.ports import Clock
from shipways.rehearse.berth import made_up, with_tables
from shipways.rehearse.index import PackageIndex


class PypiBerth:
    """An index that trusts nobody without a token: who runs here is asked of nobody."""

    channel = "pypi"

    def __init__(self) -> None:
        self._token = made_up()
        self._index = PackageIndex()

    def fresh(self, clock: Clock) -> Sequence[ASGIApp]:
        """One index."""
        del clock
        self._index = PackageIndex(tokens={self._token: frozenset({"*"})})
        return (self._index.app,)

    def lead(self, config: Config, urls: Sequence[str]) -> Config:
        """Another index."""
        url = urls[0]
        table = PypiTable(repository=f"{url}/legacy/", simple=f"{url}/simple/", trusted=False)
        return with_tables(config, pypi=table)

    def tokens(self, urls: Sequence[str]) -> Mapping[str, str]:
        """One for every project."""
        del urls
        return {"SHIPWAYS_PYPI_TOKEN": self._token}

    def holds(self) -> object:
        """Every file that was ever taken."""
        return sorted((name, self._index.files[name].sha256) for name in self._index.uploads)


def berth(config: Config, manifest: Manifest, folder: Path) -> PypiBerth | None:
    """An index, whichever the config names."""
    del manifest, folder
    return PypiBerth() if config.publish.pypi else None
