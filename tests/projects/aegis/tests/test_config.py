"""What the configuration may say."""

from pathlib import Path

import pytest

from aegis_qa.config import AegisConfig, ConfigError, database, load

GOOD = """
history_db_path: mine.db
services:
  web: { url: "http://127.0.0.1:9" }
workflows:
  smoke: { steps: [{ service: web }] }
"""


def test_file(tmp_path: Path) -> None:
    """Everything in it is read, and the flag wins over the environment."""
    (tmp_path / "good.yaml").write_text(GOOD)
    config = load(str(tmp_path / "good.yaml"), {"AEGIS_CONFIG": "/nowhere"})
    assert config == load(None, {"AEGIS_CONFIG": str(tmp_path / "good.yaml")})
    assert list(config.services) == ["web"]
    assert (config.workflows["smoke"].steps[0].path, config.workflows["smoke"].steps[0].status) == ("/health", 200)


def test_default(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a file there is nothing to check; an empty one says as much."""
    monkeypatch.chdir(tmp_path)
    assert AegisConfig() == load(None, {})
    (tmp_path / ".aegis.yaml").write_text("# nothing\n")
    assert AegisConfig() == load(None, {})


def test_database() -> None:
    """AEGIS_DB_PATH wins over the file; one that is empty is none."""
    config = AegisConfig(history_db_path="mine.db")
    assert Path("/data/other.db") == database(config, {"AEGIS_DB_PATH": "/data/other.db"})
    assert Path("mine.db") == database(config, {"AEGIS_DB_PATH": ""})


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("services: [", "while parsing"),
        ("- 1", "file: Input should be a valid dictionary"),
        ("servces: {}", "servces: Extra inputs are not permitted"),
        ("services: { web: { url: 'ftp://x' } }", "services.web.url: URL scheme should be 'http' or 'https'"),
        ("workflows: { smoke: { steps: [{ service: web }] } }", "workflow smoke: there is no service web"),
        ("workflows: { smoke: { steps: [] } }", "workflows.smoke.steps: Tuple should have at least 1 item"),
    ],
)
def test_wrong(tmp_path: Path, text: str, said: str) -> None:
    """The message names the file and the place in it."""
    path = tmp_path / "wrong.yaml"
    path.write_text(text)
    with pytest.raises(ConfigError) as caught:
        load(str(path), {})
    assert str(path) in str(caught.value)
    assert said in str(caught.value)


def test_missing(tmp_path: Path) -> None:
    """A file that is named must be there, and be a file."""
    for path in (tmp_path / "nowhere", tmp_path):
        with pytest.raises(ConfigError, match=str(path)):
            load(str(path), {})
