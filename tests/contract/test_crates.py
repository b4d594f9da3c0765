"""The stand-in of a registry of crates, and what is sent to it, are what the real cargo takes and sends."""

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path

import anyio
import pytest

from cargoing import EVERYTHING, WORKSPACE, Cargo
from crating import CANARY, Run, written
from shipways.adapters.cargoaddresses import CargoAddresses
from shipways.adapters.process import OsProcess
from shipways.adapters.shell import OsShell
from shipways.errors import Unfinished
from shipways.model.outcome import State
from shipways.pack.crate import read_crate, upload_metadata
from shipways.rehearse.crates import Crates
from shipways.rehearse.serving import served
from support import need

pytestmark = pytest.mark.integration

NAMES = ("pair-app", "pair-core")


@pytest.fixture
def crates() -> Crates:
    """What is at the registry, which takes one token."""
    return Crates(tokens={CANARY})


@pytest.fixture
def url(crates: Crates) -> Iterator[str]:
    """Where the registry is."""
    with served(crates.app) as url:
        yield url


@pytest.fixture
def cargo(url: str, tmp_path: Path) -> Cargo:
    """cargo in a workspace of two crates."""
    need("cargo")
    return Cargo(tmp_path / "workspace", url).write(WORKSPACE)


def publish(cargo: Cargo, *names: str) -> None:
    """By cargo itself."""
    for name in names:
        cargo("publish", "--package", name, "--registry", "standin", "--no-verify", "--allow-dirty")


def test_cargo_publishes_and_installs(cargo: Cargo, crates: Crates) -> None:
    """The stand-in takes what cargo publishes, and cargo builds from it what it took."""
    publish(cargo, "pair-core", "pair-app")
    assert [("pair-core", "1.0.0"), ("pair-app", "1.0.0")] == crates.log
    assert "paired" == install(cargo)


def test_cargo_installs_what_is_published_here(cargo: Cargo, crates: Crates, tmp_path: Path) -> None:
    """cargo builds what the channel has published: the files that `cargo package` made, byte for byte."""
    cargo("package", "--workspace", "--registry", "standin", "--no-verify", "--allow-dirty")
    files = {name: cargo.folder / "target" / "package" / f"{name}-1.0.0.crate" for name in NAMES}
    needs = {"pair-app": ("pair-core",), "pair-core": ()}
    manifest = written(tmp_path, "1.0.0", {name: (files[name].read_bytes(), needs[name]) for name in NAMES})
    outcome = Run(cargo.url, tmp_path).publish(manifest)
    assert {State.APPLIED} == {row.state for row in outcome.rows}, outcome.error()
    assert "paired" == install(cargo)


def test_channel_sees_what_cargo_published(cargo: Cargo, crates: Crates, tmp_path: Path) -> None:
    """The same bytes published by cargo are done, yanked by cargo or not."""
    publish(cargo, "pair-core")
    data = crates.versions["pair-core"]["1.0.0"].data
    manifest = written(tmp_path, "1.0.0", {"pair-core": (data, ())})
    for _ in range(2):
        assert [State.DONE] == [row.state for row in Run(cargo.url, tmp_path).publish(manifest).rows]
        cargo("yank", "pair-core", "--version", "1.0.0", "--registry", "standin")
    assert crates.versions["pair-core"]["1.0.0"].entry["yanked"]


def test_metadata(cargo: Cargo, crates: Crates, url: str, tmp_path: Path) -> None:
    """What is sent for a .crate is, to the letter, what cargo sends for it."""
    publish(cargo, "pair-core", "pair-app")
    everything = Cargo(tmp_path / "everything", url).write(EVERYTHING)
    publish(everything, "every-thing")
    addresses = CargoAddresses(OsProcess(), OsShell())
    crates_io = anyio.run(addresses.crates_io, crates.index(url))
    sent = [each for versions in crates.versions.values() for each in versions.values()]
    assert 3 == len(sent)
    for each in sent:
        ours = upload_metadata(read_crate(each.data, "x.crate"), index=crates.index(url), crates_io=crates_io)
        assert json.dumps(each.metadata, indent=1) == json.dumps(ours, indent=1)


def test_addresses(cargo: Cargo, monkeypatch: pytest.MonkeyPatch) -> None:
    """cargo's config tells the index of a name, and cargo itself that of crates.io, though it may not go out."""
    monkeypatch.chdir(cargo.folder)
    monkeypatch.setenv("CARGO_NET_OFFLINE", "true")
    monkeypatch.setenv("NO_PROXY", "*")
    addresses = CargoAddresses(OsProcess(), OsShell())
    assert f"sparse+{cargo.url}/index/" == anyio.run(addresses.index, "standin")
    crates_io = anyio.run(addresses.index, "")
    assert crates_io.startswith("sparse+https://")
    assert "" == anyio.run(addresses.crates_io, crates_io)
    with pytest.raises(Unfinished, match="nobody"):
        anyio.run(addresses.index, "nobody")


def test_addresses_without_cargo(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without cargo the config has to say the URL, and the error says how."""
    monkeypatch.setenv("PATH", str(tmp_path))
    addresses = CargoAddresses(OsProcess(), OsShell())
    assert "sparse+https://index.example/" == anyio.run(addresses.index, "sparse+https://index.example/")
    for name in ("", "mine"):
        with pytest.raises(Unfinished, match=r'registry = "sparse\+https'):
            anyio.run(addresses.index, name)


def install(cargo: Cargo) -> str:
    """What the program prints that cargo has installed from the registry."""
    root = cargo.folder / "root"
    cargo("install", "pair-app", "--registry", "standin", "--root", str(root), "--debug")
    return subprocess.run((root / "bin" / "pair-app",), capture_output=True, text=True, check=True).stdout.strip()
