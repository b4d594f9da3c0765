"""What proofs are called, and how they are written: minisign's files and DSSE envelopes, or bundles of sigstore."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Literal

Signer = Literal["key", "sigstore", "none"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Form:
    """How a signer writes: what the name of a signature ends with, the name of the provenance, their media types."""

    suffix: str
    provenance: str
    signature_type: str
    provenance_type: str


_BUNDLE: Final = "application/vnd.dev.sigstore.bundle.v0.3+json"
FORMS: Final[Mapping[Signer, Form]] = {
    "key": Form(
        suffix=".minisig",
        provenance="provenance.intoto.jsonl",
        signature_type="application/vnd.shipways.minisign",
        provenance_type="application/vnd.dsse.envelope.v1+json",
    ),
    "sigstore": Form(
        suffix=".sigstore.json",
        provenance="provenance.sigstore.json",
        signature_type=_BUNDLE,
        provenance_type=_BUNDLE,
    ),
}
"""Nobody has registered a media type for minisign's files."""
