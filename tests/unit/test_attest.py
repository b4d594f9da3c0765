"""Which proofs should be where, and what a config may say of them."""

from dataclasses import replace

import pytest

from attesting import PUBLIC, TABLE
from shipways.config.load import parse
from shipways.config.publish import FilesTable
from shipways.errors import ConfigError
from shipways.model.item import ItemKind, Phase
from shipways.model.manifest import ArtifactEntry, PackageEntry
from shipways.pack.statements import subjects_digest
from shipways.publish.attest import AttestChannel, plan
from shipways.publish.files import FilesChannel
from shipways.publish.github import GithubChannel
from shipways.publish.proofplaces import GithubStore, InFolder, OnGithub, WithImages
from shipways.publish.registry import RegistryChannel, Shipped
from support import sealed

IMAGE = f"sha256:{'1' * 64}"
MANIFEST = sealed(
    PackageEntry(name="p", version="1.2.0", tag="sdk/v1.2.0"),
    artifacts=(
        ArtifactEntry(path="p.tar.gz", kind="archive", digest="sha256:a", size=1),
        ArtifactEntry(path="p-SHA256SUMS", kind="checksum", digest="sha256:s", size=1),
        ArtifactEntry(path=f"images/p/blobs/sha256/{'1' * 64}", kind="image", digest=IMAGE, size=1),
    ),
)
CHANNEL = AttestChannel(
    table=TABLE,
    places=(
        InFolder(channel=FilesChannel(table=FilesTable(folder="/f"), project="p")),
        OnGithub(channel=GithubChannel(repository="o/r")),
        WithImages(
            channel=RegistryChannel(
                images=(Shipped(name="p", package="p", repositories=("r.example/a", "r.example/b")),), moving=()
            )
        ),
    ),
)


def test_items() -> None:
    """The manifest, the sums and each image have a signature in each place, and each place the provenance."""
    items = CHANNEL.desired(MANIFEST)
    release = ("p-SHA256SUMS.minisig", "manifest.json.minisig", "provenance.intoto.jsonl")
    image = ("signature.minisig", "provenance.intoto.jsonl")
    assert [
        *(f"attest/files/p/sdk/v1.2.0/{name}" for name in release),
        *(f"attest/github/sdk/v1.2.0/{name}" for name in release),
        *(f"attest/registry/r.example/{name}@{IMAGE}/{proof}" for name in "ab" for proof in image),
    ] == [item.id for item in items]
    assert {(ItemKind.PROOF, Phase.STAGE)} == {(item.kind, item.phase) for item in items}


def test_what_is_proved() -> None:
    """An item wants the digest of what it proves, which is there before where that is staged."""
    items = {item.id.removeprefix("attest/"): item for item in CHANNEL.desired(MANIFEST)}
    sums, image = (
        items["github/sdk/v1.2.0/p-SHA256SUMS.minisig"],
        items[f"registry/r.example/a@{IMAGE}/signature.minisig"],
    )
    assert ("sha256:s", ("github/sdk/v1.2.0/p-SHA256SUMS",)) == (sums.want, sums.needs)
    assert (IMAGE, (f"registry/r.example/a@{IMAGE}",)) == (image.want, image.needs)
    provenance = items[f"registry/r.example/a@{IMAGE}/provenance.intoto.jsonl"]
    assert (subjects_digest(MANIFEST), image.needs) == (provenance.want, provenance.needs)
    assert {"manifest.json.minisig"} == {i.id.rpartition("/")[2] for i in items.values() if i.path == "manifest.json"}
    assert () == items["files/p/sdk/v1.2.0/manifest.json.minisig"].needs


def test_taken_name() -> None:
    """A file of a release that is called as a proof is refused before anything is sent."""
    entry = ArtifactEntry(path="provenance.intoto.jsonl", kind="file", digest="sha256:x", size=1)
    with pytest.raises(ConfigError, match=r"provenance.intoto.jsonl: cannot be the name of an asset"):
        CHANNEL.desired(replace(MANIFEST, artifacts=(*MANIFEST.artifacts, entry)))


def test_stored() -> None:
    """GitHub's store gets the provenance once, by the digest of its first subject, after all that is staged there."""
    own = GithubChannel(repository="o/r")
    (item,) = replace(CHANNEL, places=(), stores=(GithubStore(channel=own),)).desired(MANIFEST)
    assert "attest/store/sdk/v1.2.0@sha256:a/provenance.intoto.jsonl" == item.id
    assert (ItemKind.PROOF, Phase.STAGE, subjects_digest(MANIFEST)) == (item.kind, item.phase, item.want)
    assert {i.id for i in own.desired(MANIFEST) if i.phase is Phase.STAGE} == set(item.needs)


SIGSTORE = 'signer = "sigstore"\nidentity = "i"\nissuer = "https://i.example"\n'
GITHUB = '[project]\nname = "p"\nrepository = "o/r"\n\n[publish.github]\n\n[publish.attest]\n'


@pytest.mark.parametrize(
    ("text", "stores"),
    [
        (GITHUB + SIGSTORE, ["store"]),
        (GITHUB + SIGSTORE + "store = false\n", []),
        (f'{GITHUB}signer = "key"\npublic_key = "{PUBLIC}"\n', []),
    ],
)
def test_who_is_stored(text: str, stores: list[str]) -> None:
    """The store is for bundles of sigstore, unless the config says that there is none."""
    (channel,) = plan(parse(text, "shipways.toml"), None)
    assert stores == [store.name for store in channel.stores]


FILES = '[project]\nname = "p"\n\n[publish.files]\nfolder = "/f"\n\n[publish.attest]\n'


def test_plan() -> None:
    """Proofs go where the config publishes; "none" says that there are none."""
    (channel,) = plan(parse(f'{FILES}signer = "key"\npublic_key = "{PUBLIC}"\n', "shipways.toml"), None)
    assert ["files"] == [place.name for place in channel.places]
    assert [] == list(plan(parse(f'{FILES}signer = "none"\n', "shipways.toml"), None))


@pytest.mark.parametrize(
    ("table", "said"),
    [
        ('signer = "key"', "go together"),
        (f'signer = "none"\npublic_key = "{PUBLIC}"', "go together"),
        ('signer = "key"\npublic_key = "RWx"', "is not a public key of minisign"),
        ("", "publish.attest.signer"),
    ],
)
def test_config(table: str, said: str) -> None:
    """A signer without its key, and a key that nobody looks at, are refused."""
    with pytest.raises(ConfigError, match=said):
        parse(f"{FILES}{table}\n", "shipways.toml")


def test_nowhere() -> None:
    """Proofs need a place to lie in."""
    with pytest.raises(ConfigError, match=r"publish\.attest: there is no place for proofs"):
        parse(f'[project]\nname = "p"\n\n[publish.attest]\nsigner = "key"\npublic_key = "{PUBLIC}"\n', "shipways.toml")
