"""The nouns of container images: descriptors, media types, names.

Sources: OCI image-spec 1.1 (descriptor.md, media-types.md), distribution's reference grammar.
"""

import re
from dataclasses import dataclass, replace
from typing import Final

from shipways.model.digest import Json

INDEX: Final = "application/vnd.oci.image.index.v1+json"
MANIFEST: Final = "application/vnd.oci.image.manifest.v1+json"
CONFIG: Final = "application/vnd.oci.image.config.v1+json"
LAYOUT: Final = "application/vnd.oci.layout.header.v1+json"
LAYER: Final = "application/vnd.oci.image.layer.v1.tar"
LAYER_GZIP: Final = "application/vnd.oci.image.layer.v1.tar+gzip"
LAYER_ZSTD: Final = "application/vnd.oci.image.layer.v1.tar+zstd"

DOCKER_HUB: Final = "docker.io"
_NAME: Final = r"[a-z0-9]+(?:(?:\.|_{1,2}|-+)[a-z0-9]+)*"
_HOST: Final = (
    r"(?:localhost|(?=[^/]*[.:])(?:[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?|\[[0-9a-fA-F:]+\]))(?::\d{1,5})?"
)
_REFERENCE: Final = re.compile(
    rf"(?:(?P<host>{_HOST})/)?(?P<repository>{_NAME}(?:/{_NAME})*)"
    r"(?::(?P<tag>[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}))?(?:@(?P<digest>sha256:[0-9a-f]{64}))?"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Descriptor:
    """A blob as an image names it: media type, digest, size in bytes (image-spec, descriptor.md)."""

    media_type: str
    digest: str
    size: int

    def record(self) -> dict[str, Json]:
        """The JSON object of the specification."""
        return {"mediaType": self.media_type, "digest": self.digest, "size": self.size}


@dataclass(frozen=True, slots=True, kw_only=True)
class Reference:
    """The full meaning of an image name: `debian` is `docker.io`, `library/debian`, `latest`."""

    host: str
    repository: str
    tag: str
    digest: str

    @property
    def version(self) -> str:
        """What asks a registry for it: the digest, else the tag."""
        return self.digest or self.tag

    @property
    def text(self) -> str:
        """The name with nothing left out: HOST/REPOSITORY@DIGEST, or with :TAG where there is no digest."""
        return f"{self.host}/{self.repository}" + (f"@{self.digest}" if self.digest else f":{self.tag}")


def parse_reference(text: str) -> Reference:
    """The parts of an image name. Raises ValueError for what is none."""
    match = _REFERENCE.fullmatch(text)
    if match is None or len(text) > 255:
        raise ValueError("expected the name of an image, such as debian:12-slim or ghcr.io/owner/name@sha256:…")
    host = match["host"] or DOCKER_HUB
    host = DOCKER_HUB if host == "index.docker.io" else host
    repository = match["repository"]
    if host == DOCKER_HUB and "/" not in repository:
        repository = f"library/{repository}"
    return Reference(host=host, repository=repository, tag=match["tag"] or "latest", digest=match["digest"] or "")


def mirrored(reference: Reference, mirror: str) -> Reference:
    """Where an image is asked for: one of docker.io at the mirror HOST[:PORT][/PREFIX], if there is one."""
    if not mirror or reference.host != DOCKER_HUB:
        return reference
    host, _, prefix = mirror.partition("/")
    return replace(reference, host=host, repository=f"{prefix}/{reference.repository}".lstrip("/"))


def blob_path(digest: str) -> str:
    """Where a blob lies in an image layout (image-spec, image-layout.md)."""
    return "blobs/" + digest.replace(":", "/", 1)
