"""Backups of volumes of Docker Compose, on a real Docker Engine."""

import hashlib
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from composing import (
    Composed,
    busybox,
    compose_plugin,
    compose_program,
    docker_build,
    docker_import,
    seconds_until,
)
from engines import tiny
from registries import DockerEngine, docker_engine, need_dockerd
from sandbox import Ran, Repository
from support import need

pytestmark = [pytest.mark.integration, pytest.mark.slow, pytest.mark.engine]

CONFIG = """
[project]
name = "ledger"
source_archive = false
[package.busybox]
build = "prebuilt"
version = "1.0.0"
sbom = false
prebuilt.files = { x86_64-unknown-linux-musl = "busybox" }
[image.ledger]
package = "busybox"
repositories = ["ledger"]
user = "1000:1000"
volumes = ["/data"]
[service.ledger]
image = "ledger"
data = { main = "/data" }
stop_time = "5s"
command = ["sh", "-c", '''
trap 'ended=1' TERM
until [ "$ended" ]; do n=$((n + 1)); echo $n >> /data/debit; echo $n >> /data/credit; sleep 0.01; done
''']
[service.ledger.probe]
command = ["/bin/test", "-s", "/data/debit"]
interval = "500ms"
[deployment.config]
folder = ""
[deployment.compose]
file = "compose.yml"
"""
HOOK = """
[service.ledger.backup]
hook = ["/bin/sh", "-c", "cp {data.main}/debit {snapshot.main}/debit; id -u > {snapshot.main}/who"]
"""


@dataclass(frozen=True)
class Ledger:
    """A service that writes two files which have to agree whenever it has ended."""

    project: Repository
    up: Composed

    def shipways(self, *words: str) -> Ran:
        """Run shipways beside the engine."""
        env = {"DOCKER_HOST": self.up.engine.host, "LEDGER_IMAGE": "ledger", "HOME": str(self.project.cache)}
        return self.project.shipways("service", *words, "--compose", env=env)

    def folder(self) -> Path:
        """Where its volume is."""
        return Path(self.up.engine.docker("volume", "inspect", "--format", "{{.Mountpoint}}", "ledger_ledger-main"))

    def backup(self) -> Path:
        """Take one, whose digest is what was printed."""
        took = self.shipways("backup", "ledger")
        assert 0 == took.code, took.err
        digest, archive = took.out.split()
        assert digest == hashlib.sha256(Path(archive).read_bytes()).hexdigest()
        return Path(archive)


@pytest.fixture(scope="module")
def ledger(pytestconfig: pytest.Config, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ledger]:
    """It runs, by the rendered file."""
    need_dockerd()
    need("mmdebstrap")
    folder = tmp_path_factory.mktemp("ledger")
    kept = pytestconfig.cache.mkdir("images") if pytestconfig.cache else folder
    argv = compose_program(pytestconfig.cache.mkdir("compose") if pytestconfig.cache else folder)
    project = Repository(folder / "repository", folder / "cache")
    project.file("shipways.toml", CONFIG)
    project.commit()
    assert 0 == project.shipways("render").code
    with docker_engine() as engine, compose_plugin(argv, folder):
        build(engine, kept, folder)
        up = Composed(argv, engine, project.root / "compose.yml", {"LEDGER_IMAGE": "ledger"})
        try:
            up("up", "--detach", "--wait")
            yield Ledger(project, up)
        finally:
            up.run("down", "--volumes", "--timeout", "1")


def build(engine: DockerEngine, kept: Path, folder: Path) -> None:
    """The image, whose program is a shell."""
    image = folder / "image"
    image.mkdir()
    (image / "busybox").write_bytes(busybox(kept))
    (image / "busybox").chmod(0o755)
    (image / "Dockerfile").write_text(
        "FROM tiny\nCOPY busybox /usr/local/bin/busybox\nRUN mkdir /data && chown 1000:1000 /data\nUSER 1000:1000\n"
    )
    docker_import(engine, tiny(kept, "amd64").layers[0], "tiny", folder)
    docker_build(engine, image, "ledger")


def entries(folder: Path) -> int:
    """How many there are, which both files say."""
    debit, credit = ((folder / name).read_text().split() for name in ("debit", "credit"))
    assert debit == credit
    return len(debit)


def test_backup_and_restore(ledger: Ledger, tmp_path: Path) -> None:
    """S1-27: a backup while it writes, a lost volume, a restore: what comes back is whole, its owner's, and it runs."""
    archive = ledger.backup()
    seconds_until(lambda: ledger.up.healthy("ledger"), 20)
    later = len((ledger.folder() / "debit").read_text().split())
    ledger.up("down", "--volumes", "--timeout", "5")
    assert "has no container" in ledger.shipways("restore", "ledger", str(archive)).err
    ledger.up("up", "--detach")
    torn = tmp_path / "torn"
    torn.write_bytes(archive.read_bytes()[:-1])
    assert 6 == ledger.shipways("restore", "ledger", str(torn), "--force").code
    assert 6 == ledger.shipways("restore", "ledger", str(archive)).code
    ran = ledger.shipways("restore", "ledger", str(archive), "--force")
    assert (0, True) == (ran.code, "the data of before is kept" in ran.err), ran.err
    assert ledger.up.healthy("ledger")
    ledger.up("stop", "ledger")
    restored = entries(ledger.folder())
    (aside,) = ledger.folder().parent.glob("_data.before-*")
    assert (True, True) == (0 < entries(aside), restored < later + entries(aside))
    assert (1000, 1000) == (ledger.folder().stat().st_uid, (ledger.folder() / "debit").stat().st_gid)
    ledger.up("start", "ledger")


def test_hook_in_the_container(ledger: Ledger, tmp_path: Path) -> None:
    """S1-27: the hook copies in the container, as its user, while it runs; nothing of the copy stays in the volume."""
    config = (ledger.project.root / "shipways.toml").read_text()
    ledger.project.file("shipways.toml", config + HOOK)
    begin = ledger.up.told("ledger", ".State.StartedAt")
    time.sleep(0.5)
    archive = ledger.backup()
    assert (begin, {"debit", "credit"}) == (
        ledger.up.told("ledger", ".State.StartedAt"),
        {path.name for path in ledger.folder().iterdir()},
    )
    ledger.project.file("shipways.toml", config)
    assert 0 == ledger.shipways("restore", "ledger", str(archive), "--force").code
    assert "1000\n" == (ledger.folder() / "who").read_text()
