"""An index of Python packages to rehearse with."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from starlette.types import ASGIApp

from shipways.adapters.twining import named
from shipways.config.publish import PypiTable
from shipways.config.schema import Config
from shipways.model.artifact import Kind
from shipways.model.manifest import Manifest
from shipways.ports import Clock
from shipways.rehearse.berth import made_up, with_tables
from shipways.rehearse.identity import Identity, claims_of
from shipways.rehearse.index import PackageIndex, TrustedPublisher
from shipways.workflows.rights import trusted_index


class PypiBerth:
    """An index. Where a job of CI would get a token by trusted publishing, so does the rehearsal: there is no other."""

    channel = "pypi"

    def __init__(self, identity: Identity, publishers: Sequence[TrustedPublisher], *, trusted: bool) -> None:
        self._identity = identity
        self._publishers = publishers
        self._token = "" if trusted else made_up()
        self._index = PackageIndex()

    def fresh(self, clock: Clock) -> Sequence[ASGIApp]:
        """One index."""
        self._identity.now = clock.now
        tokens = {self._token: frozenset({"*"})} if self._token else {}
        self._index = PackageIndex(tokens=tokens, publishers=list(self._publishers), identity=self._identity)
        return (self._index.app,)

    def lead(self, config: Config, urls: Sequence[str]) -> Config:
        """Another index."""
        url = urls[0]
        table = PypiTable(repository=f"{url}/legacy/", simple=f"{url}/simple/", trusted=not self._token)
        return with_tables(config, pypi=table)

    def tokens(self, urls: Sequence[str]) -> Mapping[str, str]:
        """One for every project, or the identity of a job."""
        return {"SHIPWAYS_PYPI_TOKEN": self._token} if self._token else self._identity.environment(urls[0])

    def holds(self) -> object:
        """Every file that was ever taken."""
        return sorted((name, self._index.files[name].sha256) for name in self._index.uploads)


def berth(config: Config, manifest: Manifest, folder: Path) -> PypiBerth | None:
    """An index, whichever the config names."""
    del folder
    if not config.publish.pypi:
        return None
    said = claims_of(config, manifest)
    files = [entry.name for entry in manifest.artifacts if entry.kind in (Kind.SDIST, Kind.WHEEL)]
    publishers = [
        TrustedPublisher(project=project, repository=said["repository"], workflow="release.yml")
        for project in sorted({named(name)[0] for name in files})
    ]
    return PypiBerth(Identity(said), publishers, trusted=trusted_index(config))
