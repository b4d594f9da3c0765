"""Signs with a key of the user, in minisign's words, and verifies under the public key of the config."""

import re
from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from shipways.errors import Problem, Unfinished, Unproven
from shipways.model.digest import digest_bytes
from shipways.model.minisign import (
    PublicKey,
    Signature,
    hashed,
    read_public_key,
    read_secret_key,
    read_signature,
)
from shipways.model.secret import Secret
from shipways.pack.statements import envelope, opened, to_sign

KEY: Final = "SHIPWAYS_SIGNING_KEY"
_OF: Final = re.compile(r"(?:^|\t)(sha256:[0-9a-f]{64})(?:\t|$)")
"""How our comments, which are signed, tell what a signature is of."""


class KeyNotary:
    """The `Notary` port. Ed25519 is `cryptography`'s. The same bytes give the same proof."""

    def __init__(self, public_key: str, secret: Secret) -> None:
        self._public = read_public_key(public_key)
        self._secret = secret

    async def ready(self) -> Sequence[Problem]:
        """What is wrong with the key."""
        try:
            self._key()
        except Unfinished as error:
            return error.problems
        return ()

    async def sign(self, name: str, subject: bytes) -> bytes:
        """The file that minisign writes."""
        key, comment = self._key(), f"file:{name}\t{digest_bytes(subject)}\thashed"
        made = Signature(number=self._public.number, signature=key.sign(hashed(subject)), comment=comment, whole=b"")
        return replace(made, whole=key.sign(made.sealed)).text()

    async def attest(self, statement: bytes) -> bytes:
        """A DSSE envelope; the key is named by its number."""
        return envelope(statement, self._key().sign(to_sign(statement)), self._public.number)

    async def verify(self, subject: bytes, proof: bytes) -> str:
        """As `minisign -V` does."""
        try:
            found = read_signature(proof)
        except ValueError as error:
            raise _unproven(str(error)) from None
        if found.number != self._public.number:
            raise _unproven(f"a signature by key {found.number}, not {self._public.number}")
        if not _fits(self._public, found.whole, found.sealed):
            raise _unproven(f"a forged signature in the name of key {found.number}")
        if not _fits(self._public, found.signature, hashed(subject)):
            of = _OF.search(found.comment)
            raise _unproven("a signature of other bytes", of[1] if of else "")
        return f"key {self._public.number}"

    async def open(self, proof: bytes) -> bytes:
        """The statement, if one of the signatures is ours."""
        try:
            statement, signatures = opened(proof)
        except ValueError as error:
            raise _unproven(str(error)) from None
        if not any(_fits(self._public, signature, to_sign(statement)) for signature in signatures):
            raise _unproven(f"a statement that key {self._public.number} has not signed")
        return statement

    def _key(self) -> Ed25519PrivateKey:
        """Raises Unfinished when it is not there, or another one; what it is, no error shows."""
        if not self._secret:
            raise _unready(
                "is not set", "publish.attest signs with a key", "set it, or NAME_FILE to the path of a file"
            )
        try:
            key = read_secret_key(self._secret.open())
        except ValueError as error:
            raise _unready(str(error), "", "`minisign -G -W` makes one without a password") from None
        private = Ed25519PrivateKey.from_private_bytes(key.seed)
        if private.public_key().public_bytes_raw() != self._public.key or key.public != self._public:
            what = f"is key {key.public.number}, and publish.attest.public_key is {self._public.number}"
            raise _unready(what, "nobody could verify what it signs", "set the one or the other")
        return private


def _fits(public: PublicKey, signature: bytes, data: bytes) -> bool:
    try:
        Ed25519PublicKey.from_public_bytes(public.key).verify(signature, data)
    except InvalidSignature:
        return False
    return True


def _unproven(what: str, of: str = "") -> Unproven:
    return Unproven(Problem(what=what, why="it is no proof under publish.attest.public_key"), of=of)


def _unready(what: str, why: str, hint: str) -> Unfinished:
    return Unfinished(Problem(path=KEY, what=what, why=why, hint=hint))
