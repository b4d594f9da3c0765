"""A signer to rehearse with."""

import base64
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from starlette.types import ASGIApp

from shipways.adapters.keynotary import KEY
from shipways.config.publish import AttestTable
from shipways.config.schema import Config
from shipways.model.manifest import Manifest
from shipways.ports import Clock
from shipways.rehearse.berth import with_tables

_NUMBER: Final = b"rehearse"
_UNUSED: Final = bytes(48)
"""Salt and limits of a password, of which there is none."""


class AttestBerth:
    """A key made for it, whoever signs in the config. Proofs lie in the places of other channels."""

    channel = "attest"

    def __init__(self) -> None:
        key = Ed25519PrivateKey.generate()
        pair = key.private_bytes_raw() + key.public_key().public_bytes_raw()
        self._public = base64.b64encode(b"Ed" + _NUMBER + pair[32:]).decode()
        self._secret = base64.b64encode(b"Ed\0\0B2" + _UNUSED + _NUMBER + pair + bytes(32)).decode()

    def fresh(self, clock: Clock) -> Sequence[ASGIApp]:
        """It needs no server."""
        del clock
        return ()

    def lead(self, config: Config, urls: Sequence[str]) -> Config:
        """The key in place of any other signer."""
        del urls
        return with_tables(config, attest=AttestTable(signer="key", public_key=self._public))

    def tokens(self, urls: Sequence[str]) -> Mapping[str, str]:
        """The key itself."""
        del urls
        return {KEY: self._secret}

    def holds(self) -> object:
        """Nothing of its own."""
        return ()


def berth(config: Config, manifest: Manifest, folder: Path) -> AttestBerth | None:
    """A key, unless the config says that nobody signs."""
    del manifest, folder
    table = config.publish.attest
    return AttestBerth() if table and table.signer != "none" else None
