"""A stand-in of sigstore: a certificate authority (Fulcio) and a log (Rekor) that trust the stand-in of a CI."""

import base64
import hashlib
import json
import secrets
from collections.abc import Callable, Mapping
from typing import Any, Final

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import Prehashed
from cryptography.x509 import Certificate, load_pem_x509_certificate, load_pem_x509_csr
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from shipways.model.digest import Json, canonical
from shipways.pack.statements import opened, to_sign
from shipways.rehearse.authority import Authority, key_id, spki
from shipways.rehearse.identity import GITHUB, Identity
from shipways.rehearse.merkle import leaf_hash, path, root

_START: Final = "2020-01-01T00:00:00Z"
_ORIGIN: Final = "rehearsal.example - 1"


class Sigstore:
    """The application. `identity` is the CI; `entries` are those of the log, in its order."""

    def __init__(self, claims: Mapping[str, str] = GITHUB) -> None:
        self.identity = Identity(claims)
        self.authority = Authority()
        self.entries: list[bytes] = []
        self._key = ec.generate_private_key(ec.SECP256R1())
        routes = [
            *self.identity.routes,
            Route("/api/v2/signingCert", self._certify, methods=["POST"]),
            Route("/api/v1/log/entries", self._log, methods=["POST"]),
        ]
        self.app = Starlette(routes=routes)

    def trust_config(self, url: str) -> str:
        """What a client needs to use it, and to trust it (sigstore's protobuf-specs, ClientTrustConfig)."""
        service = {"url": url, "majorApiVersion": 1, "validFor": {"start": _START}, "operator": "rehearsal.example"}
        chain = [{"rawBytes": _base64(self.authority.der)}]
        return json.dumps(
            {
                "mediaType": "application/vnd.dev.sigstore.clienttrustconfig.v0.1+json",
                "trustedRoot": {
                    "mediaType": "application/vnd.dev.sigstore.trustedroot+json;version=0.1",
                    "tlogs": [_trusted(url, self._key)],
                    "ctlogs": [_trusted(url, self.authority.log)],
                    "certificateAuthorities": [
                        {
                            "subject": {"organization": "rehearsal.example", "commonName": "rehearsal"},
                            "uri": url,
                            "certChain": {"certificates": chain},
                            "validFor": {"start": _START},
                        }
                    ],
                },
                "signingConfig": {
                    "mediaType": "application/vnd.dev.sigstore.signingconfig.v0.2+json",
                    "caUrls": [service],
                    "rekorTlogUrls": [service],
                    "rekorTlogConfig": {"selector": "ANY"},
                },
            }
        )

    async def _certify(self, request: Request) -> Response:
        """Fulcio, fulcio.proto, CreateSigningCertificate: for who is known, and has the key."""
        token = request.headers.get("authorization", "").partition(" ")[2]
        claims = self.identity.read(token)
        if claims is None or claims["aud"] != "sigstore":
            return JSONResponse({"code": 16, "message": "There was an error processing the identity token"}, 401)
        wanted = load_pem_x509_csr(base64.b64decode((await request.json())["certificateSigningRequest"]))
        key = wanted.public_key()
        if not (wanted.is_signature_valid and isinstance(key, ec.EllipticCurvePublicKey)):
            return JSONResponse({"code": 3, "message": "The signature supplied in the request is invalid"}, 400)
        chain = self.authority.issue(key, f"https://forge.example/{claims['job_workflow_ref']}", claims["iss"])
        return JSONResponse({"signedCertificateEmbeddedSct": {"chain": {"certificates": chain}}})

    async def _log(self, request: Request) -> Response:
        """Rekor's OpenAPI, createLogEntry, for the kinds hashedrekord and dsse of version 0.0.1."""
        said = await request.json()
        reader = _KINDS.get(said.get("kind"))
        try:
            spec = reader(said["spec"]) if reader else None
        except (InvalidSignature, ValueError, KeyError):
            spec = None
        if spec is None:
            return JSONResponse({"code": 400, "message": "error processing entry"}, 400)
        self.entries.append(canonical({"apiVersion": "0.0.1", "kind": said["kind"], "spec": spec}))
        return JSONResponse({secrets.token_hex(32): self._entry(len(self.entries) - 1)}, 201)

    def _entry(self, index: int) -> dict[str, Json]:
        """An entry with the promise of the log, and the proof that it is in its tree (RFC 6962, 2.1.1)."""
        leaves = [leaf_hash(entry) for entry in self.entries]
        size, top = len(leaves), root(leaves)
        note = f"{_ORIGIN}\n{size}\n{_base64(top)}\n"
        mark = _base64(key_id(self._key)[:4] + self._signed(note.encode()))
        entry: dict[str, Json] = {
            "body": _base64(self.entries[index]),
            "integratedTime": self.authority.now(),
            "logID": key_id(self._key).hex(),
            "logIndex": index,
        }
        proof: dict[str, Json] = {
            "checkpoint": f"{note}\n— rehearsal.example {mark}\n",
            "hashes": [each.hex() for each in path(index, leaves)],
            "logIndex": index,
            "rootHash": top.hex(),
            "treeSize": size,
        }
        promise = _base64(self._signed(canonical(entry)))
        return {**entry, "verification": {"inclusionProof": proof, "signedEntryTimestamp": promise}}

    def _signed(self, data: bytes) -> bytes:
        return self._key.sign(data, ec.ECDSA(hashes.SHA256()))


