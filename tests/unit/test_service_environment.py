"""The environment of a service, checked before it starts."""

from pathlib import Path

import pytest

from shipways.adapters.files import DiskFiles
from shipways.config.load import parse
from shipways.config.services import Profile
from shipways.deploy.services import services
from shipways.errors import Misconfigured
from shipways.model.service import LINUX, Service
from shipways.run.environment import environment

PROJECT = """
[project]
name = "p"
[package.app]
build = "go"
[image.app]
package = "app"
[service.app]
image = "app"
[service.app.env]
LEVEL = { default = "info", dev = "debug", required = true }
DATABASE_URL = { required = true, description = "Where its data is" }
CLAUDE_API_KEY = { required = true, secret = true }
OPENAI_API_KEY = { secret = true }
"""
GIVEN = {"DATABASE_URL": "db://x", "CLAUDE_API_KEY": "canary"}


def app(profile: Profile = "prod") -> Service:
    return services(parse(PROJECT, "shipways.toml"), LINUX, profile)[0]


@pytest.mark.parametrize("name", GIVEN)
@pytest.mark.parametrize("empty", [{}, {"DATABASE_URL": "", "CLAUDE_API_KEY": ""}])
def test_each_required_variable(name: str, empty: dict[str, str]) -> None:
    """S1-13: each required variable that is missing, or empty, is named; no value of another is."""
    env = {key: value for key, value in GIVEN.items() if key != name} | {k: v for k, v in empty.items() if k == name}
    with pytest.raises(Misconfigured) as caught:
        environment(app(), env, {}, DiskFiles())
    assert ([name], 78) == ([problem.path for problem in caught.value.problems], caught.value.exit_code)
    assert not any(value in str(caught.value) for value in GIVEN.values())


def test_all_at_once() -> None:
    """S1-13: all that is missing is told at once."""
    with pytest.raises(Misconfigured) as caught:
        environment(app(), {}, {}, DiskFiles())
    assert ["DATABASE_URL", "CLAUDE_API_KEY"] == [problem.path for problem in caught.value.problems]
    assert "Where its data is" == caught.value.problems[0].why


def test_precedence() -> None:
    """S1-15: a variable of the environment wins over one of the file, that over the value of the profile."""
    file, files = {"LEVEL": "warn", "EXTRA": "1", **GIVEN}, DiskFiles()
    assert "error" == environment(app(), {"LEVEL": "error"}, file, files)["LEVEL"]
    assert "warn" == environment(app(), {"LEVEL": ""}, file, files)["LEVEL"]
    assert ["info", "debug"] == [environment(app(p), GIVEN, {}, files)["LEVEL"] for p in ("prod", "dev")]
    assert "1" == environment(app(), {}, file, files)["EXTRA"]


def test_secret_from_a_file(tmp_path: Path) -> None:
    """S1-16: NAME_FILE is a file with the value of NAME, without the line break at its end."""
    (tmp_path / "key").write_text("s3cret\n")
    env = {"DATABASE_URL": "x", "CLAUDE_API_KEY_FILE": str(tmp_path / "key")}
    found = environment(app(), env, {}, DiskFiles())
    assert ("s3cret", False) == (found["CLAUDE_API_KEY"], "CLAUDE_API_KEY_FILE" in found)


@pytest.mark.parametrize(
    ("content", "why"),
    [(None, "No such file"), (b"", "empty"), (b"\n", "empty"), (b"\xff", "UTF-8"), (b"a\0b", "text")],
)
def test_secret_that_cannot_be_read(tmp_path: Path, content: bytes | None, why: str) -> None:
    """S1-16: a file that is not there, is empty or no text is told by the variable that names it."""
    if content is not None:
        (tmp_path / "key").write_bytes(content)
    env = {"DATABASE_URL": "x", "CLAUDE_API_KEY_FILE": str(tmp_path / "key")}
    with pytest.raises(Misconfigured, match="CLAUDE_API_KEY_FILE: names a file without a value") as caught:
        environment(app(), env, {}, DiskFiles())
    assert why in caught.value.problems[0].why


def test_secret_twice(tmp_path: Path) -> None:
    """S1-16: a value and a file of it at once is an error, since nobody knows which is meant."""
    (tmp_path / "key").write_text("other")
    with pytest.raises(Misconfigured, match="is set, and so is CLAUDE_API_KEY_FILE"):
        environment(app(), {**GIVEN, "CLAUDE_API_KEY_FILE": str(tmp_path / "key")}, {}, DiskFiles())
