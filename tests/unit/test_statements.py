"""What is said of how a release was made, and how that is signed."""

import json
from dataclasses import replace

import pytest

from shipways.config.manifestfile import manifest_digest
from shipways.model.manifest import ArtifactEntry, PackageEntry
from shipways.pack.statements import (
    PAYLOAD,
    envelope,
    opened,
    provenance,
    stated_digest,
    subjects_digest,
    to_sign,
)
from support import sealed

MANIFEST = sealed(
    PackageEntry(name="p", version="1.2.0", tag="v1.2.0"),
    artifacts=(
        ArtifactEntry(path="p.tar.gz", kind="archive", digest=f"sha256:{'a' * 64}", size=1),
        ArtifactEntry(path="images/p/blobs/sha256/b", kind="image", digest=f"sha256:{'b' * 64}", size=1),
    ),
    commit="c" * 40,
)


def test_published_encoding() -> None:
    """The example of the specification (DSSE, protocol.md)."""
    said = to_sign(b"hello world", "http://example.com/HelloWorld")
    assert b"DSSEv1 29 http://example.com/HelloWorld 11 hello world" == said


def test_provenance() -> None:
    """Every artifact is a subject; what was asked for, the sources, the builder and the manifest are named."""
    said = json.loads(provenance(MANIFEST, "example/p"))
    assert ("https://in-toto.io/Statement/v1", "https://slsa.dev/provenance/v1") == (
        said["_type"],
        said["predicateType"],
    )
    assert [
        {"name": "p.tar.gz", "digest": {"sha256": "a" * 64}},
        {"name": "images/p/blobs/sha256/b", "digest": {"sha256": "b" * 64}},
    ] == said["subject"]
    definition, details = said["predicate"]["buildDefinition"], said["predicate"]["runDetails"]
    assert {"project": "p", "packages": [{"name": "p", "version": "1.2.0", "tag": "v1.2.0"}]} == definition[
        "externalParameters"
    ]
    source = {"uri": "git+https://github.com/example/p", "digest": {"gitCommit": "c" * 40}}
    assert [source] == definition["resolvedDependencies"]
    assert {"shipways": MANIFEST.shipways} == details["builder"]["version"]
    manifest = {"sha256": manifest_digest(MANIFEST).removeprefix("sha256:")}
    assert [{"name": "manifest.json", "digest": manifest}] == details["byproducts"]


def test_same_everywhere() -> None:
    """It follows from the manifest alone: made again anywhere, it is the same."""
    assert provenance(MANIFEST, "example/p") == provenance(replace(MANIFEST), "example/p")
    assert "uri" not in json.loads(provenance(MANIFEST, ""))["predicate"]["buildDefinition"]["resolvedDependencies"][0]


def test_what_it_is_about() -> None:
    """Told by its subjects: other words about the same artifacts are about the same."""
    said = json.loads(provenance(MANIFEST, ""))
    said["predicate"]["runDetails"]["builder"]["id"] = "https://builder.example"
    assert subjects_digest(MANIFEST) == stated_digest(json.dumps(said).encode())
    other = replace(MANIFEST, artifacts=MANIFEST.artifacts[:1])
    assert subjects_digest(MANIFEST) != stated_digest(provenance(other, ""))


@pytest.mark.parametrize("key", ["_type", "predicateType"])
def test_other_statements(key: str) -> None:
    """A statement of another kind is no provenance, whatever it is about."""
    said = json.loads(provenance(MANIFEST, "")) | {key: "https://other.example"}
    with pytest.raises(ValueError, match="is no provenance"):
        stated_digest(json.dumps(said).encode())


def test_envelope() -> None:
    """One line of JSON, out of which the statement and its signature come as they were."""
    made = envelope(b"{}", b"signature", "key")
    said = {"payloadType": PAYLOAD, "payload": "e30=", "signatures": [{"keyid": "key", "sig": "c2lnbmF0dXJl"}]}
    assert said == json.loads(made)
    assert (b"{}", (b"signature",)) == opened(made)
    assert made.endswith(b"}\n")


@pytest.mark.parametrize(
    "change",
    [{"payloadType": "text/plain"}, {"signatures": [{}]}, {"signatures": 1}, {"payload": "*"}, {"payload": 1}],
)
def test_no_envelope(change: dict[str, object]) -> None:
    """What is none is told so."""
    with pytest.raises(ValueError, match="is no envelope"):
        opened(json.dumps(json.loads(envelope(b"{}", b"s", "k")) | change).encode())
