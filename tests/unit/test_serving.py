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
        (["--new-token", "a b"], "error: --new-token: 'a b' cannot be the name of a token"),
        (["--new-token", "loopback"], "error: --new-token: 'loopback' cannot be the name of a token"),
        (["--new-token", "ann", "--scopes", ""], "error: --scopes: there is no scope ''"),
        (["--new-token", "ann", "--scopes", "read,all"], "error: --scopes: there is no scope 'all'"),
    ],
)
def test_bad_words(folder: Path, words: list[str], told: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Each is told with its option and what was expected, as a wrong command line."""
    assert 2 == run(["serve", *words])
    assert told == capsys.readouterr().err.splitlines()[0]
    assert not (folder / "tokens").exists()


def test_new_token(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """It is printed once, with the scopes that are said; a name is taken once."""
    assert 0 == run(["serve", "--new-token", "ann", "--scopes", "deploy, read"])
    assert 1 == len(capsys.readouterr().out.split())
    assert ["ann", "read,deploy"] == (folder / "tokens").read_text().split()[:2]
    assert 2 == run(["serve", "--new-token", "ann"])
    told = capsys.readouterr()
    assert ("", f"error: {folder}/tokens: there is a token ann") == (told.out, told.err.splitlines()[0])


@pytest.mark.parametrize("words", [[], ["--new-token", "bob"]], ids=["serve", "a new token"])
@pytest.mark.parametrize("mode", [0o620, 0o602, 0o666])
def test_others_write_the_tokens(folder: Path, words: list[str], mode: int, capsys: pytest.CaptureFixture[str]) -> None:
    """A file that others may write lets nobody in: no token is made in it, and nothing is served by it."""
    assert 0 == run(["serve", "--new-token", "ann"])
    before = (folder / "tokens").read_bytes()
    (folder / "tokens").chmod(mode)
    capsys.readouterr()
    assert 3 == run(["serve", *words])
    told = capsys.readouterr()
    assert ("", True) == (told.out, f"error: {folder}/tokens: can be written by others" in told.err)
    assert (before, False) == ((folder / "tokens").read_bytes(), (folder / "state").exists())


@pytest.mark.parametrize("words", [[], ["--new-token", "bob"]], ids=["serve", "a new token"])
def test_unreadable_tokens(folder: Path, words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    """What cannot be read is told; a folder is such for everybody, root included."""
    (folder / "tokens").mkdir(mode=0o700)
    assert 3 == run(["serve", *words])
    assert f"error: {folder}/tokens: cannot be read\n  why: Is a directory\n" == capsys.readouterr().err


def test_a_bad_line(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """It is told with the file and its number."""
    (folder / "tokens").write_text("# nobody\nann read\n")
    (folder / "tokens").chmod(0o600)
    assert 2 == run(["serve"])
    told = capsys.readouterr().err.splitlines()[0]
    assert f"error: {folder}/tokens, line 2: is not a name, scopes and a digest" == told
