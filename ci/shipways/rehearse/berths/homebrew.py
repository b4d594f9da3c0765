"""A Homebrew tap to rehearse with."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from starlette.types import ASGIApp

from shipways.config.publish import HomebrewTable
from shipways.config.schema import Config
from shipways.model.digest import digest_bytes
from shipways.model.manifest import Manifest
from shipways.model.tap import TapPlace
from shipways.ports import Clock
from shipways.rehearse.berth import made_up, with_tables
from shipways.rehearse.forgedesk import API, Desk
from shipways.rehearse.forgegit import GitForge
from shipways.rehearse.forgesite import Site


class HomebrewBerth:
    """A GitHub of its own with a tap that has no formula yet; where the config has a fork, only that may be written."""

    channel = "homebrew"

    def __init__(self, table: HomebrewTable) -> None:
        self._table = table
        self._place = TapPlace(tap=table.tap, branch=table.branch, fork=table.fork)
        self._token = made_up()
        self._sides: tuple[GitForge, ...] = ()

    def fresh(self, clock: Clock) -> Sequence[ASGIApp]:
        """One server."""
        del clock
        tap = GitForge(self._desk(self._place.tap), branch=self._table.branch)
        tap.put("first", README_dot_md="A tap.\n")
        self._sides = (tap, tap.fork(self._desk(self._place.side))) if self._table.fork else (tap,)
        return (Site(tap.app(), {side.desk.name: side.app() for side in self._sides}),)

    def lead(self, config: Config, urls: Sequence[str]) -> Config:
        """Another API."""
        return with_tables(config, homebrew=self._table.model_copy(update={"api": f"{urls[0]}{API}"}))

    def tokens(self, urls: Sequence[str]) -> Mapping[str, str]:
        """One for the tap, or for the fork of it."""
        del urls
        return {"HOMEBREW_TAP_TOKEN": self._token}

    def holds(self) -> object:
        """Every branch with its files and messages, and pull requests."""
        return [
            {
                "branches": {ref: self._branch(side, ref.removeprefix("heads/")) for ref in sorted(side.refs)},
                "pulls": [(pull.head, pull.title, pull.state) for pull in side.pulls],
            }
            for side in self._sides
        ]

    def _desk(self, name: str) -> Desk:
        return Desk(name, {self._token: "write" if name == self._place.side else "read"})

    @staticmethod
    def _branch(side: GitForge, name: str) -> object:
        return {path: digest_bytes(data) for path, data in side.files(name).items()}, side.log(name)


def berth(config: Config, manifest: Manifest, folder: Path) -> HomebrewBerth | None:
    """That of the config's tap."""
    del manifest, folder
    return HomebrewBerth(config.publish.homebrew) if config.publish.homebrew else None
