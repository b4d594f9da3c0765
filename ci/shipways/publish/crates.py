"""A registry of crates: the .crate files that were made, each after those of the release that it depends on."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from shipways.config.schema import Config
from shipways.errors import Problem
from shipways.model.artifact import Kind
from shipways.model.facts import Facts
from shipways.model.item import Item, ItemKind, Phase, Publication, Seen
from shipways.model.manifest import ArtifactEntry, Manifest
from shipways.model.pace import Limit
from shipways.outside.channels import Outside
from shipways.outside.crates import CRATES_IO

NEW_CRATES: Final = Limit(burst=5, every=600)
NEW_VERSIONS: Final = Limit(burst=30, every=60)
"""What crates.io takes from one user (its documentation, "Rate limits"); other registries say it when it is so."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CratesChannel:
    """A version is there when the index has its checksum; a yanked one is still there. Nothing is ever replaced."""

    registry: str
    name: str = "crates"

    def desired(self, manifest: Manifest) -> tuple[Item, ...]:
        """One item for each crate: `crates/NAME/VERSION`."""
        packages = {package.name: package for package in manifest.packages}
        files = {entry.package: entry for entry in manifest.artifacts if entry.kind == Kind.CRATE}
        ids = {
            package: f"{self.name}/{_crate(entry.path, packages[package].version)}/{packages[package].version}"
            for package, entry in files.items()
        }
        return tuple(
            Item(
                id=ids[package],
                kind=ItemKind.FIXED,
                phase=Phase.COMMIT,
                want=entry.digest,
                needs=tuple(ids[need] for need in packages[package].needs if need in ids),
                path=entry.path,
            )
            for package, entry in files.items()
        )

    async def preflight(self, outside: Outside) -> tuple[Problem, ...]:
        """Nothing, when there is a token, or one can be minted. Raises Unfinished, Transient."""
        await outside.crates(self.registry).authorize()
        return ()

    async def observe(self, outside: Outside, items: Sequence[Item]) -> Mapping[str, Seen]:
        """What the index has."""
        found = await outside.crates(self.registry).look([_version(item) for item in items])
        return {item.id: found[_version(item)] for item in items}

    async def apply(self, outside: Outside, item: Item, seen: Seen) -> Publication:
        """Upload it, and come back when everybody can see it: what needs it may come next."""
        registry, (name, version) = outside.crates(self.registry), _version(item)
        limit = NEW_VERSIONS if seen.stamp else NEW_CRATES
        await registry.upload(outside.artifact(item.path), limit if self.registry in CRATES_IO else None)
        return Publication(item=item.id, url=await registry.shown(name, version))

    async def fetch(self, outside: Outside, item: Item, seen: Seen, artifact: ArtifactEntry, into: Path) -> None:
        """Download a .crate."""
        del item, artifact
        await outside.crates(self.registry).fetch(seen.url, into)

    def pace(self, seen: Sequence[Seen]) -> float:
        """How many seconds it takes at least to publish what was seen so."""
        if self.registry not in CRATES_IO:
            return 0.0
        known = sum(bool(each.stamp) for each in seen)
        return max(NEW_VERSIONS.seconds(known), NEW_CRATES.seconds(len(seen) - known))


def _crate(path: str, version: str) -> str:
    """The name of the crate in a file of `model.names.crate_file`."""
    return path.removesuffix(f"-{version}.crate")


def _version(item: Item) -> tuple[str, str]:
    _, name, version = item.id.split("/")
    return name, version


def plan(config: Config, facts: Facts | None) -> Iterator[CratesChannel]:
    """The registry of the config, if it has one."""
    del facts
    if config.publish.crates:
        yield CratesChannel(registry=config.publish.crates.registry)
