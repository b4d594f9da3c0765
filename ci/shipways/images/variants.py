"""Which platforms an image has: the program's target for each, and the base below it."""

from collections.abc import Iterator
from dataclasses import dataclass

from shipways.config.images import SCRATCH, Image
from shipways.config.schema import Config
from shipways.images.recipe import recipe
from shipways.model.artifact import Artifact
from shipways.model.facts import Facts
from shipways.model.lock import Lock, LockedImage, LockedPlatform
from shipways.model.names import binary_step, image_folder, image_step
from shipways.model.oci import Descriptor
from shipways.model.step import Spec, Work
from shipways.model.target import ALL, BY_TRIPLE, Target
from shipways.ports import Inbox


@dataclass(frozen=True, slots=True, kw_only=True)
class Variant:
    """One platform of one image. `base` is None for scratch, and for a Dockerfile; `tender` where it has none."""

    name: str
    table: Image
    platform: str
    target: Target
    base: LockedPlatform | None
    tender: LockedPlatform | None = None
    others: tuple[str, ...] = ()
    """The steps that build the programs of other packages."""

    @property
    def manifest_step(self) -> str:
        """The step that makes its config and manifest."""
        return image_step(self.name, self.platform)

    @property
    def layer_step(self) -> str:
        """The step that makes its own layer."""
        return f"{self.manifest_step}/layer"

    @property
    def layer_steps(self) -> tuple[str, ...]:
        """The steps whose artifacts are its layers; a Dockerfile gives them with the manifest."""
        return (self.manifest_step,) if self.table.dockerfile else (*self.base_steps, self.layer_step)

    @property
    def binary_steps(self) -> tuple[str, ...]:
        """The steps that build its programs."""
        return (binary_step(self.table.package, self.target.triple), *self.others)

    @property
    def base_steps(self) -> tuple[str, ...]:
        """The steps that bring the base's layers."""
        below = self.base.layers if self.base else ()
        return tuple(dict.fromkeys(base_step(self.name, blob) for blob in below))

    def spec(self, step: str, needs: tuple[str, ...]) -> Spec:
        """The place in the plan of a step that makes blobs of this platform."""
        return Spec(
            id=step,
            work=Work.PACK,
            outputs=("blobs/sha256/*",),
            folder=image_folder(self.name),
            needs=needs,
            package=self.table.package,
            target=self.target,
        )

    def base_layers(self, inbox: Inbox) -> tuple[Artifact, ...]:
        """The base's layers in a step's inbox, lowest first; a base may have the same one twice."""
        by_digest = {artifact.digest: artifact for artifact in inbox.artifacts()}
        return tuple(by_digest[blob.digest] for blob in (self.base.layers if self.base else ()))

    def layers(self, inbox: Inbox) -> tuple[Artifact, ...]:
        """All layers in a step's inbox: the base's, and its own."""
        own = tuple(artifact for artifact in inbox.artifacts() if artifact.step == self.layer_step)
        return (*self.base_layers(inbox), *own)


def variants(config: Config, facts: Facts) -> Iterator[Variant]:
    """Every platform of every image that can be made: its base is scratch or locked, or its Dockerfile can be built."""
    for name in config.image:
        yield from variants_of(config, facts, name)


def assembled(config: Config, facts: Facts) -> Iterator[Variant]:
    """Those that are not built from a Dockerfile."""
    return (variant for variant in variants(config, facts) if not variant.table.dockerfile)


def variants_of(config: Config, facts: Facts, name: str) -> Iterator[Variant]:
    """Those of one image."""
    table = config.image[name]
    if table.dockerfile and not recipe(config, facts, name).builds:
        return
    upon = tuple(locked for _, locked in named(table, facts.lock))
    for platform in dict.fromkeys(table.platforms):
        if all(locked and locked.platform(platform) for locked in upon):
            base, tender = facts.lock.image(table.base), facts.lock.image(table.tender or "")
            yield Variant(
                name=name,
                table=table,
                platform=platform,
                target=_target(config, table.package, platform),
                base=base.platform(platform) if base else None,
                tender=tender.platform(platform) if tender and not table.dockerfile else None,
                others=tuple(binary_step(also, _target(config, also, platform).triple) for also in table.also),
            )


def named(table: Image, lock: Lock) -> tuple[tuple[str, LockedImage | None], ...]:
    """The keys of an image that is assembled here and name others, each with what that is locked to."""
    if table.dockerfile or not table.platforms:
        return ()
    keys = {"base": None if table.base == SCRATCH else table.base, "tender": table.tender}
    return tuple((key, lock.image(name)) for key, name in keys.items() if name)


def base_step(image: str, blob: Descriptor) -> str:
    """The step that fetches a blob of an image's base."""
    return f"{image_step(image)}/base/{blob.digest.removeprefix('sha256:')[:12]}"


def varies(inbox: Inbox) -> str:
    """Why what is made of these artifacts may differ between two builds; empty when it does not."""
    return "; ".join(dict.fromkeys(a.blob.varies for a in inbox.artifacts() if a.blob.varies))


def _target(config: Config, package: str, platform: str) -> Target:
    """The static one where the package is built for it; it runs on every base."""
    triples = tuple(config.package[package].prebuilt.files) or config.targets(package)
    fitting = [target for target in map(BY_TRIPLE.__getitem__, triples) if target.oci == platform]
    other = (target for target in ALL if target.oci == platform and target.libc == "gnu")
    return (
        next((target for target in fitting if target.libc == "musl"), None) or next(iter(fitting), None) or next(other)
    )
