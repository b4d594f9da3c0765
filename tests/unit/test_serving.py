"""What the command line of `shipways serve` says is looked at before anything is served."""

from pathlib import Path

import pytest

from shipways.cli import run

CONFIG = """
[project]
name = "trial"

[serve]
sources = ["/srv/services"]
hosts = ["host-1"]
state = "{folder}/state"

[serve.ssh]
tender = "tender"

[serve.access]
tokens = "{folder}/tokens"
"""


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """One with a config."""
    (tmp_path / "shipways.toml").write_text(CONFIG.format(folder=tmp_path))
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["--listen", "nonsense"], "error: --listen: expected ADDRESS:PORT, found nonsense"),
        (["--listen", "127.0.0.1:70000"], "error: --listen: expected a port of at most 65535, found 70000"),
        (["--listen", "[::1]:65536"], "error: --listen: expected a port of at most 65535, found 65536"),
    ],
)
def test_bad_words(words: list[str], told: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Each is told with its option and what was expected, as a wrong command line."""
    assert 2 == run(["serve", *words])
    assert told == capsys.readouterr().err.splitlines()[0]
