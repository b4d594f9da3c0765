"""Where releases are signed, a manifest from outside is followed only when its signature holds."""

import shutil
from pathlib import Path

import anyio
import pytest

from attesting import OTHER, PRIVATE, PUBLIC, key_notary
from fleet import Bare, elsewhere
from forging import REPOSITORY, TOKEN, github, never
from sandbox import Repository
from shipways.rehearse.faults import Fault
from shipways.rehearse.forgedesk import API

pytestmark = pytest.mark.integration

KEY = {"SHIPWAYS_SIGNING_KEY": PRIVATE}


@pytest.fixture
def top(hello: Repository, tmp_path: Path) -> Path:
    """A signed release in a folder, all of which is staged, and nothing public."""
    mirror = tmp_path / "mirror"
    channels = f'[publish.files]\nfolder = "{mirror}"\n[publish.attest]\nsigner = "key"\npublic_key = "{PUBLIC}"\n'
    hello.file("shipways.toml", f"{(hello.root / 'shipways.toml').read_text()}\n{channels}")
    hello.commit().git("tag", "v1.0.0")
    ran = hello.shipways("release", "--publish", env=KEY)
    assert 0 == ran.code, ran.err
    (mirror / "hello" / "v1.0.0" / "manifest.json").unlink()
    (mirror / "hello" / "latest" / "hello").unlink()
    return mirror / "hello"


@pytest.fixture
def other(hello: Repository, top: Path, tmp_path: Path) -> Bare:
    """Another machine, which has the config."""
    del top
    return elsewhere(tmp_path / "other", {"shipways.toml": (hello.root / "shipways.toml").read_text()})


def test_signed(top: Path, other: Bare) -> None:
    """The signature of before holds: the release is finished, and an audit without the key agrees."""
    signature = (top / "v1.0.0" / "manifest.json.minisig").read_bytes()
    ran = other.shipways("release", "--tag", "v1.0.0", env=KEY)
    assert (0, True) == (ran.code, (top / "v1.0.0" / "manifest.json").exists()), ran.err
    assert signature == (top / "v1.0.0" / "manifest.json.minisig").read_bytes()
    ran = other.shipways("verify", "--tag", "v1.0.0", env={})
    assert (0, True) == (ran.code, "attest 3 proofs hold" in " ".join(ran.err.split())), ran.err


ROTATED = {"SHIPWAYS_SIGNING_KEY": OTHER[1]}
"""The environment of a release after the key of the config was changed."""


def rotate(project: Repository) -> None:
    """Let the config pin another key. Its tag is where it was: the config of today finishes an old tag."""
    text = (project.root / "shipways.toml").read_text()
    project.file("shipways.toml", text.replace(PUBLIC, OTHER[0]))
    project.commit().git("tag", "--force", "v1.0.0")


def test_rotated_key(hello: Repository, top: Path) -> None:
    """What was staged under the old key is replaced by --restage alone, and is public under the new one then."""
    rotate(hello)
    signature = top / "v1.0.0" / "manifest.json.minisig"
    before = signature.read_bytes()
    for words in (("--tag", "v1.0.0"), ("--publish",), ("--restage", "--tag", "v1.0.0", "--dry-run")):
        ran = hello.shipways("release", *words, env=ROTATED)
        assert (0 if "--dry-run" in words else 6, before) == (ran.code, signature.read_bytes()), ran.err
        assert ("fix: nothing is public: `release --restage`" in ran.err) == ("--dry-run" not in words), ran.err
    ran = hello.shipways("release", "--restage", "--tag", "v1.0.0", env=ROTATED)
    assert (0, True) == (ran.code, (top / "v1.0.0" / "manifest.json").exists()), ran.err
    assert before != signature.read_bytes()
    ran = hello.shipways("verify", "--tag", "v1.0.0", env={})
    assert 0 == ran.code, ran.err


def test_rotated_key_of_what_is_public(hello: Repository, top: Path) -> None:
    """The proofs of a public release stay, also with --restage, and the error says how to finish it."""
    assert 0 == hello.shipways("release", "--publish", env=KEY).code
    rotate(hello)
    signature = top / "v1.0.0" / "manifest.json.minisig"
    before = signature.read_bytes()
    for words in (("--tag", "v1.0.0"), ("--restage", "--tag", "v1.0.0")):
        ran = hello.shipways("release", *words, env=ROTATED)
        assert (6, before) == (ran.code, signature.read_bytes()), ran.err
        said = "leave --restage out" if "--restage" in words else "put it back until this release is finished"
        assert said in ran.err, ran.err


@pytest.mark.parametrize("signed", ["by nobody", "by somebody else"])
def test_not_signed(top: Path, other: Bare, signed: str) -> None:
    """Nothing is downloaded or published by a manifest that is not signed as the config wants; `verify` says drift."""
    staged = top / "staged" / "v1.0.0" / "manifest.json"
    changed = staged.read_bytes().replace(b'"shipways": "', b'"shipways": "9.')
    staged.write_bytes(changed)
    place = top / "v1.0.0" / "manifest.json.minisig"
    place.unlink()
    if signed == "by somebody else":
        place.write_bytes(anyio.run(key_notary(OTHER).sign, "manifest.json", changed))
    ran = other.shipways("release", "--tag", "v1.0.0", env=KEY)
    assert (6, False) == (ran.code, (top / "v1.0.0" / "manifest.json").exists()), ran.err
    assert not (other.root / "dist").exists()
    shutil.copy(staged, top / "v1.0.0" / "manifest.json")
    ran = other.shipways("verify", "--tag", "v1.0.0", "--install", env={})
    assert (7, False) == (ran.code, "downloads are what was made" in ran.err), ran.err


def test_signer_that_is_gone(hello: Repository) -> None:
    """What a signer of before has left in a draft stays until --restage, which takes it away and says so."""
    with github(apart=True) as hub:
        text = (hello.root / "shipways.toml").read_text()
        text = text.replace("[project]", f'[project]\nrepository = "{REPOSITORY}"') + (
            f'[publish.github]\napi = "{hub.url}{API}"\n[publish.attest]\nsigner = "key"\npublic_key = "{PUBLIC}"\n'
        )
        hello.file("shipways.toml", text)
        hello.commit().git("tag", "v1.0.0")
        env = {"GH_TOKEN": TOKEN, "NO_PROXY": "127.0.0.1", **KEY}
        hub.fault = lambda method, _: Fault.FORBIDDEN if method == "PATCH" else Fault.NONE
        assert 5 == hello.shipways("release", "--publish", env=env).code
        hub.fault = never
        (draft,) = hub.forge.releases.values()
        signed = {asset.name for asset in draft.assets.values()}
        hello.file("shipways.toml", text.replace(f'"key"\npublic_key = "{PUBLIC}"', '"none"'))
        hello.commit().git("tag", "--force", "v1.0.0")
        ran = hello.shipways("release", "--restage", "--tag", "v1.0.0", "--dry-run", env=env)
        assert (0, signed) == (ran.code, {asset.name for asset in draft.assets.values()}), ran.err
        ran = hello.shipways("release", "--restage", "--tag", "v1.0.0", env=env)
        assert 0 == ran.code, ran.err
        gone = {name for name in signed if name.endswith((".minisig", ".jsonl", ".intoto.json"))}
        assert "manifest.json.minisig" in gone
        assert [] == [name for name in gone if f"github/v1.0.0/{name}: taken away" not in ran.err], ran.err
        release = hub.forge.published("v1.0.0")
        assert release is not None
        assert signed - gone == {asset.name for asset in release.assets.values()}
