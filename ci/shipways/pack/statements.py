"""What is said of how a release was made: an in-toto Statement v1 with SLSA Provenance v1, in a DSSE envelope."""

import base64
import binascii
import json
from collections.abc import Sequence
from typing import Any, Final

from shipways.config.manifestfile import FILE_NAME, manifest_digest
from shipways.model.digest import Json, canonical, digest_of
from shipways.model.manifest import Manifest
from shipways.model.names import forge_url

PAYLOAD: Final = "application/vnd.in-toto+json"
_STATEMENT: Final = "https://in-toto.io/Statement/v1"
_PROVENANCE: Final = "https://slsa.dev/provenance/v1"
_BUILDER: Final = forge_url("shipways/shipways")
_MAKE: Final = f"{_BUILDER}/make/v1"
"""The URI of what `shipways` does to make a release, and so of what the parameters below mean."""


def provenance(manifest: Manifest, repository: str) -> bytes:
    """The statement about every artifact of a manifest; `repository` is OWNER/NAME of its sources, or empty.

    It says nothing of the machine: who has signed it vouches for that.
    """
    source: dict[str, Json] = {"digest": {"gitCommit": manifest.commit}}
    if repository:
        source["uri"] = f"git+{forge_url(repository)}"
    packages: Sequence[Json] = [
        {"name": package.name, "version": package.version, "tag": package.tag} for package in manifest.packages
    ]
    return canonical(
        {
            "_type": _STATEMENT,
            "subject": _subjects(manifest),
            "predicateType": _PROVENANCE,
            "predicate": {
                "buildDefinition": {
                    "buildType": _MAKE,
                    "externalParameters": {"project": manifest.project, "packages": packages},
                    "internalParameters": {"makeDigest": manifest.make_digest},
                    "resolvedDependencies": [source],
                },
                "runDetails": {
                    "builder": {"id": _BUILDER, "version": {"shipways": manifest.shipways}},
                    "byproducts": [{"name": FILE_NAME, "digest": _digest_set(manifest_digest(manifest))}],
                },
            },
        }
    )


def subjects_digest(manifest: Manifest) -> str:
    """What a provenance of this manifest is about, as `stated_digest` tells it."""
    return digest_of(_subjects(manifest))


def stated_digest(statement: bytes) -> str:
    """What a provenance is about. Raises ValueError for what is none."""
    said = _table(statement)
    if said.get("_type") != _STATEMENT or said.get("predicateType") != _PROVENANCE:
        raise ValueError("is no provenance")
    return digest_of(said.get("subject"))


def claimed_tags(bundle: bytes) -> tuple[str, ...]:
    """The tags that a bundle of sigstore says it is the provenance of, in our words, whoever has signed it."""
    try:
        statement, _ = opened(canonical(_table(bundle)["dsseEnvelope"]))
        definition = _table(statement)["predicate"]["buildDefinition"]
        if definition["buildType"] != _MAKE:
            return ()
        return tuple(package["tag"] for package in definition["externalParameters"]["packages"])
    except (ValueError, KeyError, TypeError):
        return ()


def to_sign(payload: bytes, kind: str = PAYLOAD) -> bytes:
    """What is signed of a payload (DSSE 1.0, protocol.md, "Signature Definition")."""
    return b"DSSEv1 %d %s %d %s" % (len(kind.encode()), kind.encode(), len(payload), payload)


def envelope(payload: bytes, signature: bytes, key: str) -> bytes:
    """A statement with its signature (DSSE 1.0, envelope.md), as a line of JSON."""
    signatures: Sequence[Json] = [{"keyid": key, "sig": base64.b64encode(signature).decode()}]
    said: Json = {
        "payloadType": PAYLOAD,
        "payload": base64.b64encode(payload).decode(),
        "signatures": signatures,
    }
    return canonical(said) + b"\n"


def opened(data: bytes) -> tuple[bytes, tuple[bytes, ...]]:
    """The statement in an envelope, and its signatures. Raises ValueError for what is none."""
    said = _table(data)
    if said.get("payloadType") != PAYLOAD:
        raise ValueError("is no envelope with a statement")
    try:
        signatures = tuple(base64.b64decode(entry["sig"], validate=True) for entry in said["signatures"])
        return base64.b64decode(said["payload"], validate=True), signatures
    except (KeyError, TypeError, binascii.Error):
        raise ValueError("is no envelope with a statement") from None


def _subjects(manifest: Manifest) -> Json:
    return [{"name": entry.path, "digest": _digest_set(entry.digest)} for entry in manifest.artifacts]


def _digest_set(digest: str) -> Json:
    algorithm, _, value = digest.partition(":")
    return {algorithm: value}


def _table(data: bytes) -> dict[str, Any]:
    try:
        said = json.loads(data)
    except ValueError:
        raise ValueError("is not JSON") from None
    if not isinstance(said, dict):
        raise ValueError("is no JSON object")
    return said