def _hashed_rekord(spec: Mapping[str, Any]) -> Json:
    """A signature of a digest."""
    certificate = spec["signature"]["publicKey"]["content"]
    digest = bytes.fromhex(spec["data"]["hash"]["value"])
    signature = base64.b64decode(spec["signature"]["content"])
    _key(certificate).verify(signature, digest, ec.ECDSA(Prehashed(hashes.SHA256())))
    return {
        "data": {"hash": {"algorithm": "sha256", "value": digest.hex()}},
        "signature": {"content": _base64(signature), "publicKey": {"content": certificate}},
    }


def _dsse(spec: Mapping[str, Any]) -> Json:
    """An envelope, of which the log keeps only digests and signatures."""
    envelope = spec["proposedContent"]["envelope"].encode()
    (certificate,) = spec["proposedContent"]["verifiers"]
    payload, signatures = opened(envelope)
    for signature in signatures:
        _key(certificate).verify(signature, to_sign(payload), ec.ECDSA(hashes.SHA256()))
    signed: list[Json] = [{"signature": _base64(each), "verifier": certificate} for each in signatures]
    return {"envelopeHash": _sum(envelope), "payloadHash": _sum(payload), "signatures": signed}


_KINDS: Final[Mapping[str, Callable[[Mapping[str, Any]], Json]]] = {"hashedrekord": _hashed_rekord, "dsse": _dsse}


def _key(pem: str) -> ec.EllipticCurvePublicKey:
    certificate: Certificate = load_pem_x509_certificate(base64.b64decode(pem))
    key = certificate.public_key()
    if not isinstance(key, ec.EllipticCurvePublicKey):
        raise ValueError("is no key of ours")
    return key


def _trusted(url: str, key: ec.EllipticCurvePrivateKey) -> Json:
    """A log that clients know by its key."""
    public: Json = {
        "rawBytes": _base64(spki(key)),
        "keyDetails": "PKIX_ECDSA_P256_SHA_256",
        "validFor": {"start": _START},
    }
    return {"baseUrl": url, "hashAlgorithm": "SHA2_256", "publicKey": public, "logId": {"keyId": _base64(key_id(key))}}


def _sum(data: bytes) -> Json:
    return {"algorithm": "sha256", "value": hashlib.sha256(data).hexdigest()}


def _base64(data: bytes) -> str:
    return base64.b64encode(data).decode()
