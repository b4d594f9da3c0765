"""The image of one platform: its config and its manifest over the base's layers and our own."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from anyio import to_thread

from shipways.config.schema import Config
from shipways.errors import BuildError, Problem
from shipways.images.budget import check_budget
from shipways.images.layer import PROGRAMS
from shipways.images.measure import Contents, measure_artifact
from shipways.images.runtime import BaseConfig, about, execution, history, read_config, timestamp
from shipways.images.variants import Variant, assembled, base_step, varies
from shipways.model.artifact import Artifact, Kind, Output
from shipways.model.digest import Json, canonical, digest_bytes
from shipways.model.facts import Facts
from shipways.model.oci import CONFIG, MANIFEST, Descriptor, blob_path
from shipways.model.step import Inputs, Spec
from shipways.ports import Inbox, World

_TABLE: Final = {
    *("user", "workdir", "ports", "volumes", "env", "entrypoint"),
    *("command", "labels", "healthcheck", "budget", "base"),
}
"""The keys of the image's table that its config, or the check of it, depends on."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PlatformImage:
    """Config and manifest of one platform. `said` are its annotations, `program` the default entrypoint."""

    spec: Spec
    variant: Variant
    program: str
    said: tuple[tuple[str, str], ...]
    epoch: int

    def inputs(self, inbox: Inbox) -> Inputs:
        """The layers, the base's config, and what the table says."""
        return Inputs(
            recipe="images/image 1",
            values={
                "table": self.variant.table.model_dump(mode="json", include=_TABLE),
                "platform": self.variant.platform,
                "program": self.program,
                "said": dict(self.said),
                "epoch": self.epoch,
                "layers": [layer.digest for layer in self.variant.layers(inbox)],
                "varies": varies(inbox),
            },
            artifacts=inbox.artifacts(),
        )

    async def run(self, world: World, inbox: Inbox) -> tuple[Output, ...]:
        """Read the layers, check them, write both. Raises BuildError for an image that is too big or would break."""
        layers = self.variant.layers(inbox)
        contents = [await to_thread.run_sync(measure_artifact, world, inbox, layer) for layer in layers]
        base = self._base(world, inbox)
        self._check(base, contents)
        config = canonical(self._config(base, contents))
        described = Descriptor(media_type=CONFIG, digest=digest_bytes(config), size=len(config))
        manifest: Json = {
            "schemaVersion": 2,
            "mediaType": MANIFEST,
            "config": described.record(),
            "layers": [_descriptor(layer).record() for layer in layers],
            "annotations": dict(self.said),
        }
        written = ((CONFIG, config), (MANIFEST, canonical(manifest)))
        return tuple(blob(world, inbox, media_type, data) for media_type, data in written)

    def _base(self, world: World, inbox: Inbox) -> BaseConfig:
        if self.variant.base is None:
            return BaseConfig()
        wanted = self.variant.base.config.digest
        artifact = next(artifact for artifact in inbox.artifacts() if artifact.digest == wanted)
        return read_config(world.files.read(inbox.path(artifact)), self.variant.table.base)

    def _config(self, base: BaseConfig, contents: Sequence[Contents]) -> Json:
        table, created = self.variant.table, timestamp(self.epoch)
        return {
            "created": created,
            "architecture": self.variant.target.goarch,
            "os": self.variant.target.goos,
            "config": execution(table, base, dict(self.said), self.program),
            "rootfs": {"type": "layers", "diff_ids": [layer.diff_id for layer in contents]},
            "history": history(base, table.base, created),
        }

    def _check(self, base: BaseConfig, contents: Sequence[Contents]) -> None:
        name, table = self.variant.name, self.variant.table
        if tuple(layer.diff_id for layer in contents[:-1]) != base.rootfs.diff_ids:
            raise BuildError(
                Problem(path=f"image.{name}.base", what=f"the layers of {table.base} are not those its config names")
            )
        check_budget(self.variant, contents, below=len(contents) - 1)


def plan(config: Config, facts: Facts) -> Iterator[PlatformImage]:
    """A step for each platform of each image."""
    for variant in assembled(config, facts):
        package = variant.table.package
        program = (config.package[package].binaries or (package,))[0]
        fetched = (base_step(variant.name, variant.base.config),) if variant.base else ()
        yield PlatformImage(
            spec=variant.spec(variant.manifest_step, (*fetched, *variant.base_steps, variant.layer_step)),
            variant=variant,
            program=f"/{PROGRAMS}/{program}",
            said=tuple(sorted(about(config, facts, variant.name).items())),
            epoch=facts.git.epoch,
        )


def blob(world: World, inbox: Inbox, media_type: str, data: bytes, varying: str = "") -> Output:
    """Write a small blob into the scratch folder; `varying` is why it may differ, besides what it is made of."""
    digest = digest_bytes(data)
    path = inbox.scratch / digest.removeprefix("sha256:")
    with world.files.create(path) as stream:
        stream.write(data)
    return Output(
        name=blob_path(digest), kind=Kind.BLOB, path=path, media_type=media_type, varies=varying or varies(inbox)
    )


def _descriptor(artifact: Artifact) -> Descriptor:
    return Descriptor(media_type=artifact.blob.media_type, digest=artifact.digest, size=artifact.blob.size)
