"""`release --publish` with [publish.attest], as a user runs it, to a folder."""

import subprocess
from pathlib import Path

import pytest

from attesting import OTHER, PRIVATE, PUBLIC
from sandbox import Ran, Repository
from support import need

pytestmark = pytest.mark.integration
PROOFS = ("manifest.json.minisig", "provenance.intoto.jsonl")
KEY = {"SHIPWAYS_SIGNING_KEY": PRIVATE}


@pytest.fixture
def project(project: Repository) -> Repository:
    """A small project whose releases are signed."""
    text = (project.root / "shipways.toml").read_text()
    project.file("shipways.toml", f'{text}\n[publish.attest]\nsigner = "key"\npublic_key = "{PUBLIC}"\n')
    return project.commit()


def publish(project: Repository, version: str, **env: str) -> Ran:
    """Release a version from its tag."""
    project.tag(version)
    return project.shipways("release", "--publish", env=env)


def test_two_releases(project: Repository, mirror: Path, tmp_path: Path) -> None:
    """Each has its proofs, which minisign verifies, and `verify` without a key; again nothing is done.

    The key is in no output, no ledger and no proof.
    """
    need("minisign")
    (tmp_path / "key").write_text(f"untrusted comment: minisign encrypted secret key\n{PRIVATE}\n")
    outputs = []
    for version, env in (("1.0.0", KEY), ("1.1.0", {"SHIPWAYS_SIGNING_KEY_FILE": str(tmp_path / "key")})):
        outputs.append(publish(project, version, **env))
        assert 0 == outputs[-1].code, outputs[-1].err
        place = mirror / "hello" / f"v{version}"
        for name in ("manifest.json", f"hello-{version}-SHA256SUMS"):
            argv = ("minisign", "-V", "-P", PUBLIC, "-m", place / name)
            assert f"file:{name}" in subprocess.run(argv, check=True, capture_output=True, text=True).stdout
        assert (place / "provenance.intoto.jsonl").exists()
    outputs.append(publish(project, "1.1.0", **KEY))
    assert (0, True) == (outputs[-1].code, "8 there" in outputs[-1].err), outputs[-1].err
    assert 0 == project.shipways("verify").code
    files = [path.read_bytes() for top in (mirror, project.root) for path in top.rglob("*") if path.is_file()]
    everything = b"".join([*files, *((ran.out + ran.err).encode() for ran in outputs)])
    assert (False, False) == (PRIVATE.encode() in everything, PRIVATE[84:120].encode() in everything)


def test_wrong_proofs(project: Repository, mirror: Path) -> None:
    """One that is gone is made again, as it was; one that proves nothing is exit 6, and 7 for `verify`, and stays."""
    publish(project, "1.0.0", **KEY)
    lost, tampered = (mirror / "hello" / "v1.0.0" / name for name in PROOFS)
    before = lost.read_bytes()
    lost.unlink()
    tampered.write_bytes(tampered.read_bytes().replace(b"A", b"B"))
    ran = project.shipways("verify")
    assert 7 == ran.code
    assert "manifest.json.minisig: nothing is there" in ran.err
    assert "provenance.intoto.jsonl: a statement that key 51A7929DD99CEC9F has not signed is there" in ran.err
    forged = tampered.read_bytes()
    ran = publish(project, "1.0.0", **KEY)
    assert (6, before, forged) == (ran.code, lost.read_bytes(), tampered.read_bytes()), ran.err


def test_wrong_key(project: Repository, mirror: Path) -> None:
    """Without the right key nothing is built; what it holds nobody sees."""
    ran = publish(project, "1.0.0", SHIPWAYS_SIGNING_KEY=OTHER[1])
    assert (3, True) == (ran.code, "SHIPWAYS_SIGNING_KEY: is key " in ran.err), ran.err
    assert (False, False) == (OTHER[1] in ran.out + ran.err, mirror.exists())
    assert "start   builders" not in ran.err


def test_none(project: Repository, mirror: Path) -> None:
    """A config may say that nothing is signed."""
    text = (project.root / "shipways.toml").read_text()
    project.file("shipways.toml", text.replace(f'"key"\npublic_key = "{PUBLIC}"', '"none"'))
    project.commit()
    assert 0 == publish(project, "1.0.0").code
    assert not [path for path in mirror.rglob("*") if path.name in PROOFS]
