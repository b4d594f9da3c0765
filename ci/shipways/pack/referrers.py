"""What is attached to an image: manifests with a subject, and lists of them (OCI image-spec 1.1, manifest.md)."""

import json
from collections.abc import Sequence
from contextlib import suppress
from typing import Any, Final

from shipways.model.digest import Json, canonical, digest_bytes
from shipways.model.oci import INDEX, MANIFEST, Descriptor

EMPTY_DATA: Final = b"{}"
EMPTY: Final = Descriptor(
    media_type="application/vnd.oci.empty.v1+json", digest=digest_bytes(EMPTY_DATA), size=len(EMPTY_DATA)
)
"""What stands where a manifest needs a config and has none ("Guidance for an Empty Descriptor")."""
_TITLE: Final = "org.opencontainers.image.title"
_VERSION: Final = "org.opencontainers.image.version"


def referrer(subject: Descriptor, blob: Descriptor, title: str) -> bytes:
    """The manifest that attaches a file to a subject. Its kind is the media type of the file."""
    layer: Json = {**blob.record(), "annotations": {_TITLE: title}}
    return canonical(
        {
            "schemaVersion": 2,
            "mediaType": MANIFEST,
            "artifactType": blob.media_type,
            "config": EMPTY.record(),
            "layers": [layer],
            "subject": subject.record(),
        }
    )


def fallback_tag(subject: str) -> str:
    """The tag whose index lists what is attached, where a registry has no list of its own."""
    return subject.replace(":", "-", 1)


def listed(data: bytes, kind: str = "") -> tuple[str, ...]:
    """The digests in a list, perhaps only of one kind; of what is no list, none."""
    return tuple(
        str(entry.get("digest", "")) for entry in _entries(data) if kind in ("", entry.get("artifactType", ""))
    )


def titled(manifest: bytes) -> tuple[tuple[str, str], ...]:
    """The title and the digest of each file that a manifest attaches."""
    layers = _object(manifest).get("layers")
    entries = [entry for entry in layers if isinstance(entry, dict)] if isinstance(layers, list) else []
    return tuple(
        (str((entry.get("annotations") or {}).get(_TITLE, "")), str(entry.get("digest", ""))) for entry in entries
    )


def relisted(data: bytes, manifest: bytes, artifact_type: str) -> bytes:
    """A list with one more manifest; an empty one is begun."""
    own = Descriptor(media_type=MANIFEST, digest=digest_bytes(manifest), size=len(manifest))
    others = [entry for entry in _entries(data) if entry.get("digest") != own.digest]
    manifests: Sequence[Json] = [*others, {**own.record(), "artifactType": artifact_type}]
    return canonical({"schemaVersion": 2, "mediaType": INDEX, "manifests": manifests})


def media_type(data: bytes) -> str:
    """What a manifest or index says it is; an OCI index when it does not."""
    return str(_object(data).get("mediaType", INDEX))


def version_in(data: bytes) -> str:
    """The version that the annotations of an index or manifest tell; empty when they do not."""
    said = _object(data).get("annotations")
    return str(said.get(_VERSION, "")) if isinstance(said, dict) else ""


def _entries(data: bytes) -> list[dict[str, Any]]:
    found = _object(data).get("manifests")
    return [entry for entry in found if isinstance(entry, dict)] if isinstance(found, list) else []


def _object(data: bytes) -> dict[str, Any]:
    with suppress(ValueError):
        said = json.loads(data)
        return said if isinstance(said, dict) else {}
    return {}
