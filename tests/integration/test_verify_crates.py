"""`verify` of crates: what a registry sends is compared, and installed by the real cargo."""

import subprocess
from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from cargoing import WORKSPACE, Cargo
from crating import CANARY, TWO, VARIABLE
from sandbox import Ran, Repository
from shipways.rehearse.crates import Crates
from shipways.rehearse.serving import served
from support import need

pytestmark = pytest.mark.integration

MAIN = """fn main() { println!("pair-app {} {}", env!("CARGO_PKG_VERSION"), pair_core::word()) }\n"""


@dataclass
class Released:
    """A workspace that is published, and its registry."""

    project: Repository
    crates: Crates

    def verify(self, *words: str) -> Ran:
        """Without a token."""
        return self.project.shipways("verify", *words, env={VARIABLE: ""})


@pytest.fixture(scope="module")
def released(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Released]:
    """Two crates."""
    need("cargo", "rustc")
    rust = subprocess.run(("rustc", "--version"), capture_output=True, text=True, check=True).stdout.split()[1]
    crates, folder = Crates(tokens={CANARY}), tmp_path_factory.mktemp("crates")
    with served(crates.app) as url:
        project = Repository(folder / "project", folder / "cache")
        Cargo(project.root, url).write({**WORKSPACE, "app/src/main.rs": MAIN})("generate-lockfile")
        project.file("shipways.toml", TWO.format(rust=rust))
        project.file(".gitignore", "/dist/\n/home/\n")
        project.commit().git("tag", "v1.0.0")
        ran = project.shipways("release", "--publish", "--engine", "host", env={VARIABLE: CANARY})
        assert 0 == ran.code, ran.err
        yield Released(project, crates)


def test_tampered(released: Released) -> None:
    """The index tells the checksum of before: only the download shows that the bytes are others."""
    ran = released.verify()
    assert (0, True) == (ran.code, "2 downloads are what was made" in ran.err), ran.err
    published = released.crates.versions["pair-core"]["1.0.0"]
    kept, published.data = published.data, b"other"
    ran = released.verify()
    assert (7, 1) == (ran.code, ran.err.count("error: ")), ran.err
    assert "error: crates/pair-core/1.0.0: sha256:d9298a10d1b0" in ran.err
    published.data = kept


@pytest.mark.long
def test_install(released: Released) -> None:
    """S0-20: cargo installs the program, which prints its version; a library has nothing to install."""
    ran = released.verify("--install")
    told = " ".join(ran.err.split())
    assert 0 == ran.code, ran.err
    assert "crates/pair-app 1.0.0 installs, and prints 1.0.0" in told
    assert "crates/pair-core 1.0.0 has nothing to install, as a library" in told
