"""Proofs on GitHub: made, again, for the next release, and over what others left there."""

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from attesting import OTHER, PRIVATE, PROOFS, PUBLIC, Run, key_notary, proofs, released
from forging import Github, at, github, gone_after, never, told
from shipways.config.manifestfile import FILE_NAME
from shipways.errors import Conflict, Unfinished
from shipways.model.outcome import State
from shipways.rehearse.faults import Fault
from shipways.rehearse.forgejson import Asset
from support import need

pytestmark = pytest.mark.integration


@pytest.fixture
def hub() -> Iterator[Github]:
    """An empty repository."""
    with github(apart=True) as made:
        yield made


def every(state: State) -> dict[str, State]:
    """All proofs in one state."""
    return dict.fromkeys(PROOFS, state)


def assets(hub: Github) -> dict[str, Asset]:
    """The files of the one release, by name."""
    (release,) = hub.forge.releases.values()
    return {asset.name: asset for asset in release.assets.values()}


def unpublished(method: str, path: str) -> Fault:
    """A release stays a draft."""
    return Fault.ERROR if method == "PATCH" else Fault.NONE


def test_release(hub: Github, tmp_path: Path) -> None:
    """They are there before the release is public, and minisign itself verifies them; again nothing is done."""
    need("minisign")
    dist = tmp_path / "dist"
    dist.mkdir()
    made, run = released("1.0.0", dist), Run()
    outcome = run.on_github(hub, made, dist)
    assert (every(State.APPLIED), None) == (proofs(outcome), outcome.error()), told(outcome)
    assert "assets" not in hub.writes()[-2][1]
    for name in (FILE_NAME, "SUMS"):
        (tmp_path / "proof").write_bytes(assets(hub)[f"{name}.minisig"].data)
        argv = ("minisign", "-V", "-P", PUBLIC, "-m", dist / name, "-x", tmp_path / "proof")
        assert f"file:{name}" in subprocess.run(argv, check=True, capture_output=True, text=True).stdout
    outcome = run.on_github(hub, made, dist)
    assert (every(State.DONE), []) == (proofs(outcome), hub.writes())
    assert every(State.DONE) == proofs(Run(key_notary((PUBLIC, ""))).on_github(hub, made, dist, apply=False))


def test_signed_by_hand(hub: Github, tmp_path: Path) -> None:
    """What minisign has made with the same key is as good as ours."""
    need("minisign")
    dist = tmp_path / "dist"
    dist.mkdir()
    made, run = released("1.0.0", dist), Run()
    run.on_github(hub, made, dist)
    (tmp_path / "key").write_text(f"untrusted comment: minisign encrypted secret key\n{PRIVATE}\n")
    argv = ("minisign", "-S", "-s", tmp_path / "key", "-m", dist / "SUMS", "-x", tmp_path / "proof")
    subprocess.run(argv, check=True, capture_output=True)
    assets(hub)["SUMS.minisig"].data = (tmp_path / "proof").read_bytes()
    assert every(State.DONE) == proofs(run.on_github(hub, made, dist))


def test_stage_is_made_anew(hub: Github, tmp_path: Path) -> None:
    """Before anything is public, proofs of what was staged before are replaced with it."""
    made, run = released("1.0.0", tmp_path), Run()
    hub.fault = unpublished
    assert isinstance(run.on_github(hub, made, tmp_path).error(), Unfinished)
    hub.fault = never
    mended = released("1.0.0", tmp_path, a_tar_gz=b"mended", SUMS=b"other sums")
    outcome = run.on_github(hub, mended, tmp_path)
    assert (every(State.APPLIED), None) == (proofs(outcome), outcome.error()), told(outcome)
    assert 6 == len(assets(hub))
    assert every(State.DONE) == proofs(run.on_github(hub, mended, tmp_path))


def test_next_release(hub: Github, tmp_path: Path) -> None:
    """The next one has its own; those of the first still prove it."""
    folders = {version: tmp_path / version for version in ("1.0.0", "1.1.0")}
    made = {}
    for version, folder in folders.items():
        folder.mkdir()
        made[version] = released(version, folder)
        assert every(State.APPLIED) == proofs(Run().on_github(hub, made[version], folder))
    for version, folder in folders.items():
        outcome = Run().on_github(hub, made[version], folder, apply=False)
        assert every(State.DONE) == proofs(outcome)


