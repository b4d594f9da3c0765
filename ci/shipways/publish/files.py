"""A folder or bucket of releases: a mirror, or what is carried to where there is no network."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Final

from shipways.config.manifestfile import FILE_NAME, manifest_digest
from shipways.config.publish import FilesTable
from shipways.config.schema import Config
from shipways.errors import Moved, Problem
from shipways.model.digest import digest_bytes
from shipways.model.facts import Facts
from shipways.model.item import Item, ItemKind, Phase, Publication, Seen
from shipways.model.manifest import ArtifactEntry, Manifest, PackageEntry, Release
from shipways.model.version import is_prerelease
from shipways.outside.buckets import Bucket
from shipways.outside.channels import Outside
from shipways.tasks import together

_WIDTH: Final = 16
"""How many files are asked for at once: a bucket is a network away."""

_STAGED: Final = "staged"


@dataclass(frozen=True, slots=True, kw_only=True)
class FilesChannel:
    """`TAG/…` has the assets, complete once `TAG/manifest.json` is there; `latest/PACKAGE` names the newest tag.

    Until then the manifest is in `staged/TAG/manifest.json`.
    """

    table: FilesTable
    project: str
    name: str = "files"

    def desired(self, manifest: Manifest) -> tuple[Item, ...]:
        """Assets are staged; a release without its manifest is none."""
        return tuple(item for release in manifest.releases() for item in self._release(manifest, release))

    async def preflight(self, outside: Outside) -> tuple[Problem, ...]:
        """Nothing, when files can be put there. Raises Unfinished, Transient."""
        await outside.bucket(self.table).writable()
        return ()

    async def observe(self, outside: Outside, items: Sequence[Item]) -> Mapping[str, Seen]:
        """What the folder has."""
        bucket = outside.bucket(self.table)
        found: dict[str, Seen] = {}

        async def look(item: Item) -> None:
            found[item.id] = await _seen(bucket, item, self._key(item))

        await together((partial(look, item) for item in items), width=_WIDTH)
        return found

    async def apply(self, outside: Outside, item: Item, seen: Seen) -> Publication:
        """Write the file, whole or not at all."""
        bucket, key = outside.bucket(self.table), self._key(item)
        if item.kind is ItemKind.MOVING:
            await bucket.write(key, _Latest(item.want, item.version).text(), seen=seen.stamp)
        else:
            await bucket.put(key, outside.artifact(item.path), seen=seen.stamp)
        return Publication(item=item.id, url=bucket.url(key))

    async def fetch(self, outside: Outside, item: Item, seen: Seen, artifact: ArtifactEntry, into: Path) -> None:
        """Copy a file from it."""
        del seen, artifact
        await outside.bucket(self.table).fetch(self._key(item), into)

    async def sealed(self, outside: Outside, tag: str, into: Path) -> bool:
        """Copy the manifest of a tag, the published one before the staged."""
        bucket = outside.bucket(self.table)
        for key in (f"{self.project}/{tag}/{FILE_NAME}", f"{self.project}/{_STAGED}/{tag}/{FILE_NAME}"):
            if await bucket.digest(key):
                await bucket.fetch(key, into)
                return True
        return False

    async def retract(self, outside: Outside, item: Item, seen: Seen) -> None:
        """Delete a file of a release that is not public."""
        bucket, key = outside.bucket(self.table), self._key(item)
        if await bucket.digest(key) != seen.stamp:
            raise Moved(Problem(path=item.id, what="has changed since it was looked at"))
        await bucket.remove(key)

    def _key(self, item: Item) -> str:
        return item.id.removeprefix(f"{self.name}/")

    def _release(self, manifest: Manifest, release: Release) -> Iterator[Item]:
        top = f"{self.name}/{self.project}"
        staged = Item(
            id=f"{top}/{_STAGED}/{release.tag}/{FILE_NAME}",
            kind=ItemKind.STAGED,
            phase=Phase.STAGE,
            want=manifest_digest(manifest),
            path=FILE_NAME,
            passing=True,
        )
        yield staged
        for asset in release.assets:
            yield Item(
                id=f"{top}/{release.tag}/{asset.path}",
                kind=ItemKind.STAGED,
                phase=Phase.STAGE,
                want=asset.digest,
                path=asset.path,
            )
        sealed = Item(
            id=f"{top}/{release.tag}/{FILE_NAME}",
            kind=ItemKind.FIXED,
            phase=Phase.COMMIT,
            want=manifest_digest(manifest),
            path=FILE_NAME,
            needs=(staged.id,),
        )
        yield sealed
        for package in release.packages:
            if not is_prerelease(package.version):
                yield _latest(top, package, sealed.id)


@dataclass(frozen=True, slots=True)
class _Latest:
    """The text of `latest/PACKAGE`."""

    tag: str
    version: str

    def text(self) -> bytes:
        return json.dumps({"tag": self.tag, "version": self.version}).encode() + b"\n"

    @staticmethod
    def parse(data: bytes) -> "_Latest":
        """What a file says; one that is not ours says its digest, which is another value than any tag."""
        try:
            said = json.loads(data)
            return _Latest(str(said["tag"]), str(said["version"]))
        except (ValueError, KeyError, TypeError):
            return _Latest(digest_bytes(data), "")


async def _seen(bucket: Bucket, item: Item, key: str) -> Seen:
    stamp = await bucket.digest(key)
    if not stamp:
        return Seen()
    said = _Latest.parse(await bucket.read(key)) if item.kind is ItemKind.MOVING else _Latest(stamp, "")
    return Seen(value=said.tag, version=said.version, stamp=stamp, url=bucket.url(key))


def _latest(top: str, package: PackageEntry, after: str) -> Item:
    return Item(
        id=f"{top}/latest/{package.name}",
        kind=ItemKind.MOVING,
        phase=Phase.COMMIT,
        want=package.tag,
        version=package.version,
        needs=(after,),
    )


def plan(config: Config, facts: Facts | None) -> Iterator[FilesChannel]:
    """The folder of the config, if it has one."""
    del facts
    if config.publish.files:
        yield FilesChannel(table=config.publish.files, project=config.project.name)
