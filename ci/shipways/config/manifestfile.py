"""dist/manifest.json as text, and back."""

import json
from typing import Final

from pydantic import TypeAdapter, ValidationError

from shipways.errors import ConfigError, Problem
from shipways.model.digest import digest_bytes
from shipways.model.manifest import Manifest

FILE_NAME: Final = "manifest.json"
_MANIFEST: Final = TypeAdapter(Manifest)


def manifest_text(manifest: Manifest) -> str:
    """The one JSON text of a manifest."""
    return (
        json.dumps(_MANIFEST.dump_python(manifest, mode="json", exclude_defaults=True), indent=2, ensure_ascii=False)
        + "\n"
    )


def manifest_digest(manifest: Manifest) -> str:
    """The digest of that text."""
    return digest_bytes(manifest_text(manifest).encode())


def parse_manifest(data: bytes) -> Manifest:
    """The manifest in a file. Raises ConfigError for a file that is none."""
    try:
        return _MANIFEST.validate_json(data)
    except ValidationError as error:
        reason = error.errors()[0]["msg"]
        raise ConfigError(
            Problem(path=FILE_NAME, what="is not a manifest of this shipways", why=reason, hint="make the release anew")
        ) from None
