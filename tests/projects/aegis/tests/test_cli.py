"""The command line."""

import signal
from pathlib import Path

import pytest
import uvicorn
from fastapi import FastAPI

from aegis_qa.cli import EX_CONFIG, main


def test_serve(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It serves at the address and port, with the history where AEGIS_DB_PATH says."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("AEGIS_DB_PATH", "elsewhere/h.db")
    served: list[tuple[str, str, int]] = []
    main(["serve", "--host", "0.0.0.0", "--port", "1"], lambda app, host, port: served.append((app.title, host, port)))  # noqa: S104 - nothing listens
    assert served == [("Aegis", "0.0.0.0", 1)]  # noqa: S104
    assert [path.name for path in tmp_path.iterdir()] == ["elsewhere"]


def test_server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is uvicorn that serves, and SIGTERM ends with 0."""
    monkeypatch.chdir(tmp_path)
    asked: dict[str, object] = {}

    def run(app: FastAPI, **options: object) -> None:
        asked.update(options, title=app.title)
        signal.raise_signal(signal.SIGTERM)

    monkeypatch.setattr(uvicorn, "run", run)
    before = signal.getsignal(signal.SIGTERM)
    try:
        with pytest.raises(SystemExit) as ended:
            main(["serve"])
    finally:
        signal.signal(signal.SIGTERM, before)
    assert ended.value.code == 0
    assert (asked["host"], asked["port"], asked["title"]) == ("127.0.0.1", 8000, "Aegis")


@pytest.mark.parametrize(("name", "value"), [("AEGIS_CONFIG", "nowhere.yaml"), ("AEGIS_DB_PATH", "/dev/null/h.db")])
def test_wrong(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], name: str, value: str
) -> None:
    """It ends with 78 before it listens, and says what is wrong."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv(name, value)
    with pytest.raises(SystemExit) as ended:
        main(["serve"], lambda *_: pytest.fail("it serves"))
    assert ended.value.code == EX_CONFIG
    assert value in capsys.readouterr().err
