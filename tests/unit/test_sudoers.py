"""The rule that hosts need for a user who is not root: printed for whatever table names hosts."""

from pathlib import Path

import pytest

from moored import CONFIG
from shipways.cli import run

SERVE = """
[serve]
sources = ["/srv"]
hosts = ["eve@d", "root@e", "ada@f"]
ssh.root = "/srv/shipways"
"""


@pytest.mark.parametrize(
    ("config", "expected"),
    [
        (CONFIG, [("ada", "/opt/shipways")]),
        (CONFIG.replace("ada@a", "root@a"), []),
        (CONFIG + SERVE, [("ada", "/opt/shipways"), ("ada", "/srv/shipways"), ("eve", "/srv/shipways")]),
    ],
)
def test_sudoers(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    config: str,
    expected: list[tuple[str, str]],
) -> None:
    """One for each user and root folder, of [serve] and of [deploy.NAME]; none for root."""
    (tmp_path / "shipways.toml").write_text(config)
    monkeypatch.chdir(tmp_path)
    assert 0 == run(("serve", "--sudoers"))
    rules = [line.split() for line in capsys.readouterr().out.splitlines() if not line.startswith("#")]
    assert expected == [(words[0], words[-1].removesuffix("/bin/tender")) for words in rules]


def test_without_hosts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """Where nothing names hosts it is an error that says so."""
    (tmp_path / "shipways.toml").write_text(CONFIG.partition("[deploy.prod]")[0])
    monkeypatch.chdir(tmp_path)
    assert 2 == run(("serve", "--sudoers"))
    assert "no [deploy.NAME] of kind" in capsys.readouterr().err
