"""Signs as the identity that the CI vouches for, by sigstore, and verifies under the identity of the config."""

import base64
import hashlib
import json
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Final, TypeVar

import httpx
import requests
from anyio import to_thread
from cryptography.x509 import SubjectAlternativeName
from sigstore import dsse
from sigstore._internal.fulcio.client import FulcioClientError
from sigstore._internal.rekor import RekorClientError
from sigstore.errors import Error, NetworkError, TUFError
from sigstore.hashes import Hashed
from sigstore.models import Bundle, ClientTrustConfig
from sigstore.oidc import IdentityError, IdentityToken
from sigstore.sign import Signer, SigningContext
from sigstore.verify import Verifier
from sigstore.verify.policy import AnyOf, Identity
from sigstore_models.common.v1 import HashAlgorithm

from shipways.adapters import web
from shipways.adapters.trusted import identity
from shipways.errors import Problem, Transient, Unfinished, Unproven
from shipways.pack.statements import PAYLOAD

_T = TypeVar("_T")
_AUDIENCE: Final = "sigstore"
_TABLE: Final = "publish.attest"
_HINT: Final = 'run this in a CI that says who it is, or set publish.attest.signer = "key"'


class KeylessNotary:
    """The `Notary` port. Each proof has a key of its own, which is certified for the identity and then forgotten.

    `identities` are those that may have signed, of `issuer`; `trust` is a file about another sigstore than the public
    one, which the library knows.
    """

    def __init__(self, identities: Sequence[str], issuer: str, trust: Path | None) -> None:
        self._identities = identities
        self._issuer = issuer
        self._trust = trust
        self._config: ClientTrustConfig | None = None

    async def ready(self) -> Sequence[Problem]:
        """Whether the CI says who it is, in the name of the issuer that is expected."""
        try:
            token = await identity(_TABLE, _AUDIENCE, _HINT)
            issuer = await _worked(lambda: IdentityToken(token).issuer)
        except Transient:
            raise
        except Unfinished as error:
            return error.problems
        if issuer == self._issuer:
            return ()
        what = f"is {self._issuer}, and it is {issuer} that says who runs this"
        return (Problem(path=f"{_TABLE}.issuer", what=what, why="nobody could verify what it signs", hint=_HINT),)

    async def sign(self, name: str, subject: bytes) -> bytes:
        """A bundle with a signature of the digest."""
        proof = await self._signed(lambda signer: signer.sign_artifact(subject))
        await _as_pinned(name, proof, self.verify(subject, proof))
        return proof

    async def attest(self, statement: bytes) -> bytes:
        """A bundle with an envelope."""
        proof = await self._signed(lambda signer: signer.sign_dsse(dsse.Statement(statement)))
        await _as_pinned("provenance", proof, self.open(proof))
        return proof

    async def verify(self, subject: bytes, proof: bytes) -> str:
        """The digest that the bundle signs is verified, then compared with that of the bytes."""
        digest = hashlib.sha256(subject).digest()
        said = _digest_in(proof) or digest
        hashed = Hashed(algorithm=HashAlgorithm.SHA2_256, digest=said)

        verifier = await _worked(self._verifier)
        await _proved(lambda: verifier.verify_artifact(hashed, Bundle.from_json(proof), self._policy()))
        if said != digest:
            raise _unproven("a signature of other bytes", of=f"sha256:{said.hex()}")
        return " or ".join(self._identities)

    async def open(self, proof: bytes) -> bytes:
        """The statement, if the envelope is signed by one of the identities."""
        verifier = await _worked(self._verifier)
        kind, statement = await _proved(lambda: verifier.verify_dsse(Bundle.from_json(proof), self._policy()))
        if kind != PAYLOAD:
            raise _unproven("an envelope without a statement")
        return statement

    async def _signed(self, make: Callable[[Signer], Bundle]) -> bytes:
        token = await identity(_TABLE, _AUDIENCE, _HINT)

        def work() -> bytes:
            with SigningContext.from_trust_config(self._trusted()).signer(IdentityToken(token)) as signer:
                return make(signer).to_json().encode()

        return await _worked(work)

    def _trusted(self) -> ClientTrustConfig:
        """Whom to ask, and whom to trust."""
        if self._config is None:
            self._config = (
                ClientTrustConfig.from_json(self._trust.read_text("utf-8"))
                if self._trust
                else ClientTrustConfig.production()
            )
        return self._config

    def _verifier(self) -> Verifier:
        return Verifier(trusted_root=self._trusted().trusted_root)

    def _policy(self) -> AnyOf:
        return AnyOf([Identity(identity=each, issuer=self._issuer) for each in self._identities])


async def _as_pinned(name: str, proof: bytes, seen: Awaitable[object]) -> None:
    """Raises Unfinished for a proof of ours that nobody would accept, before it lies anywhere."""
    try:
        await seen
    except Unproven as error:
        (problem,) = error.problems
        who, hint = _signer(proof), "let publish.attest.identity be who runs this"
        why = f"{problem.what}; it is {who} that runs this"
        raise Unfinished(Problem(path=name, what="cannot be signed here", why=why, hint=hint)) from None


def _signer(proof: bytes) -> str:
    """Who has signed a bundle of ours, by its certificate."""
    names = Bundle.from_json(proof).signing_certificate.extensions.get_extension_for_class(SubjectAlternativeName)
    return " or ".join(str(name.value) for name in names.value)


async def _proved(look: Callable[[], _T]) -> _T:
    """What a proof says. Raises Unproven when the library does not accept it."""
    try:
        return await to_thread.run_sync(look)
    except Exception as error:  # the library may stumble over what somebody has written there: then it is no proof
        raise _unproven(str(error) or type(error).__name__) from None


async def _worked(work: Callable[[], _T]) -> _T:
    """What the library answers, in a thread. Raises Transient, Unfinished."""
    try:
        return await to_thread.run_sync(work)
    except (NetworkError, TUFError, requests.RequestException) as error:
        raise Transient(_problem(error)) from None
    except (FulcioClientError, RekorClientError) as error:  # which the library has nowhere else
        response = getattr(error.__context__, "response", None)
        if response is not None and (response.status_code >= 500 or response.status_code == 429):
            raise Transient(_problem(error)) from None
        raise Unfinished(_problem(error)) from None
    except (Error, IdentityError, OSError, ValueError) as error:
        raise Unfinished(_problem(error)) from None


def _problem(error: Exception) -> Problem:
    """Said without what an answer or a token holds."""
    origin = error.__context__ if isinstance(error, FulcioClientError | RekorClientError) else error
    response = getattr(origin, "response", None)
    if response is not None:
        what = f"answers {response.status_code} {response.reason}"
        return Problem(path=web.origin(httpx.URL(response.url)), what=what, why=" ".join(response.text.split())[:300])
    return Problem(path=_TABLE, what="sigstore does not work here", why=str(error) or type(error).__name__)


def _digest_in(proof: bytes) -> bytes:
    """The digest that a bundle is about; empty when it says none."""
    with suppress(ValueError, KeyError, TypeError):
        return base64.b64decode(json.loads(proof)["messageSignature"]["messageDigest"]["digest"])
    return b""


def _unproven(what: str, of: str = "") -> Unproven:
    why = "it is no proof under publish.attest.identity and issuer"
    return Unproven(Problem(what=" ".join(what.split())[:300], why=why), of=of)
