"""`shipways migrate openclaw` as users run it."""

import json
from pathlib import Path

import pytest

from migrating import FIXTURES, PLACES, home
from shipways.cli import run


@pytest.fixture
def mine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home folder, in which the verb runs."""
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize(("name", "code"), [("current", 1), ("clawdbot", 1), ("ancient", 0)])
def test_migrate(mine: Path, capsys: pytest.CaptureFixture[str], name: str, code: int) -> None:
    """S0-31: found, told and written, each time the same; no secret in what is printed or in the configuration."""
    source = home(mine, (FIXTURES / f"{name}.json5").read_text(), PLACES[name])
    before = source.read_bytes()
    assert code == run(["migrate", "openclaw"])
    assert [source] == [path for path in mine.rglob("*") if path.is_file()]
    dry = capsys.readouterr()
    told = []
    for _ in range(2):
        assert code == run(["migrate", "openclaw", "--write", "out/aisopod.json"])
        told.append(capsys.readouterr())
    assert told[0] == told[1]
    printed = "".join((*dry, *told[0]))
    assert "canary" not in printed + (mine / "out/aisopod.json").read_text()
    assert "canary" in (mine / "out/aisopod.env").read_text()
    assert "openclaw.json:5" in printed or "clawdbot.json:3" in printed
    assert before == source.read_bytes()


def test_exit_codes(mine: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """0 clean, 1 lossy, 2 invalid, which the help says; --json tells the same code."""
    clean = '{gateway: {bind: "loopback", auth: {mode: "token", token: "${T}"}}}'
    codes = []
    for text in (clean, "{cron: {}}", "{gateway: {port: 0}}", "{"):
        home(mine, text)
        codes.append(run(["migrate", "openclaw"]))
    assert [0, 1, 2, 2] == codes
    place = home(mine, clean, "elsewhere.json")
    capsys.readouterr()
    assert 0 == run(["migrate", "openclaw", "--json", "--config", "elsewhere.json"])
    told = json.loads(capsys.readouterr().out)
    assert (str(place), 0, "gateway.bind") == (told["config"], told["exit"], told["rows"][0]["key"])
    run(["migrate", "openclaw", "--help"])
    assert "0 clean, 1 lossy" in capsys.readouterr().out


def test_the_input_is_never_written(mine: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Not even with --force, and not through an include."""
    home(mine, "{meta: {}}", ".openclaw/inner.json")
    home(mine, "{$include: 'inner.json'}")
    for name in ("openclaw.json", "inner.json"):
        assert 2 == run(["migrate", "openclaw", "--force", "--write", f".openclaw/{name}"])
    assert "is what OpenClaw reads" in capsys.readouterr().err
