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
from shipways.model.pace import Limit, wait_text
from shipways.outside.channels import Outside
from shipways.outside.crates import CRATES_IO

NEW_CRATES: Final = Limit(burst=5, every=600)
NEW_VERSIONS: Final = Limit(burst=30, every=60)
"""What crates.io takes from one user (its documentation, "Rate limits"); other registries say it when it is so."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CratesChannel:
    """A version is there when the index has its checksum; a yanked one is still there. Nothing is ever replaced."""

    registry: str
    crates: tuple[tuple[str, str], ...] = ()
    """Name and version of each crate of the release, as far as they are known before it is built."""
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

    async def foresee(self, outside: Outside) -> tuple[str, ...]:
        """What is there under the names of this release, whose they are, and how long the registry makes it last."""
        registry = outside.crates(self.registry)
        seen = await registry.look(self.crates)
        missing = [name for name, version in self.crates if not seen[name, version].value]
        known = [name for name, version in self.crates if name in missing and seen[name, version].stamp]
        owners: dict[tuple[str, ...], list[str]] = {}
        for name in known:
            owners.setdefault(await registry.owners(name), []).append(name)
        lines = [_whose(names, logins) for logins, names in owners.items()]
        if free := [name for name in missing if name not in known]:
            lines.insert(0, f"{', '.join(free)}: nobody has this name yet")
        if there := [f"{name} {version}" for name, version in self.crates if name not in missing]:
            lines.append(f"{', '.join(there)}: is there already, and is compared with what is built")
        if seconds := self.pace([each for each in seen.values() if not each.value]):
            lines.append(f"{len(missing)} uploads, {len(free)} of them new crates: {wait_text(seconds)}")
        return tuple(lines)

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


def _whose(names: Sequence[str], logins: Sequence[str]) -> str:
    if not logins:
        return f"{', '.join(names)}: is there; whose it is, this registry does not tell"
    return f"{', '.join(names)}: is that of {', '.join(logins)}; whose the token is, no registry tells"


def _crate(path: str, version: str) -> str:
    """The name of the crate in a file of `model.names.crate_file`."""
    return path.removesuffix(f"-{version}.crate")


def _version(item: Item) -> tuple[str, str]:
    _, name, version = item.id.split("/")
    return name, version


def plan(config: Config, facts: Facts | None) -> Iterator[CratesChannel]:
    """The registry of the config, if it has one."""
    if config.publish.crates:
        ours = (crate for crate in facts.crates if not crate.private and facts.tagged(crate.package)) if facts else ()
        known = tuple((crate.name, facts.version(crate.package).base) for crate in ours) if facts else ()
        yield CratesChannel(registry=config.publish.crates.registry, crates=known)
