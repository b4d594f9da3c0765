"""Releases with proofs, and keys of nobody that make them."""

import time
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import anyio

from forging import TOKEN, Github, channel, manifest
from shipping import Release, release
from shipping import Run as Pushing
from shipways.adapters.files import small
from shipways.adapters.keynotary import KeyNotary
from shipways.config.manifestfile import FILE_NAME, manifest_text
from shipways.config.publish import AttestTable
from shipways.model.manifest import Manifest
from shipways.model.outcome import Outcome, State
from shipways.model.secret import Secret
from shipways.outside.channels import Channel, Outside
from shipways.outside.proofs import Notary
from shipways.publish.attest import AttestChannel
from shipways.publish.proofplaces import Beside, GithubStore, OnGithub, WithImages
from shipways.run.reconciler import Around, converge
from shipways.testing.console import ManualClock, RecordingConsole
from shipways.testing.doors import CLOSED

PUBLIC = "RWSf7JzZnZKnUX99mw0LuoJBR1DK2fp/zaK26O3zNmupviMeT7aSE7Ae"
PRIVATE = (
    "RWQAAEIyAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAn+yc2Z2Sp1F8TrIoodyyZD0iPcs80c9t0IHY73C"
    "28JRWtbMrmKGutX99mw0LuoJBR1DK2fp/zaK26O3zNmupviMeT7aSE7AeAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="
)
OTHER = (
    "RWQ9H7EiYofSVZajftqb5IufwCxpKPQvCvNyqMVrbZntx1CLnHWyGJKW",
    "RWQAAEIyAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAPR+xImKH0lXvvxji40StTtW9NX1+xQr+Femk"
    "c25LsApb37M99qq+a5ajftqb5IufwCxpKPQvCvNyqMVrbZntx1CLnHWyGJKWAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=",
)
"""A public key and its secret one, both made by `minisign -G -W`; and another pair."""


TABLE = AttestTable(signer="key", public_key=PUBLIC)
PROOFS = ("SUMS.minisig", "manifest.json.minisig", "provenance.intoto.jsonl")
"""What a release of `released` has beside its files."""


def released(version: str, folder: Path, **files: bytes) -> Manifest:
    """A release of two files, of which SUMS are checksums."""
    made = manifest(version, folder, **files)
    entries = (replace(e, kind="checksum") if e.path == "SUMS" else e for e in made.artifacts)
    made = replace(made, artifacts=tuple(entries))
    (folder / FILE_NAME).write_text(manifest_text(made))
    return made


def image(root: Path, version: str) -> Release:
    """A release with an image, and its manifest."""
    made = release(root, version)
    (made.dist / FILE_NAME).write_text(manifest_text(made.manifest))
    return made


def proofs(outcome: Outcome) -> dict[str, State]:
    """The state of each proof, by its name."""
    return {row.item.id.rpartition("/")[2]: row.state for row in outcome.rows if row.item.channel == "attest"}


def key_notary(pair: tuple[str, str] = (PUBLIC, PRIVATE)) -> Notary:
    """Who signs with a pair of keys."""
    return KeyNotary(pair[0], Secret(pair[1]))


@dataclass
class Run:
    """Processes that publish releases with proofs by one notary, the provenance in GitHub's store too if `stored`.

    `console` has what the last one told.
    """

    notary: Notary = field(default_factory=key_notary)
    table: AttestTable = TABLE
    stored: bool = False
    console: RecordingConsole = field(default_factory=RecordingConsole)

    def with_proofs(
        self, channels: Sequence[Channel], places: Sequence[Beside], stores: Sequence[GithubStore] = ()
    ) -> Sequence[Channel]:
        """Channels, and the one of their proofs."""
        made = AttestChannel(table=self.table, places=tuple(places), stores=tuple(stores), repository="example/demo")
        return (*channels, made)

    def doors(self, outside: Outside, folder: Path) -> Outside:
        """With those that proofs need."""
        return replace(
            outside,
            artifact=lambda path: folder / path,
            notary=lambda *_: self.notary,
            read=lambda path: small(folder / path),
        )

    async def converge(
        self, channels: Sequence[Channel], made: Manifest, outside: Outside, *, apply: bool = True
    ) -> Outcome:
        """One process."""
        self.console = RecordingConsole()
        around = Around(outside=outside, console=self.console, clock=ManualClock(time.time()))
        return await converge(channels, made, around, apply=apply)

    def on_github(self, hub: Github, made: Manifest, folder: Path, *, apply: bool = True) -> Outcome:
        """To the stand-in of GitHub."""
        hub.traffic.requests[:] = []
        own = channel(made)

        async def main() -> Outcome:
            async with hub.outside(folder, TOKEN) as outside:
                stores = [GithubStore(channel=own)] if self.stored else []
                channels = self.with_proofs([own], [OnGithub(channel=own)], stores)
                return await self.converge(channels, made, self.doors(outside, folder), apply=apply)

        return anyio.run(main)

    def to_registry(self, name: str, what: Release, *, apply: bool = True) -> Outcome:
        """Images, to the repository HOST/NAME."""
        pushing = Pushing((name,), moving=())
        registries = pushing.registries()
        outside = self.doors(replace(CLOSED, registries=lambda: registries), what.dist)
        channels = self.with_proofs([pushing.channel], [WithImages(channel=pushing.channel)])
        return anyio.run(lambda: self.converge(channels, what.manifest, outside, apply=apply))
