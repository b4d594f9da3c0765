"""`verify --tag`: an audit from another machine, which downloads everything and installs it as users do."""

from collections.abc import Iterator
from dataclasses import dataclass, fields
from pathlib import Path

import pytest

from fleet import Bare, Fleet, elsewhere, fleet
from registries import docker_engine
from sandbox import Repository
from shipways.rehearse.index import StoredFile

pytestmark = pytest.mark.integration


@pytest.fixture(scope="module")
def released(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Fleet]:
    """A release that is public."""
    folder = tmp_path_factory.mktemp("released")
    with fleet(folder / "registry") as made:
        project = made.project(Repository(folder / "repository", folder / "cache"))
        ran = project.shipways("release", "--publish", env=made.env)
        assert 0 == ran.code, ran.err
        yield made


@pytest.fixture
def auditor(released: Fleet, tmp_path: Path) -> Bare:
    """A machine that has the config of today, and no token."""
    return elsewhere(tmp_path, {"shipways.toml": released.config()})


ENV = {"NO_PROXY": "127.0.0.1", "GH_TOKEN": "", "GITHUB_TOKEN": "", "SHIPWAYS_PYPI_TOKEN": ""}


def test_audit(released: Fleet, auditor: Bare) -> None:
    """Every byte is downloaded from every place, and nothing is changed or left behind."""
    del released
    ran = auditor.shipways("verify", "--tag", "v1.0.0", env=ENV)
    assert 0 == ran.code, ran.err
    assert "nothing differs" in ran.err
    told = {line.split()[0]: int(line.split()[1]) for line in ran.err.splitlines() if "what was made" in line}
    assert (13, 2, 13) == tuple(told[name] for name in ("github", "pypi", "registry")), ran.err
    assert "nothing was installed: --install does that" in ran.err
    assert ([], False) == (auditor.objects(), (auditor.root / "dist").exists())


@dataclass(frozen=True, slots=True, kw_only=True)
class Tampered(StoredFile):
    """A file of an index that has other bytes than its page says."""

    told: str

    @property
    def sha256(self) -> str:
        return self.told


def drift(auditor: Bare, *told: str) -> None:
    """Exit 7 with each of these, and only as many problems."""
    ran = auditor.shipways("verify", "--tag", "v1.0.0", "--install", env=ENV)
    assert (7, len(told)) == (ran.code, ran.err.count("error: ")), ran.err
    assert [] == [text for text in told if text not in ran.err], ran.err
    assert "nothing was installed, since what is there is not what was made" in ran.err


def test_tampered_asset(released: Fleet, auditor: Bare) -> None:
    """GitHub tells the digest of before: only the download shows it."""
    release = released.hub.forge.published("v1.0.0")
    assert release is not None
    asset = next(asset for asset in release.assets.values() if asset.name.endswith("SUMS"))
    kept, asset.data = asset.data, b"other"
    drift(auditor, "github/v1.0.0/truth-1.0.0-SHA256SUMS: sha256:d9298a10d1b0")
    asset.data = kept


def test_tampered_wheel(released: Fleet, auditor: Bare) -> None:
    """So does the page of an index."""
    name, kept = next(iter(released.index.files.items()))
    told = {each.name: getattr(kept, each.name) for each in fields(kept)}
    released.index.files[name] = Tampered(**told | {"data": b"other"}, told=kept.sha256)
    drift(auditor, f"pypi/{name}: sha256:d9298a10d1b0")
    released.index.files[name] = kept


def test_tampered_layer(released: Fleet, auditor: Bare) -> None:
    """A registry is asked for all that an image is made of."""
    blobs = released.images.repository("team/truth").blobs
    digest = max(blobs, key=lambda blob: released.images.path(blob).stat().st_size)
    place = released.images.path(digest)
    kept = place.read_bytes()
    place.write_bytes(b"other")
    drift(auditor, f"blobs/{digest.replace(':', '/')}): sha256:d9298a10d1b0")
    place.write_bytes(kept)


def test_tampered_tag_and_lost_asset(released: Fleet, auditor: Bare) -> None:
    """Every problem is told at once."""
    stored = released.images.repository("team/truth")
    kept = stored.tags["1.0.0"]
    other = next(digest for digest in stored.manifests if digest != kept)
    stored.tags["1.0.0"] = other
    release = released.hub.forge.published("v1.0.0")
    assert release is not None
    lost = next(number for number, asset in release.assets.items() if asset.name == "truth.rb")
    asset = release.assets.pop(lost)
    drift(auditor, f"team/truth:1.0.0: {other} is there, not {kept}", "github/v1.0.0/truth.rb: nothing is there")
    stored.tags["1.0.0"], release.assets[lost] = kept, asset


def test_manifest_of_another_tag(released: Fleet, auditor: Bare) -> None:
    """A manifest that is not that of the tag, or leads out of its folder, is not followed."""
    release = released.hub.forge.published("v1.0.0")
    assert release is not None
    asset = next(asset for asset in release.assets.values() if asset.name == "manifest.json")
    kept = asset.data
    asset.data = kept.replace(b'"tag": "v1.0.0"', b'"tag": "v9.0.0"')
    asset.data = asset.data.replace(b'"path": "truth-1.0.0-SHA256SUMS"', b'"path": "../SUMS"')
    ran = auditor.shipways("verify", "--tag", "v1.0.0", env=ENV)
    assert (6, True) == (ran.code, "is that of v9.0.0, not of v1.0.0" in ran.err), ran.err
    assert "'../SUMS', which cannot be that of an artifact" in ran.err
    asset.data = kept


def test_no_manifest(released: Fleet, auditor: Bare) -> None:
    """A tag without a release is said so, with exit 3."""
    del released
    ran = auditor.shipways("verify", "--tag", "v2.0.0", env=ENV)
    assert (3, True) == (ran.code, "v2.0.0: no place has the manifest" in ran.err), ran.err


@pytest.mark.long
def test_install(released: Fleet, auditor: Bare) -> None:
    """A wheel in a new environment, an image by its digest; the rest says why not."""
    del released
    with docker_engine() as engine:
        ran = auditor.shipways("verify", "--tag", "v1.0.0", "--install", env={**ENV, "DOCKER_HOST": engine.host})
    assert 0 == ran.code, ran.err
    told = " ".join(ran.err.split())
    assert "pypi/truth 1.0.0 installs, and prints 1.0.0" in told
    assert "team/truth 1.0.0 installs, and prints 1.0.0" in told
    assert "formula/truth 1.0.0 not tried: there is no brew on PATH" in told
