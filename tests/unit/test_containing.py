"""Services of Docker Compose, as backups see them: over answers in the form of Docker 20.10 and Compose 2.40."""

import json
from pathlib import Path

import anyio
import pytest

from backing import SHOP
from deploying import HEAD
from shipways.adapters.vault import DiskVault
from shipways.config.load import parse
from shipways.deploy.services import services
from shipways.errors import PreflightError, Unfinished
from shipways.model.service import CONTAINER
from shipways.ports import Completed
from shipways.run.containing import Contained
from shipways.run.pausing import Charge
from shipways.testing.process import ScriptedProcess


class Engine:
    """One container, whose volume is a folder; what it was told."""

    def __init__(self, source: Path | None, status: str = "running") -> None:
        self.mounts = [{"Type": "volume", "Source": str(source), "Destination": "/data"}] if source else []
        self.status, self.refuses, self.there = status, "", True
        self.process = ScriptedProcess(self.answer)

    def answer(self, argv: tuple[str, ...]) -> Completed | None:
        if argv[:2] == ("docker", "inspect"):
            old = {"Created": "2026-01-01", "State": {"Status": "exited"}, "Mounts": []}
            new = {"Created": "2026-01-02", "State": {"Status": self.status}, "Mounts": self.mounts}
            return Completed(code=0, stdout=json.dumps([old, new]), stderr="")
        if argv[4] == "ps":
            return Completed(code=0, stdout="old\nnew\n" if self.there else "", stderr="")
        return Completed(code=1, stdout="", stderr="no such image") if argv[4] == self.refuses else None

    def contained(self) -> Contained:
        """Its service."""
        (service,) = services(parse(HEAD + SHOP, "shipways.toml"), CONTAINER)
        return Contained(process=self.process, file=Path("/srv/compose.yml"), service=service)


def test_folders(tmp_path: Path) -> None:
    """Each data directory is the folder of the volume that the newest container has there."""
    assert {"main": tmp_path} == anyio.run(Engine(tmp_path).contained().folders, DiskVault())


@pytest.mark.parametrize(("there", "said"), [(True, "no volume there"), (False, "has no container")])
def test_no_folders(there: bool, said: str) -> None:
    """Without a container, or a volume in it, there is nothing to back up."""
    engine = Engine(None)
    engine.there = there
    with pytest.raises(PreflightError, match=said):
        anyio.run(engine.contained().folders, DiskVault())


def test_an_engine_elsewhere(tmp_path: Path) -> None:
    """A volume that is not to be seen here is on another machine."""
    with pytest.raises(PreflightError, match="is not to be seen"):
        anyio.run(Engine(tmp_path / "elsewhere").contained().folders, DiskVault())


@pytest.mark.parametrize(
    ("status", "up"), [("running", True), ("paused", True), ("restarting", True), ("exited", False)]
)
def test_up(tmp_path: Path, status: str, up: bool) -> None:
    """One that starts again by itself is up."""
    assert up == anyio.run(Engine(tmp_path, status).contained().up)


def test_control(tmp_path: Path) -> None:
    """A start makes nothing anew and waits until it is healthy; one that fails is an error with the reason."""
    engine = Engine(tmp_path)
    anyio.run(engine.contained().control, "stop")
    anyio.run(engine.contained().control, "start")
    words = " ".join(engine.process.ran[-1])
    assert "docker compose --file /srv/compose.yml up --detach --no-deps --no-build --no-recreate --wait shop" == words
    engine.refuses = "up"
    with pytest.raises(Unfinished, match="no such image"):
        anyio.run(engine.contained().control, "start")


def test_snapshot_lies_in_the_volume(tmp_path: Path) -> None:
    """The hook of a container writes into its own data directory, which this machine sees too."""
    contained = Engine(tmp_path).contained()
    charge = Charge(
        project="shop", service=contained.service, folders={"main": tmp_path / "volume"}, behind=contained.behind
    )
    here, inside = charge.snapshot("main", tmp_path)
    assert (tmp_path / "volume" / ".shipways-snapshot", "/data/.shipways-snapshot") == (here, inside)
    assert ("exec", "-T", "shop") == charge.behind[-3:]
