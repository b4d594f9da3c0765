"""Digests, because everything here is named by what it contains.

A digest is written as in OCI image-spec, descriptor.md, "Digests": `sha256:` and 64 lower-case hex digits.
"""

import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from typing import Final, TypeAlias

_WRITTEN: Final = re.compile(r"sha256:[0-9a-f]{64}")

Json: TypeAlias = str | int | bool | Sequence["Json"] | Mapping[str, "Json"] | None


def canonical(value: Json) -> bytes:
    """The one JSON text of a value: sorted keys, no spaces, UTF-8; a file name that is not keeps its own bytes."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode(errors="surrogateescape")


def digest_of(value: Json) -> str:
    """The digest of a value's canonical JSON."""
    return digest_bytes(canonical(value))


def digest_bytes(data: bytes) -> str:
    """The digest of bytes in memory."""
    return "sha256:" + hashlib.sha256(data).hexdigest()


def short(digest: str) -> str:
    """The first twelve hex digits, for people."""
    return digest.removeprefix("sha256:")[:12]


def shortened(text: str) -> str:
    """The text with every digest in it as people read it."""
    return _WRITTEN.sub(lambda found: short(found[0]), text)
