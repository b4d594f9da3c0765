"""Where releases are signed, a manifest from outside is followed only when its signature holds."""

import shutil
from pathlib import Path

import anyio
import pytest

from attesting import OTHER, PRIVATE, PUBLIC, key_notary
from fleet import Bare, elsewhere
from sandbox import Repository

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
    assert 0 == ran.code, ran.err


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
