"""Image registries in memory."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from shipways.errors import BuildError, ConfigError, Problem, Unavailable
from shipways.model.digest import Json, canonical, digest_bytes
from shipways.model.lock import LockedImage, LockedPlatform
from shipways.model.oci import CONFIG, INDEX, LAYER_GZIP, MANIFEST, Descriptor, parse_reference


@dataclass(frozen=True, slots=True, kw_only=True)
class Content:
    """One platform of an image: its config, and its layers as gzipped tar archives, lowest first."""

    config: bytes
    layers: tuple[bytes, ...]


class MemoryImages:
    """The `Images` port: keeps what was pushed. `reachable` is whether anything answers; `fetched` are digests."""

    def __init__(self) -> None:
        self.reachable = True
        self.fetched: list[str] = []
        self._images: dict[str, LockedImage] = {}
        self._blobs: dict[str, bytes] = {}

    def push(self, name: str, platforms: Mapping[str, Content]) -> LockedImage:
        """Keep an image with these platforms (`linux/amd64` …) under a name, and under its digest."""
        for content in platforms.values():
            for data in (content.config, *content.layers):
                self._blobs[digest_bytes(data)] = data
        digest = digest_bytes(documents(platforms)[-1])
        locked = LockedImage(
            name=name, digest=digest, platforms=tuple(_locked(name, content) for name, content in platforms.items())
        )
        reference = parse_reference(name)
        for version in (reference.tag, digest):
            self._images[f"{reference.host}/{reference.repository}@{version}"] = locked
        return locked

    def spoil(self, digest: str) -> None:
        """Answer with other bytes of the same length from now on."""
        self._blobs[digest] = bytes(len(self._blobs[digest]))

    async def resolve(self, name: str) -> LockedImage:
        """What was pushed under this name last."""
        self._reach(name)
        reference = parse_reference(name)
        found = self._images.get(f"{reference.host}/{reference.repository}@{reference.version}")
        if found is None:
            raise ConfigError(Problem(path=name, what="there is no such image"))
        return LockedImage(name=name, digest=found.digest, platforms=found.platforms)

    async def blob(self, name: str, descriptor: Descriptor, into: Path) -> None:
        """Write a blob into a file and verify it."""
        self._reach(name)
        data = self._blobs.get(descriptor.digest)
        if data is None:
            raise Unavailable("image", Problem(path=name, what=f"has no blob {descriptor.digest}"))
        if digest_bytes(data) != descriptor.digest:
            raise BuildError(Problem(path=name, what=f"expected {descriptor.digest}, got {digest_bytes(data)}"))
        into.write_bytes(data)
        self.fetched.append(descriptor.digest)

    def _reach(self, name: str) -> None:
        if not self.reachable:
            raise Unavailable("image", Problem(path=name, what="cannot be fetched", why="nothing answers"))


def documents(platforms: Mapping[str, Content]) -> tuple[bytes, ...]:
    """The manifests of an image by the OCI image-spec, in the order of its platforms, and last their index."""
    manifests = [_manifest(content) for content in platforms.values()]
    entries: Sequence[Json] = [
        {
            **_described(MANIFEST, data).record(),
            "platform": dict(zip(("os", "architecture"), name.split("/"), strict=True)),
        }
        for name, data in zip(platforms, manifests, strict=True)
    ]
    return (*manifests, canonical({"schemaVersion": 2, "mediaType": INDEX, "manifests": entries}))


def _manifest(content: Content) -> bytes:
    return canonical(
        {
            "schemaVersion": 2,
            "mediaType": MANIFEST,
            "config": _described(CONFIG, content.config).record(),
            "layers": [_described(LAYER_GZIP, layer).record() for layer in content.layers],
        }
    )


def _locked(platform: str, content: Content) -> LockedPlatform:
    return LockedPlatform(
        platform=platform,
        config=_described(CONFIG, content.config),
        layers=tuple(_described(LAYER_GZIP, layer) for layer in content.layers),
    )


def _described(media_type: str, data: bytes) -> Descriptor:
    return Descriptor(media_type=media_type, digest=digest_bytes(data), size=len(data))
