"""The image of one platform from a Dockerfile: the engine's layers, under a config and a manifest of our own."""

import hashlib
import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from anyio import to_thread

from shipways.config.dockerfile import unpinned
from shipways.config.schema import Config
from shipways.errors import BuildError, ConfigError, Problem
from shipways.images.budget import check_budget
from shipways.images.image import blob
from shipways.images.layout import Layout, opened
from shipways.images.measure import Contents, measure, unpacked
from shipways.images.recipe import recipe
from shipways.images.rootfs import Cancellable
from shipways.images.runtime import BaseConfig, about, read_config, timestamp
from shipways.images.variants import Variant, variants_of
from shipways.model.artifact import Kind, Output
from shipways.model.digest import Json, canonical, digest_bytes
from shipways.model.facts import Facts
from shipways.model.image import ImageBuild
from shipways.model.oci import CONFIG, LAYER_GZIP, MANIFEST, Descriptor, blob_path
from shipways.model.plan import Skip
from shipways.model.step import Inputs, Spec, Work
from shipways.pack.compress import PackedWriter
from shipways.pack.compress import recipe as packing
from shipways.pack.restamp import restamp
from shipways.pack.tarwriter import Sink
from shipways.ports import Inbox, World


@dataclass(frozen=True, slots=True, kw_only=True)
class BuiltImage:
    """Layers, config and manifest of one platform.

    `kept` are the layers of its bases, with the base's name: they stay as they are. `said` are its annotations,
    `varying` is why its own layers may differ between two builds.
    """

    spec: Spec
    variant: Variant
    build: ImageBuild
    kept: tuple[tuple[str, str], ...]
    said: tuple[tuple[str, str], ...]
    varying: str
    epoch: int

    def inputs(self, inbox: Inbox) -> Inputs:  # noqa: ARG002 - it needs no step
        """The build, and what becomes of it."""
        return Inputs(
            recipe=f"images/dockerfile 1, {packing('gzip')}",
            values={
                "build": self.build.record(),
                "table": self.variant.table.model_dump(mode="json", include={"labels", "budget"}),
                "said": dict(self.said),
                "varies": self.varying,
                "epoch": self.epoch,
            },
        )

    async def run(self, world: World, inbox: Inbox) -> tuple[Output, ...]:
        """Build it, then take it apart and together. Raises BuildError for an image that is too big, or not the one."""
        archive = await world.engine.image(self.build, inbox)
        return await to_thread.run_sync(self._taken, world, inbox, archive)

    def _taken(self, world: World, inbox: Inbox, archive: Path) -> tuple[Output, ...]:
        with world.files.open(archive) as stream, opened(stream, self.spec.id) as layout:
            config, blobs = layout.image(self.variant.platform)
            base = read_config(config, self.spec.id)
            layers = [self._layer(layout, each, world, inbox) for each in blobs]
        told = tuple(layer.contents.diff_id for layer in layers)
        if told != base.rootfs.diff_ids:
            raise BuildError(Problem(path=self.spec.id, what="the layers of the engine are not those its config names"))
        below = sum(layer.blob.digest in dict(self.kept) for layer in layers)
        check_budget(self.variant, [layer.contents for layer in layers], below)
        data = canonical(self._config(config, base, layers))
        described = Descriptor(media_type=CONFIG, digest=digest_bytes(data), size=len(data))
        manifest: Json = {
            "schemaVersion": 2,
            "mediaType": MANIFEST,
            "config": described.record(),
            "layers": [layer.blob.record() for layer in layers],
            "annotations": dict(self.said),
        }
        return (
            *{layer.blob.digest: self._output(layer) for layer in layers}.values(),
            blob(world, inbox, CONFIG, data, self.varying),
            blob(world, inbox, MANIFEST, canonical(manifest), self.varying),
        )

    def _layer(self, layout: Layout, found: Descriptor, world: World, inbox: Inbox) -> "_Layer":
        """A base's layer as it is, or one of the Dockerfile, with the commit's time on all files where that is all that
        differs between two builds. What RUN lines make keeps its times, which caches such as Python's look at."""
        place = inbox.scratch / found.digest.removeprefix("sha256:")
        with world.files.create(place) as sink:
            layout.copy(found, Cancellable(sink))
        with world.files.open(place) as stream:
            contents = measure(stream, found.media_type, inbox.scratch)
        if self.varying or found.digest in dict(self.kept):
            return _Layer(blob=found, path=place, contents=contents, diff_id=contents.diff_id)
        own = place.with_suffix(".own")
        with (
            world.files.open(place) as packed,
            unpacked(packed, found.media_type, inbox.scratch) as tar,
            world.files.create(own) as sink,
            PackedWriter("gzip", sink) as packing_,
        ):
            hashed = _Hashed(packing_)
            restamp(tar, Cancellable(hashed), self.epoch)
        world.files.remove(place)
        written = Descriptor(media_type=LAYER_GZIP, digest=world.files.digest(own), size=own.stat().st_size)
        return _Layer(blob=written, path=own, contents=contents, diff_id=f"sha256:{hashed.sha256.hexdigest()}")

    def _output(self, layer: "_Layer") -> Output:
        return Output(
            name=blob_path(layer.blob.digest),
            kind=Kind.BLOB,
            path=layer.path,
            media_type=layer.blob.media_type,
            varies="" if layer.blob.digest in dict(self.kept) else self.varying,
        )

    def _config(self, data: bytes, base: BaseConfig, layers: Sequence["_Layer"]) -> Json:
        """What the Dockerfile says of how it runs; the engine adds the hour, and loses the history of the base."""
        run = json.loads(data).get("config") or {}
        labels = {**(base.execution.labels or {}), **dict(self.said), **self.variant.table.labels}
        created = timestamp(self.epoch)
        return {
            "created": created,
            "architecture": self.variant.target.goarch,
            "os": self.variant.target.goos,
            "config": {**run, "Labels": labels},
            "rootfs": {"type": "layers", "diff_ids": [layer.diff_id for layer in layers]},
            "history": [{"created": created, "created_by": line} for line in self._history(base, layers)],
        }

    def _history(self, base: BaseConfig, layers: Sequence["_Layer"]) -> Iterator[str]:
        """The instruction of each layer, without the digests and the mirror that were put into it."""
        lines = [entry.created_by or "" for entry in base.history if not entry.empty_layer]
        for layer, line in zip(layers, lines if len(lines) == len(layers) else [""] * len(layers), strict=True):
            told = line or self.build.dockerfile
            for name, digest in self.build.bases:
                told = re.sub(rf"[^\s=,]+@{digest}", name, told)
            below = dict(self.kept).get(layer.blob.digest)
            yield f"base {below}" if below else told


