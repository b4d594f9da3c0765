"""aisopod's own commands for a configuration, as its specification wants them."""

import json
import subprocess
import urllib.error
from collections.abc import Mapping
from pathlib import Path

import pytest

from aisopods import PROJECT, gateway

pytestmark = pytest.mark.integration

TEMPLATES: Mapping[str, tuple[str, str, str, str]] = {
    "development": ("127.0.0.1", "debug", "none", "data"),
    "production": ("0.0.0.0", "info", "token", "/var/lib/aisopod"),  # noqa: S104 - the specification's
    "docker": ("0.0.0.0", "info", "none", "/data"),  # noqa: S104 - likewise
}
"""Address, level of the log, authentication and data of each."""


def init(program: Path, file: Path, *words: str) -> subprocess.CompletedProcess[str]:
    """`aisopod config init`."""
    argv = (str(program), "config", "init", *words)
    return subprocess.run(
        argv, env={"AISOPOD_CONFIG": str(file)}, capture_output=True, text=True, check=False, timeout=20
    )


def test_default_config(aisopod_program: Path, tmp_path: Path) -> None:
    """S0-29: a default file is written, loads without a warning, and is written over by --force only."""
    file = tmp_path / "new" / "aisopod.json"
    first = init(aisopod_program, file)
    assert (0, f"wrote {file}\n") == (first.returncode, first.stdout)
    env = {"AISOPOD_CONFIG": str(file), "AISOPOD_DATA_DIR": str(tmp_path)}
    with gateway(aisopod_program, env=env) as running:
        assert "ok" == running.get("/health")["status"]
        assert running.get("/v1/status")["configured"]
    assert "listening" in running.log
    assert not [line for line in running.log.splitlines() if " WARN " in line or " ERROR " in line]
    written = file.read_text()
    file.write_text("mine")
    again = init(aisopod_program, file)
    assert (1, "mine") == (again.returncode, file.read_text())
    assert "--force" in again.stderr
    assert (0, written) == (init(aisopod_program, file, "--force").returncode, file.read_text())


@pytest.mark.parametrize("template", TEMPLATES)
def test_templates(aisopod_program: Path, tmp_path: Path, template: str) -> None:
    """S0-30: each template has what its place needs, and the program starts with it.

    It warns of nothing but that everybody is let in, which is the business of who publishes the port of a container.
    """
    file = tmp_path / "aisopod.json"
    assert 0 == init(aisopod_program, file, "--template", template).returncode
    assert (PROJECT / "templates" / f"{template}.json").read_text() == file.read_text()
    told = json.loads(file.read_text())
    found = (told["gateway"]["bind"]["address"], told["logging"]["level"], told["auth"]["mode"], told["data_dir"])
    assert TEMPLATES[template] == found
    env = {"AISOPOD_CONFIG": str(file), "AISOPOD_DATA_DIR": str(tmp_path)}
    if template == "production":
        refused = subprocess.run(
            (str(aisopod_program), "gateway"), env=env, capture_output=True, text=True, check=False
        )
        assert (78, True) == (refused.returncode, "AISOPOD_AUTH_TOKEN" in refused.stderr)
        env |= {"AISOPOD_AUTH_TOKEN": "of-the-test"}
    with gateway(aisopod_program, env=env) as running:
        assert "ok" == running.get("/health")["status"]
        if template == "production":
            with pytest.raises(urllib.error.HTTPError, match="401"):
                running.get("/v1/status")
        assert running.get("/v1/status", {"Authorization": "Bearer of-the-test"})["configured"]
    assert "address=127.0.0.1" in running.log if template == "development" else "address=0.0.0.0" in running.log
    warned = [line for line in running.log.splitlines() if " WARN " in line or " ERROR " in line]
    everybody = "reachable from outside and auth.mode is none"
    assert [True] * (template == "docker") == [everybody in each for each in warned]


def test_templates_are_those_of_the_table() -> None:
    """S0-30: there is no template that is not tried above."""
    assert set(TEMPLATES) == {path.stem for path in (PROJECT / "templates").glob("*.json")}
