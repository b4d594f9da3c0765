"""A CI job that signs by sigstore: the real library against a stand-in of its authority and log."""

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from shipways.adapters.keyless import KeylessNotary
from shipways.config.publish import AttestTable
from shipways.rehearse.faults import Chooser, Fault, Faulty, Traffic
from shipways.rehearse.identity import GITHUB
from shipways.rehearse.serving import served
from shipways.rehearse.sigstore import Sigstore

WHO = "https://forge.example/example/hello/.github/workflows/release.yml@refs/tags/v1.0.0"
TABLE = AttestTable(signer="sigstore", identity=WHO.replace("v1.0.0", "{tag}"), issuer=GITHUB["iss"])


@dataclass
class Yard:
    """The stand-in, served, and a CI job in front of it."""

    folder: Path
    sigstore: Sigstore = field(default_factory=Sigstore)
    url: str = ""
    fault: Chooser = lambda *_: Fault.NONE
    traffic: Traffic = field(default_factory=Traffic)

    def notary(self, tag: str = "v1.0.0", issuer: str = TABLE.issuer) -> KeylessNotary:
        """Who signs a release of a tag, and verifies it."""
        return KeylessNotary(TABLE.identities([tag]), issuer, self.folder / "trust.json")


@contextlib.contextmanager
def opened(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Yard]:
    """A job that says who it is."""
    made = Yard(folder)

    def choose(method: str, path: str) -> Fault:
        return made.fault(method, path)

    with served(Faulty(made.sigstore.app, choose, made.traffic)) as made.url:
        (folder / "trust.json").write_text(made.sigstore.trust_config(made.url))
        for name, value in made.sigstore.identity.environment(made.url).items():
            monkeypatch.setenv(name, value)
        yield made
