"""A GitHub to rehearse with."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from starlette.types import ASGIApp

from shipways.config.publish import GithubTable
from shipways.config.schema import Config
from shipways.model.digest import digest_bytes
from shipways.model.manifest import Manifest
from shipways.ports import Clock
from shipways.rehearse.berth import made_up, with_tables
from shipways.rehearse.forge import Forge
from shipways.rehearse.forgedesk import API, Desk


class GithubBerth:
    """A GitHub Enterprise server that has the repository with its tags, and no release; bytes are at another origin."""

    channel = "github"

    def __init__(self, table: GithubTable, repository: str, manifest: Manifest) -> None:
        self._table = table
        self._repository = repository
        self._refs = {f"tags/{package.tag}": manifest.commit for package in manifest.packages}
        self._token = made_up()
        self._storage = ""
        self._forge = Forge(desk=Desk(repository, {}))

    def fresh(self, clock: Clock) -> Sequence[ASGIApp]:
        """One server, under two addresses."""
        del clock
        desk = Desk(self._repository, {self._token: "write"})
        self._forge = Forge(desk=desk, refs=dict(self._refs), storage=self._storage)
        app = self._forge.app()
        return app, app

    def lead(self, config: Config, urls: Sequence[str]) -> Config:
        """Another API, and another storage."""
        self._forge.storage = self._storage = urls[1]
        return with_tables(config, github=self._table.model_copy(update={"api": f"{urls[0]}{API}"}))

    def tokens(self, urls: Sequence[str]) -> Mapping[str, str]:
        """One that may write."""
        del urls
        return {"GH_TOKEN": self._token}

    def holds(self) -> object:
        """Releases with their texts and files, and which is the latest."""
        latest = self._forge.newest()
        found = [
            (
                (each.tag, each.name, each.body, each.commit, each.draft, each.prerelease),
                sorted((asset.name, asset.state, digest_bytes(asset.data)) for asset in each.assets.values()),
            )
            for each in self._forge.releases.values()
        ]
        return {"latest": latest.tag if latest else "", "refs": self._forge.refs, "releases": sorted(found, key=str)}


def berth(config: Config, manifest: Manifest, folder: Path) -> GithubBerth | None:
    """That of the project's repository."""
    del folder
    table = config.publish.github
    return GithubBerth(table, config.project.repository, manifest) if table else None
