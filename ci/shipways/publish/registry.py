"""Image registries: images by digest first, which nobody finds by name, then the tags that stand for them."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Final

from shipways.config.schema import Config
from shipways.errors import Problem, ShipwaysError
from shipways.model.artifact import Kind
from shipways.model.digest import digest_bytes
from shipways.model.facts import Facts
from shipways.model.item import Item, ItemKind, Phase, Publication, Seen
from shipways.model.manifest import ArtifactEntry, Manifest
from shipways.model.names import image_folder, image_tag
from shipways.model.oci import MANIFEST, Descriptor, blob_path, parse_reference
from shipways.model.version import is_prerelease
from shipways.outside.channels import Outside
from shipways.outside.registries import Attachment
from shipways.pack.referrers import referrer
from shipways.tasks import together

_SBOM: Final = "application/vnd.cyclonedx+json"


@dataclass(frozen=True, slots=True, kw_only=True)
class Shipped:
    """An image and the repositories it goes to, each as HOST/NAME."""

    name: str
    package: str
    repositories: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class RegistryChannel:
    """Items are REPOSITORY@DIGEST, an image; REPOSITORY@DIGEST/FILE, attached to it; and REPOSITORY:TAG."""

    images: tuple[Shipped, ...]
    moving: tuple[str, ...]
    name: str = "registry"

    def desired(self, manifest: Manifest) -> tuple[Item, ...]:
        """For each image that was made, in each repository: itself, its bills of materials, its tags."""
        versions = {package.name: package.version for package in manifest.packages}
        return tuple(
            item
            for image in self.images
            if image.package in versions and (index := manifest.image(image.name))
            for item in self._image(manifest, image, index, versions[image.package])
        )

    async def preflight(self, outside: Outside) -> tuple[Problem, ...]:
        """What is against a push, of each repository."""
        registries, found = outside.registries(), dict[str, Sequence[Problem]]()
        names = tuple(dict.fromkeys(name for image in self.images for name in image.repositories))

        async def ask(name: str) -> None:
            try:
                await registries.pushable(name)
            except ShipwaysError as error:
                found[name] = error.problems

        await together(partial(ask, name) for name in names)
        return tuple(problem for name in names for problem in found.get(name, ()))

    async def observe(self, outside: Outside, items: Sequence[Item]) -> Mapping[str, Seen]:
        """What the registries have; of a tag that stands for something else also the version of that."""
        registries, names = outside.registries(), {item.id: self._name(item) for item in items}
        plain, files = [i for i in items if not self._file(i)], [i for i in items if self._file(i)]
        there = await registries.digests({names[item.id] for item in plain})
        attached = await registries.attached({names[item.id] for item in files})
        values = {item.id: there.get(names[item.id], "") for item in plain}
        values |= {item.id: item.want for item in files if item.want in attached[names[item.id]]}
        moving = {
            item.id: _at(names[item.id], values[item.id])
            for item in plain
            if item.kind is ItemKind.MOVING and values[item.id] not in {"", item.want}
        }
        versions = await registries.versions(set(moving.values()))
        return {
            own: Seen(value=value, version=versions.get(moving.get(own, ""), ""), stamp=value, url=names[own])
            for own, value in values.items()
        }

    async def apply(self, outside: Outside, item: Item, seen: Seen) -> Publication:
        """Send the image, attach the file, or set the tag."""
        name = self._name(item)
        if item.phase is Phase.COMMIT:
            await outside.registries().tag(name, outside.artifact(item.path), seen=seen.stamp)
        elif self._file(item):
            source = outside.artifact(item.path)
            bill = Attachment(title=source.name, source=source, media_type=_SBOM, digest=item.want)
            await outside.registries().attach(name, bill)
        else:
            folder = item.path.removesuffix(blob_path(item.want))
            near = item.needs[0].removeprefix(f"{self.name}/") if item.needs else ""
            await outside.registries().push(name, partial(_blob, outside, folder), near=near)
        return Publication(item=item.id, url=name)

    async def fetch(self, outside: Outside, item: Item, seen: Seen, artifact: ArtifactEntry, into: Path) -> None:
        """Download a manifest or blob of an image, or what is attached to it."""
        del seen
        name = self._name(item)
        if artifact.path == item.path and not self._file(item):
            await outside.registries().fetch(name, into)
        elif artifact.media_type == MANIFEST:
            await outside.registries().fetch(_at(name, artifact.digest), into)
        else:
            await outside.registries().fetch(name, into, blob=artifact.digest)

    def _name(self, item: Item) -> str:
        """The reference that an item is about."""
        name, at, rest = item.id.removeprefix(f"{self.name}/").partition("@")
        return name + at + rest.partition("/")[0]

    def _file(self, item: Item) -> str:
        """The file that it attaches; empty for an image or a tag."""
        return item.id.partition("@")[2].partition("/")[2]

    def _image(self, manifest: Manifest, image: Shipped, index: ArtifactEntry, version: str) -> Iterator[Item]:
        first: dict[str, str] = {}
        for repository in image.repositories:
            host = parse_reference(repository).host
            pushed = Item(
                id=f"{self.name}/{repository}@{index.digest}",
                kind=ItemKind.STAGED,
                phase=Phase.STAGE,
                want=index.digest,
                needs=(first[host],) if host in first else (),  # whose blobs are mounted, not sent again
                path=index.path,
                parts=tuple(_parts(manifest, image, index)),
            )
            first.setdefault(host, pushed.id)
            yield pushed
            for subject, bill in _bills(manifest, image, index):
                yield Item(
                    id=f"{self.name}/{repository}@{subject.digest}/{bill.path}",
                    kind=ItemKind.STAGED,
                    phase=Phase.STAGE,
                    want=digest_bytes(referrer(_descriptor(subject), _descriptor(bill), bill.path)),
                    needs=(pushed.id,),
                    path=bill.path,
                )
            yield from self._tags(pushed, repository, version)

    def _tags(self, pushed: Item, repository: str, version: str) -> Iterator[Item]:
        """The version, and what moves with it; nothing moves to a pre-release."""
        own = Item(
            id=f"{self.name}/{repository}:{image_tag(version)}",
            kind=ItemKind.FIXED,
            phase=Phase.COMMIT,
            want=pushed.want,
            needs=(pushed.id,),
            path=pushed.path,
        )
        yield own
        major, minor = (*version.split("."), "")[:2]
        tags = dict.fromkeys(tag.replace("{major}", major).replace("{minor}", minor) for tag in self.moving)
        for tag in tags:
            if tag != image_tag(version) and not is_prerelease(version):
                yield Item(
                    id=f"{self.name}/{repository}:{tag}",
                    kind=ItemKind.MOVING,
                    phase=Phase.COMMIT,
                    want=pushed.want,
                    needs=(own.id,),
                    version=version,
                    path=pushed.path,
                )


def plan(config: Config, facts: Facts | None) -> Iterator[RegistryChannel]:
    """The registries of all images, when the config has the table."""
    if config.publish.registry:
        yield RegistryChannel(
            images=tuple(
                Shipped(name=name, package=image.package, repositories=_names(image.repositories))
                for name, image in config.made.items()
                if image.repositories and (facts is None or facts.tagged(image.package))
            ),
            moving=config.publish.registry.moving,
        )


def _names(repositories: Sequence[str]) -> tuple[str, ...]:
    meant = [parse_reference(repository) for repository in repositories]
    return tuple(dict.fromkeys(f"{reference.host}/{reference.repository}" for reference in meant))


def _bills(manifest: Manifest, image: Shipped, index: ArtifactEntry) -> Iterator[tuple[ArtifactEntry, ArtifactEntry]]:
    """What each bill of materials of the package is attached to: the platform it is about, else the whole image."""
    platforms = {
        entry.target: entry
        for entry in manifest.artifacts
        if entry.media_type == MANIFEST and entry.path.startswith(image_folder(image.name))
    }
    for entry in manifest.artifacts:
        if entry.kind == Kind.SBOM and entry.package == image.package and entry.target in {"", *platforms}:
            yield platforms.get(entry.target, index), entry


def _parts(manifest: Manifest, image: Shipped, index: ArtifactEntry) -> Iterator[str]:
    """Everything that lies in the layout of an image but the index, and the two files that every layout has."""
    top = f"{image_folder(image.name)}blobs/"
    for entry in manifest.artifacts:
        if entry.path.startswith(top) and entry.path != index.path:
            yield entry.path


def _descriptor(entry: ArtifactEntry) -> Descriptor:
    return Descriptor(media_type=entry.media_type, digest=entry.digest, size=entry.size)


def _at(name: str, digest: str) -> str:
    """The same repository, by digest."""
    meant = parse_reference(name)
    return f"{meant.host}/{meant.repository}@{digest}"


def _blob(outside: Outside, folder: str, digest: str) -> Path:
    return outside.artifact(folder + blob_path(digest))