@pytest.mark.parametrize("name", PROOFS)
def test_tampered(hub: Github, tmp_path: Path, name: str) -> None:
    """A proof in which a byte is another one is a conflict, and never written over."""
    made, run = released("1.0.0", tmp_path), Run()
    run.on_github(hub, made, tmp_path)
    asset = assets(hub)[name]
    asset.data = asset.data[:-20] + bytes([asset.data[-20] ^ 1]) + asset.data[-19:]
    outcome = run.on_github(hub, made, tmp_path)
    assert (every(State.DONE) | {name: State.CONFLICT}, []) == (proofs(outcome), hub.writes())
    assert isinstance(outcome.error(), Conflict)
    assert "put it back until this release is finished; else release the next version" in told(outcome)


def test_other_key(hub: Github, tmp_path: Path) -> None:
    """What somebody else has signed is told with their key, and nothing becomes public."""
    made = released("1.0.0", tmp_path)
    hub.fault = unpublished
    Run(key_notary(OTHER)).on_github(hub, made, tmp_path)
    hub.fault = never
    outcome = Run().on_github(hub, made, tmp_path)
    assert (every(State.CONFLICT), None) == (proofs(outcome), hub.forge.published("v1.0.0"))
    assert "a signature by key" in told(outcome)


def test_wrong_subject(hub: Github, tmp_path: Path) -> None:
    """Once a release is public, a proof of ours of other bytes is a conflict as any other."""
    made, run = released("1.0.0", tmp_path), Run()
    run.on_github(hub, made, tmp_path)
    there = assets(hub)
    there["SUMS.minisig"].data = there[f"{FILE_NAME}.minisig"].data
    outcome = run.on_github(hub, made, tmp_path)
    assert every(State.DONE) | {"SUMS.minisig": State.CONFLICT} == proofs(outcome)


def test_other_bytes_are_not_signed(hub: Github, tmp_path: Path) -> None:
    """A file that is not what the manifest says is never signed."""
    made = released("1.0.0", tmp_path)
    (tmp_path / "SUMS").write_bytes(b"forged")
    outcome = Run().on_github(hub, made, tmp_path)
    assert (State.FAILED, None) == (proofs(outcome)["SUMS.minisig"], hub.forge.published("v1.0.0"))
    assert "SUMS: is not what the manifest of this release says" in told(outcome)


FAULTS = [Fault.ERROR, Fault.ERROR_AFTER, Fault.LOST, Fault.LIMIT]


def survives(hub: Github, fault: Fault, number: int, folder: Path) -> None:
    """This fault at that request: all is there after the run, each file sent once; another run changes nothing."""
    made, run = released("1.0.0", folder), Run()
    hub.forge.clear()
    before, hub.fault = hub.forge.last, at(number, fault)
    outcome = run.on_github(hub, made, folder)
    assert (None, 7) == (outcome.error(), hub.forge.last - before), (number, told(outcome))
    hub.fault = never
    assert (every(State.DONE), []) == (proofs(run.on_github(hub, made, folder)), hub.writes())


def count(hub: Github, folder: Path) -> int:
    """How many requests a release makes."""
    Run().on_github(hub, released("1.0.0", folder), folder)
    return len(hub.traffic.requests)


def test_some_faults(hub: Github, tmp_path: Path) -> None:
    """Some fault at every fourth request."""
    for number in range(0, count(hub, tmp_path), 4):
        survives(hub, FAULTS[number // 4 % len(FAULTS)], number, tmp_path)


@pytest.mark.long
@pytest.mark.parametrize("fault", FAULTS)
def test_faults(hub: Github, fault: Fault, tmp_path: Path) -> None:
    """Each fault at each request."""
    for number in range(count(hub, tmp_path)):
        survives(hub, fault, number, tmp_path)


@pytest.mark.long
def test_ends_anywhere(hub: Github, tmp_path: Path) -> None:
    """A run that ends after any request is finished by the next one; nothing is made twice."""
    made, run = released("1.0.0", tmp_path), Run()
    for number in range(count(hub, tmp_path)):
        hub.forge.clear()
        before, hub.fault = hub.forge.last, gone_after(number, Fault.LOST)
        assert isinstance(run.on_github(hub, made, tmp_path).error(), Unfinished), number
        hub.fault = never
        outcome = run.on_github(hub, made, tmp_path)
        assert (None, 7) == (outcome.error(), hub.forge.last - before), (number, told(outcome))
