"""dist/manifest.json as text, and back."""

import functools
import json
import re
from collections import Counter
from collections.abc import Iterator
from typing import Final

from pydantic import TypeAdapter, ValidationError

from shipways.errors import ConfigError, Conflict, Problem
from shipways.model.digest import digest_bytes
from shipways.model.manifest import Manifest

FILE_NAME: Final = "manifest.json"
LEDGER: Final = "ledger.jsonl"
REHEARSAL: Final = "rehearsal.json"
REPORT: Final = "report.html"
RECORDS: Final = frozenset({FILE_NAME, LEDGER, REHEARSAL, REPORT})
"""What a run writes into dist/ itself."""
DIGEST: Final = re.compile(r"sha256:[0-9a-f]{64}")


@functools.cache
def _adapter() -> TypeAdapter[Manifest]:
    """Built when first used: a plan reads no manifest."""
    return TypeAdapter(Manifest)


def manifest_text(manifest: Manifest) -> str:
    """The one JSON text of a manifest."""
    return (
        json.dumps(_adapter().dump_python(manifest, mode="json", exclude_defaults=True), indent=2, ensure_ascii=False)
        + "\n"
    )


def manifest_digest(manifest: Manifest) -> str:
    """The digest of that text."""
    return digest_bytes(manifest_text(manifest).encode())


def parse_manifest(data: bytes) -> Manifest:
    """The manifest in a file. Raises ConfigError for a file that is none."""
    try:
        return _adapter().validate_json(data)
    except ValidationError as error:
        reason = error.errors()[0]["msg"]
        raise ConfigError(
            Problem(path=FILE_NAME, what="is not a manifest of this shipways", why=reason, hint="make the release anew")
        ) from None


def read_sealed(data: bytes, *, project: str, tag: str) -> Manifest:
    """The manifest of a tag that comes from outside. Raises Conflict for one that is not, or that nobody may follow."""
    try:
        manifest = parse_manifest(data)
    except ConfigError as error:
        raise Conflict(*error.problems) from None
    if problems := tuple(_wrong(manifest, data, project, tag)):
        raise Conflict(*problems)
    return manifest


def _wrong(manifest: Manifest, data: bytes, project: str, tag: str) -> Iterator[Problem]:
    if manifest_text(manifest).encode() != data:
        hint = f"use shipways {manifest.shipways}"
        yield Problem(path=FILE_NAME, what="says more than this shipways understands, or says it otherwise", hint=hint)
    if manifest.project != project:
        yield Problem(path=FILE_NAME, what=f"is that of {manifest.project}, not of {project}")
    tags = sorted({package.tag for package in manifest.packages})
    if tag not in tags:
        yield Problem(path=FILE_NAME, what=f"is that of {', '.join(tags)}, not of {tag}")
    paths = Counter(entry.path for entry in manifest.artifacts)
    for entry in manifest.artifacts:
        parts = entry.path.split("/")
        if "\\" in entry.path or "\0" in entry.path or {"", ".", ".."} & set(parts) or entry.path in RECORDS:
            yield Problem(path=FILE_NAME, what=f"has the path {entry.path!r}, which cannot be that of an artifact")
        if not DIGEST.fullmatch(entry.digest):
            yield Problem(path=FILE_NAME, what=f"has no digest of {entry.path}")
        if paths[entry.path] > 1:
            yield Problem(path=FILE_NAME, what=f"has {entry.path} more than once")
