"""The image over all its platforms, as the OCI image layout in dist/."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from shipways.config.schema import Config
from shipways.images.image import blob
from shipways.images.runtime import about
from shipways.images.variants import variants_of, varies
from shipways.model.artifact import Artifact, Kind, Output
from shipways.model.digest import Json, canonical
from shipways.model.facts import Facts
from shipways.model.names import image_folder, image_step, image_tag
from shipways.model.oci import INDEX, LAYOUT, MANIFEST, Descriptor
from shipways.model.step import Inputs, Spec, Work
from shipways.ports import Inbox, World


@dataclass(frozen=True, slots=True, kw_only=True)
class Index:
    """The index of one image, whose digest is the image's, and what makes its folder an image layout."""

    spec: Spec
    tag: str
    said: tuple[tuple[str, str], ...]

    def inputs(self, inbox: Inbox) -> Inputs:
        """The manifests with their platforms, the tag and the annotations."""
        return Inputs(
            recipe="images/index 1",
            values={
                "tag": self.tag,
                "said": dict(self.said),
                "manifests": [_entry(manifest) for manifest in _manifests(inbox)],
                "varies": varies(inbox),
            },
        )

    async def run(self, world: World, inbox: Inbox) -> tuple[Output, ...]:
        """Write the index, and the two files of image-layout.md."""
        manifests = [_entry(manifest) for manifest in _manifests(inbox)]
        data = canonical(_index(manifests, dict(self.said)))
        index = replace(blob(world, inbox, INDEX, data), kind=Kind.IMAGE)
        found = Descriptor(media_type=INDEX, digest=_digest(index.name), size=len(data))
        named: Json = {**found.record(), "annotations": {"org.opencontainers.image.ref.name": self.tag}}
        return (
            index,
            replace(blob(world, inbox, INDEX, canonical(_index([named], {}))), name="index.json", kind=Kind.BLOB),
            replace(
                blob(world, inbox, LAYOUT, canonical({"imageLayoutVersion": "1.0.0"})),
                name="oci-layout",
                kind=Kind.BLOB,
            ),
        )


def plan(config: Config, facts: Facts) -> Iterator[Index]:
    """A step for each image that has a platform; it takes those that can be made."""
    for name, table in config.image.items():
        needs = tuple(variant.manifest_step for variant in variants_of(config, facts, name))
        if not needs:
            continue
        yield Index(
            spec=Spec(
                id=image_step(name),
                work=Work.PACK,
                outputs=("oci-layout", "index.json", "blobs/sha256/*"),
                folder=image_folder(name),
                needs=needs,
                gathers=True,
                package=table.package,
            ),
            tag=image_tag(facts.version(table.package).number),
            said=tuple(sorted(about(config, facts, name).items())),
        )


def _manifests(inbox: Inbox) -> tuple[Artifact, ...]:
    return tuple(artifact for artifact in inbox.artifacts() if artifact.blob.media_type == MANIFEST)


def _entry(manifest: Artifact) -> dict[str, Json]:
    """A descriptor with its platform (image-spec, image-index.md)."""
    found = Descriptor(media_type=MANIFEST, digest=manifest.digest, size=manifest.blob.size)
    platform = {"architecture": manifest.target.goarch, "os": manifest.target.goos} if manifest.target else {}
    return {**found.record(), "platform": platform}


def _index(manifests: Sequence[Json], annotations: dict[str, str]) -> dict[str, Json]:
    value: dict[str, Json] = {"schemaVersion": 2, "mediaType": INDEX, "manifests": manifests}
    return {**value, "annotations": annotations} if annotations else value


def _digest(name: str) -> str:
    return "sha256:" + name.rpartition("/")[2]
