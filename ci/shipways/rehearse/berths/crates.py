"""A registry of crates to rehearse with."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from starlette.types import ASGIApp

from shipways.config.publish import CratesTable
from shipways.config.schema import Config
from shipways.model.artifact import Kind
from shipways.model.digest import digest_bytes
from shipways.model.manifest import Manifest
from shipways.outside.crates import CRATES_IO, token_variable
from shipways.ports import Clock
from shipways.rehearse.berth import made_up, with_tables
from shipways.rehearse.crates import Crates
from shipways.rehearse.identity import Identity, claims_of


class CratesBerth:
    """A registry that waits for no crate but ours.

    Where it stands for crates.io it has the limits of that, and a job of CI that says who it is; elsewhere a token.
    """

    channel = "crates"

    def __init__(self, table: CratesTable, manifest: Manifest, repository: str) -> None:
        self._table = table
        self._trusted = repository if table.registry in CRATES_IO else ""
        self._ours = frozenset(
            entry.path.removesuffix(f"-{package.version}.crate").lower()
            for package in manifest.packages
            for entry in manifest.artifacts
            if entry.kind == Kind.CRATE and entry.package == package.name
        )
        self._token = made_up()
        self._crates = Crates()

    def fresh(self, clock: Clock) -> Sequence[ASGIApp]:
        """One registry."""
        trusted = self._trusted
        tokens = set() if trusted else {self._token}
        self._crates = Crates(
            tokens=tokens, trusted=trusted, limited=bool(trusted), now=clock.now, waits_for=self._ours
        )
        return (self._crates.app,)

    def lead(self, config: Config, urls: Sequence[str]) -> Config:
        """As it is: the name of a registry stays, and its address is another (`Harbour.addresses`)."""
        del urls
        return with_tables(config, crates=self._table)

    def tokens(self, urls: Sequence[str]) -> Mapping[str, str]:
        """That of the registry, or what a job has: its ID tokens may also come from another stand-in."""
        if self._trusted:
            return {**Identity().environment(urls[0]), "ACTIONS_ID_TOKEN_REQUEST_URL": f"{urls[0]}/id-token"}
        return {token_variable(self._table.registry): self._token}

    def holds(self) -> object:
        """Every version that was ever taken."""
        return sorted(
            (name, version, digest_bytes(self._crates.versions[name.lower()][version].data))
            for name, version in self._crates.log
        )


def berth(config: Config, manifest: Manifest, folder: Path) -> CratesBerth | None:
    """That of the config's registry."""
    del folder
    repository = claims_of(config, manifest)["repository"]
    return CratesBerth(config.publish.crates, manifest, repository) if config.publish.crates else None