@dataclass(frozen=True, slots=True, kw_only=True)
class _Layer:
    """A layer as it goes into the image; `contents` are those that the engine gave."""

    blob: Descriptor
    path: Path
    contents: Contents
    diff_id: str


class _Hashed:
    """A sink that knows the digest of what went through it."""

    def __init__(self, sink: Sink) -> None:
        self._sink = sink
        self.sha256 = hashlib.sha256()

    def write(self, data: bytes) -> int:
        self.sha256.update(data)
        return self._sink.write(data)


_REASON: Final = "built by a Dockerfile with"


def plan(config: Config, facts: Facts) -> Iterator[BuiltImage | Skip]:
    """A step for each platform of each image with a Dockerfile, or a skip for the image. Raises ConfigError."""
    found = {name: recipe(config, facts, name) for name, table in config.image.items() if table.dockerfile}
    if problems := dict.fromkeys(problem for each in found.values() for problem in each.problems):
        raise ConfigError(*problems)
    for name, each in found.items():
        if each.skip:
            yield each.skip
        for variant, build in zip(variants_of(config, facts, name), each.builds, strict=True):
            reasons = ", ".join(unpinned(build.text))
            yield BuiltImage(
                spec=replace(variant.spec(variant.manifest_step, ()), work=Work.COMPILE),
                variant=variant,
                build=build,
                kept=tuple(_layers_below(build, facts)),
                said=tuple(sorted(about(config, facts, name).items())),
                varying=f"{_REASON} {reasons}" if reasons else "",
                epoch=facts.git.epoch,
            )


def _layers_below(build: ImageBuild, facts: Facts) -> Iterator[tuple[str, str]]:
    for name, _ in build.bases:
        locked = facts.lock.image(name)
        for platform in locked.platforms if locked else ():
            yield from ((layer.digest, name) for layer in platform.layers)
