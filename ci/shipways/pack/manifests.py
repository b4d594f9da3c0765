"""Reads indexes and manifests of images, in OCI's and in Docker's words for the same thing."""

from collections.abc import Mapping
from typing import Annotated, Final, TypeVar

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError

from shipways.errors import BuildError, Problem
from shipways.model.oci import CONFIG, INDEX, LAYER, LAYER_GZIP, LAYER_ZSTD, MANIFEST, Descriptor

_DOCKER: Final = "application/vnd.docker."
_SAME: Final[Mapping[str, str]] = {
    f"{_DOCKER}distribution.manifest.list.v2+json": INDEX,
    f"{_DOCKER}distribution.manifest.v2+json": MANIFEST,
    f"{_DOCKER}container.image.v1+json": CONFIG,
    f"{_DOCKER}image.rootfs.diff.tar": LAYER,
    f"{_DOCKER}image.rootfs.diff.tar.gzip": LAYER_GZIP,
    f"{_DOCKER}image.rootfs.diff.tar.zstd": LAYER_ZSTD,
}
"""Media types of Docker's image manifest version 2, schema 2, and what OCI calls the same bytes."""
_LAYERS: Final = {LAYER, LAYER_GZIP, LAYER_ZSTD}
ACCEPTED: Final = ", ".join((INDEX, MANIFEST, *list(_SAME)[:2]))
"""For the Accept header: every kind that these functions read."""
PLATFORMS: Final = ("linux/amd64", "linux/arm64")
_T = TypeVar("_T", bound=BaseModel)


class _Read(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore", defer_build=True)


class _Platform(_Read):
    architecture: str = ""
    os: str = ""

    def __str__(self) -> str:
        return f"{self.os}/{self.architecture}"


class _Descriptor(_Read):
    media_type: str = Field(alias="mediaType")
    digest: Annotated[str, StringConstraints(pattern=r"^sha256:[0-9a-f]{64}$")]
    size: Annotated[int, Field(ge=0)]
    platform: _Platform = Field(default_factory=_Platform)

    def value(self) -> Descriptor:
        kind = _SAME.get(self.media_type, self.media_type)
        return Descriptor(media_type=kind, digest=self.digest, size=self.size)


class _Document(_Read):
    manifests: tuple[_Descriptor, ...] | None = None
    config: _Descriptor | None = None
    layers: tuple[_Descriptor, ...] = ()


def read_index(name: str, data: bytes) -> dict[str, Descriptor] | None:
    """The manifest of each platform that images are made for; None for what is no index.

    Raises BuildError for what is no JSON of the specification (image-spec, image-index.md).
    """
    document = _document(name, data)
    if document.manifests is None:
        return None
    found: dict[str, Descriptor] = {}
    for entry in document.manifests:
        found.setdefault(str(entry.platform), entry.value())
    return {platform: found[platform] for platform in PLATFORMS if platform in found}


def read_manifest(name: str, data: bytes) -> tuple[Descriptor, tuple[Descriptor, ...]]:
    """The config and the layers, lowest first. Raises BuildError for layers of an unknown kind (manifest.md)."""
    document = _document(name, data)
    layers = tuple(layer.value() for layer in document.layers)
    unknown = sorted({layer.media_type for layer in layers} - _LAYERS)
    if document.config is None or unknown:
        why = f"it has layers of type {', '.join(unknown)}" if unknown else "it has no config"
        raise BuildError(Problem(path=name, what="is no image that can be built upon", why=why))
    return document.config.value(), layers


def read_platform(name: str, data: bytes) -> str:
    """`os/architecture` of an image config (config.md). Raises BuildError for what is none."""
    return str(_parsed(_Platform, name, data))


def _document(name: str, data: bytes) -> _Document:
    return _parsed(_Document, name, data)


def _parsed(kind: type[_T], name: str, data: bytes) -> _T:
    try:
        return kind.model_validate_json(data)
    except ValidationError as error:
        why = str(error).splitlines()[0]
        raise BuildError(
            Problem(path=name, what="is described by something that is no JSON of the image specification", why=why)
        ) from None
