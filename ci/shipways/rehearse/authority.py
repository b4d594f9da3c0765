"""A stand-in of the certificate authority of sigstore: certificates for minutes, each promised by a log of its own."""

import datetime
import hashlib
import struct
import time
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID, ObjectIdentifier

_LIFE: Final = datetime.timedelta(minutes=10)
_PROMISES: Final = ObjectIdentifier("1.3.6.1.4.1.11129.2.4.2")
_ISSUER: Final = ObjectIdentifier("1.3.6.1.4.1.57264.1.1")
"""Who says who the holder is (Fulcio's oid-info.md)."""


class Authority:
    """Its own root, which signs by itself. `log` is the key of its certificate log, `der` the root's certificate."""

    def __init__(self) -> None:
        self.log = ec.generate_private_key(ec.SECP256R1())
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._root = self._make_root()
        self.der = self._root.public_bytes(serialization.Encoding.DER)

    def now(self) -> int:
        """Its clock, in seconds since 1970."""
        return int(time.time())

    def issue(self, key: ec.EllipticCurvePublicKey, identity: str, issuer: str) -> list[str]:
        """A certificate for the holder of a key, and the root's, as PEM."""
        begin = datetime.datetime.fromtimestamp(self.now(), datetime.UTC)
        builder = (
            x509.CertificateBuilder()
            .subject_name(x509.Name([]))
            .issuer_name(self._root.subject)
            .public_key(key)
            .serial_number(x509.random_serial_number())
            .not_valid_before(begin)
            .not_valid_after(begin + _LIFE)
            .add_extension(_usage(leaf=True), critical=True)
            .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.CODE_SIGNING]), critical=False)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(key), critical=False)
            .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(self._key.public_key()), critical=False)
            .add_extension(x509.SubjectAlternativeName([x509.UniformResourceIdentifier(identity)]), critical=True)
            .add_extension(x509.UnrecognizedExtension(_ISSUER, issuer.encode()), critical=False)
        )
        before = builder.sign(self._key, hashes.SHA256())
        promise = x509.UnrecognizedExtension(_PROMISES, self._promise(before.tbs_certificate_bytes))
        made = builder.add_extension(promise, critical=False).sign(self._key, hashes.SHA256())
        return [each.public_bytes(serialization.Encoding.PEM).decode() for each in (made, self._root)]

    def _promise(self, certificate: bytes) -> bytes:
        """That the log will have it (RFC 6962, 3.2 and 3.3), in the octet string of an extension."""
        stamp = self.now() * 1000
        entry = key_id(self._key) + len(certificate).to_bytes(3, "big") + certificate
        signed = self.log.sign(
            struct.pack("!BBQH", 0, 0, stamp, 1) + entry + struct.pack("!H", 0), ec.ECDSA(hashes.SHA256())
        )
        head = struct.pack("!B32sQHBBH", 0, key_id(self.log), stamp, 0, 4, 3, len(signed))
        one = _sized(head + signed)
        return b"\x04" + bytes([len(one) + 2]) + _sized(one)

    def _make_root(self) -> x509.Certificate:
        name = x509.Name(
            [
                x509.NameAttribute(NameOID.ORGANIZATION_NAME, "rehearsal.example"),
                x509.NameAttribute(NameOID.COMMON_NAME, "rehearsal"),
            ]
        )
        key = self._key.public_key()
        return (
            x509.CertificateBuilder()
            .subject_name(name)
            .issuer_name(name)
            .public_key(key)
            .serial_number(x509.random_serial_number())
            .not_valid_before(datetime.datetime(2020, 1, 1, tzinfo=datetime.UTC))
            .not_valid_after(datetime.datetime(2049, 1, 1, tzinfo=datetime.UTC))
            .add_extension(x509.BasicConstraints(ca=True, path_length=1), critical=True)
            .add_extension(_usage(leaf=False), critical=True)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(key), critical=False)
            .sign(self._key, hashes.SHA256())
        )


def spki(key: ec.EllipticCurvePrivateKey) -> bytes:
    """A public key as others read it."""
    return key.public_key().public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)


def key_id(key: ec.EllipticCurvePrivateKey) -> bytes:
    """What a key is known by (RFC 6962, 3.2)."""
    return hashlib.sha256(spki(key)).digest()


def _sized(data: bytes) -> bytes:
    return struct.pack("!H", len(data)) + data


def _usage(*, leaf: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=leaf,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=not leaf,
        crl_sign=not leaf,
        encipher_only=False,
        decipher_only=False,
    )
