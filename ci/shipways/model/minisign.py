"""The texts of keys and signatures as minisign writes them (its documentation, "Signature format" and what follows)."""

import base64
import binascii
import hashlib
from dataclasses import dataclass
from typing import Final

_ED25519: Final = b"Ed"
_PREHASHED: Final = b"ED"
_NO_PASSWORD: Final = b"\0\0"
_COMMENT: Final = "untrusted comment: "
_TRUSTED: Final = "trusted comment: "
_SECRET: Final = 158
"""Bytes of a secret key: algorithms 6, salt 32, limits 16, number 8, seed 32, public key 32, checksum 32."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PublicKey:
    """A key of Ed25519 and its number, as hex digits that people see."""

    number: str
    key: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class SecretKey:
    """A key that signs. Prints without what nobody may see."""

    public: PublicKey
    seed: bytes

    def __repr__(self) -> str:
        return f"SecretKey({self.public.number})"


@dataclass(frozen=True, slots=True, kw_only=True)
class Signature:
    """A signature of a file, by the key with a number; `whole` is that of the signature and the comment together."""

    number: str
    signature: bytes
    comment: str
    whole: bytes

    @property
    def sealed(self) -> bytes:
        """What `whole` is made over."""
        return self.signature + self.comment.encode()

    def text(self) -> bytes:
        """The file."""
        head = base64.b64encode(_PREHASHED + _raw(self.number) + self.signature).decode()
        lines = (f"{_COMMENT}made by shipways", head, _TRUSTED + self.comment, base64.b64encode(self.whole).decode())
        return "".join(f"{line}\n" for line in lines).encode()


def hashed(data: bytes) -> bytes:
    """What is signed of a file: its BLAKE2b."""
    return hashlib.blake2b(data, digest_size=64).digest()


def read_public_key(text: str) -> PublicKey:
    """The key that `minisign -G` shows. Raises ValueError for what is none."""
    data = _decoded(text)
    if len(data) != 42 or data[:2] != _ED25519:
        raise ValueError("is not a public key of minisign")
    return PublicKey(number=_number(data[2:10]), key=data[10:])


def read_secret_key(text: str) -> SecretKey:
    """The file that `minisign -G -W` writes, or its last line. Raises ValueError, without showing any of it."""
    data = _decoded(text.strip().rpartition("\n")[2])
    if len(data) != _SECRET or data[:2] != _ED25519:
        raise ValueError("is not a secret key of minisign")
    if data[2:4] != _NO_PASSWORD:
        raise ValueError("is a key with a password")
    return SecretKey(public=PublicKey(number=_number(data[54:62]), key=data[94:126]), seed=data[62:94])


def read_signature(data: bytes) -> Signature:
    """A file that minisign has made. Raises ValueError for what is none."""
    try:
        first, head, comment, whole = data.decode().rstrip("\n").split("\n")
    except ValueError:
        raise ValueError("is not a signature of minisign") from None
    made, seal = _decoded(head), _decoded(whole)
    if not (first.startswith(_COMMENT) and comment.startswith(_TRUSTED) and len(made) == 74 and len(seal) == 64):
        raise ValueError("is not a signature of minisign")
    if made[:2] != _PREHASHED:
        raise ValueError("is a signature of the old kind, over a file that is not hashed")
    return Signature(
        number=_number(made[2:10]), signature=made[10:], comment=comment.removeprefix(_TRUSTED), whole=seal
    )


def _decoded(line: str) -> bytes:
    try:
        return base64.b64decode(line.strip(), validate=True)
    except (binascii.Error, ValueError):
        return b""


def _number(data: bytes) -> str:
    """As minisign shows it: a number whose first byte is the lowest."""
    return f"{int.from_bytes(data, 'little'):016X}"


def _raw(number: str) -> bytes:
    return int(number, 16).to_bytes(8, "little")
