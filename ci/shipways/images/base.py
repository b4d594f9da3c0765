"""Base images: each of their blobs by digest, as shipways.lock names it."""

from collections.abc import Iterator
from dataclasses import dataclass

from shipways.config.schema import Config
from shipways.errors import Problem
from shipways.images.variants import base_step, named, variants_of
from shipways.model.artifact import Kind, Output
from shipways.model.facts import Facts
from shipways.model.names import image_folder, image_step
from shipways.model.oci import Descriptor, blob_path
from shipways.model.plan import Skip
from shipways.model.step import Inputs, Spec, Work
from shipways.ports import Inbox, World


@dataclass(frozen=True, slots=True, kw_only=True)
class Fetch:
    """One blob of a base image: a layer, or the config of a platform."""

    spec: Spec
    name: str
    blob: Descriptor

    def inputs(self, inbox: Inbox) -> Inputs:  # noqa: ARG002 - it needs no step
        """The digest; wherever it came from, the bytes are the same."""
        return Inputs(recipe="images/base 1", values=[self.blob.digest, self.blob.media_type])

    async def run(self, world: World, inbox: Inbox) -> tuple[Output, ...]:
        """Fetch it. Raises Unavailable("image"), or BuildError for other bytes."""
        path = inbox.scratch / "blob"
        await world.images.blob(self.name, self.blob, path)
        return (Output(name=blob_path(self.blob.digest), kind=Kind.BLOB, path=path, media_type=self.blob.media_type),)


def plan(config: Config, facts: Facts) -> Iterator[Fetch | Skip]:
    """A step for each blob of each base, and a skip for what the lock does not have."""
    yield from _unlocked(config, facts)
    for name, table in config.image.items():
        bases = (variant.base for variant in variants_of(config, facts, name) if variant.base)
        blobs = (blob for base in bases for blob in (base.config, *base.layers))
        for blob in {blob.digest: blob for blob in blobs}.values():
            yield Fetch(
                spec=Spec(
                    id=base_step(name, blob),
                    work=Work.FETCH,
                    outputs=(blob_path(blob.digest),),
                    folder=image_folder(name),
                    package=table.package,
                ),
                name=table.base,
                blob=blob,
            )


def _unlocked(config: Config, facts: Facts) -> Iterator[Skip]:
    for name, table in config.image.items():
        for key, locked in named(table, facts.lock):
            path, wanted = f"image.{name}.{key}", getattr(table, key)
            if locked is None:
                yield Skip(id=image_step(name), kind="image", problem=_not_locked(path, wanted))
                continue
            for platform in table.platforms:
                if locked.platform(platform) is None:
                    problem = Problem(
                        path=path,
                        what=f"{wanted} has no {platform}",
                        hint=f"leave it out of image.{name}.platforms, or take another {key}",
                    )
                    yield Skip(id=image_step(name, platform), kind="image", problem=problem)


def _not_locked(path: str, wanted: str) -> Problem:
    return Problem(
        path=path,
        what=f"{wanted} is not locked",
        why="an image is built on a digest, because its name may mean something else tomorrow",
        hint="run `shipways lock`, and commit shipways.lock",
    )
