"""The guide to migrate: its commands are run, and what it says of files and words is so."""

import re
from pathlib import Path

import pytest

from migrating import FIXTURES, home
from shipways.cli import run
from shipways.migrate.rules import State

GUIDE = (Path(__file__).parent.parent.parent / "deployment/docs/MIGRATING-OPENCLAW.md").read_text()
COMMANDS = re.findall(r"```sh\nshipways (.*)\n```", GUIDE)


@pytest.mark.parametrize("command", COMMANDS)
def test_command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, command: str) -> None:
    """S0-31: each ends as the guide says, for somebody who has OpenClaw."""
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    text = (FIXTURES / "current.json5").read_text()
    home(tmp_path, text)
    home(tmp_path, text, "old/openclaw.json")
    assert 1 == run(command.split())
    made = {path.name for path in tmp_path.iterdir() if path.name.startswith("aisopod")}
    assert ({"aisopod.json", "aisopod.env", "aisopod.secrets"} if "--write" in command else set()) == made
    assert [] == [name for name in made if f"`{name}" not in GUIDE]


def test_all_commands_are_found() -> None:
    """Every block is one command of ours, and every state of the report is in the table."""
    assert len(COMMANDS) == GUIDE.count("```") // 2 == 3
    assert [] == [state for state in State if f"| {state} |" not in GUIDE]
