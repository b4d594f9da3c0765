"""What a channel is rehearsed against: stand-ins of its places, and what leads there instead of to the real ones."""

import secrets
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Protocol

from starlette.types import ASGIApp

from shipways.config.schema import Config
from shipways.model.manifest import Manifest
from shipways.ports import Clock


class Berth(Protocol):
    """The stand-ins of one channel. `lead` and `tokens` get the URLs of the servers that `fresh` is behind."""

    @property
    def channel(self) -> str:
        """Its name."""
        ...

    def fresh(self, clock: Clock) -> Sequence[ASGIApp]:
        """New and empty ones, always as many."""
        ...

    def lead(self, config: Config, urls: Sequence[str]) -> Config:
        """The config with the channel's tables, which name the stand-ins."""
        ...

    def tokens(self, urls: Sequence[str]) -> Mapping[str, str]:
        """The environment that lets the channel in."""
        ...

    def holds(self) -> object:
        """What is there, to compare; nothing in it depends on times or on an order that is free."""
        ...


class Builder(Protocol):
    """A module of `berths/`."""

    def berth(self, config: Config, manifest: Manifest, folder: Path) -> Berth | None:
        """The berth of the channel, if the config has that; `folder` is for what it keeps on disk."""
        ...


def with_tables(config: Config, **tables: object) -> Config:
    """The config with these tables of [publish]."""
    return config.model_copy(update={"publish": config.publish.model_copy(update=tables)})


def made_up() -> str:
    """A token that opens nothing but a stand-in."""
    return f"rehearsal-{secrets.token_urlsafe(24)}"
