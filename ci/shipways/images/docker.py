"""The image of one platform as an archive for `docker load`, which does not read image layouts in every release."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from anyio import to_thread

from shipways.config.images import Image
from shipways.config.schema import Config
from shipways.images.rootfs import Entry, write_tar
from shipways.images.variants import Variant, variants, varies
from shipways.model.artifact import Artifact, Kind, Output
from shipways.model.digest import canonical
from shipways.model.facts import Facts
from shipways.model.names import image_tag
from shipways.model.oci import CONFIG, MANIFEST
from shipways.model.step import Inputs, Spec, Work
from shipways.pack.manifests import read_manifest
from shipways.ports import Inbox, World


@dataclass(frozen=True, slots=True, kw_only=True)
class DockerArchive:
    """The archive of one platform. `tags` are the names that Docker gives it."""

    spec: Spec
    variant: Variant
    tags: tuple[str, ...]
    epoch: int

    def inputs(self, inbox: Inbox) -> Inputs:
        """The manifest, which has the layers in their order, and the tags."""
        return Inputs(
            recipe="images/docker 2",
            values={
                "name": self.spec.outputs[0],
                "tags": self.tags,
                "epoch": self.epoch,
                "varies": varies(inbox),
            },
            artifacts=(_own(inbox, self.variant, MANIFEST),),
        )

    async def run(self, world: World, inbox: Inbox) -> tuple[Output, ...]:
        """Write it: Docker Image Specification v1.2, "Combined Image JSON + Filesystem Changeset Format"."""
        config, told = _own(inbox, self.variant, CONFIG), _own(inbox, self.variant, MANIFEST)
        _, layers = read_manifest(self.variant.manifest_step, world.files.read(inbox.path(told)))
        blobs = {artifact.digest: artifact for artifact in inbox.artifacts()}
        paths = [f"{_hex(blobs[layer.digest])}.tar.gz" for layer in layers]
        manifest = canonical([{"Config": f"{_hex(config)}.json", "RepoTags": self.tags, "Layers": paths}])
        tree = {
            path: Entry(mode=0o644, content=inbox.path(blobs[layer.digest]))
            for path, layer in zip(paths, layers, strict=True)
        }
        tree[f"{_hex(config)}.json"] = Entry(mode=0o644, content=inbox.path(config))
        tree["manifest.json"] = Entry(mode=0o644, content=manifest)
        name = self.spec.outputs[0]
        await to_thread.run_sync(self._write, world, inbox, tree)
        return (Output(name=name, kind=Kind.FILE, path=inbox.scratch / name, varies=varies(inbox)),)

    def _write(self, world: World, inbox: Inbox, tree: Mapping[str, Entry]) -> None:
        with world.files.create(inbox.scratch / self.spec.outputs[0]) as stream:
            write_tar(stream, tree, self.epoch, world.files.open)


def plan(config: Config, facts: Facts) -> Iterator[DockerArchive]:
    """A step for each platform of each image that wants one."""
    for variant in variants(config, facts):
        table = variant.table
        if table.docker_archive:
            version = facts.version(table.package).number
            platform = variant.platform.replace("/", "-")
            yield DockerArchive(
                spec=Spec(
                    id=f"{variant.manifest_step}/docker",
                    work=Work.PACK,
                    outputs=(f"{variant.name}-{version}-{platform}.docker.tar",),
                    needs=tuple(dict.fromkeys((variant.manifest_step, *variant.layer_steps))),
                    package=table.package,
                    target=variant.target,
                ),
                variant=variant,
                tags=tuple(_tags(variant.name, table, version)),
                epoch=facts.git.epoch,
            )


def _tags(name: str, table: Image, version: str) -> Iterator[str]:
    for repository in table.repositories or (name,):
        yield f"{repository}:{image_tag(version)}"


def _own(inbox: Inbox, variant: Variant, media_type: str) -> Artifact:
    """The image's own config or manifest; the base's config has the same media type, and comes from another step."""
    return next(a for a in inbox.artifacts() if a.step == variant.manifest_step and a.blob.media_type == media_type)


def _hex(artifact: Artifact) -> str:
    return artifact.digest.removeprefix("sha256:")
