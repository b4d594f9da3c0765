"""`shipways service run`: the environment is checked, then the program takes the place of shipways."""

import os
import resource
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from sandbox import Ran, Repository

pytestmark = [
    pytest.mark.integration,
    pytest.mark.skipif(sys.platform == "win32", reason="it takes the place of a process, as Unix can"),
]

CONFIG = """
[project]
name = "p"
[package.app]
build = "go"
[image.app]
package = "app"
command = ["serve", "{port}", "a b"]
[service.app]
image = "app"
port = 8080
[service.app.env]
LEVEL = { default = "info", dev = "debug", staging = "notice" }
DATABASE_URL = { required = true }
API_KEY = { required = true, secret = true }
"""
PROGRAM = '#!/bin/sh\necho "$$ $ENV_PROFILE $LEVEL $DATABASE_URL $API_KEY $*"\n'
GIVEN = {"DATABASE_URL": "canary-url", "API_KEY": "canary-key", "ENV_PROFILE": "", "LEVEL": ""}


@pytest.fixture
def app(repository: Repository) -> Repository:
    """A project with a service, and its program."""
    repository.file("shipways.toml", CONFIG)
    repository.file("bin/app", PROGRAM, mode=0o755)
    return repository


def run(app: Repository, *options: str, **env: str) -> Ran:
    return app.shipways("service", "run", "app", "--programs", str(app.root / "bin"), *options, env={**GIVEN, **env})


@pytest.mark.parametrize("missing", ["DATABASE_URL", "API_KEY"])
def test_required_variable(app: Repository, missing: str) -> None:
    """S1-13: without a required variable: 78 in less than two seconds of work, its name, and no value of another."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    ran = run(app, **{missing: ""})
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    assert (78, "") == (ran.code, ran.out)
    assert f"error: {missing}: is not set, and app does not start without it" in ran.err
    assert "canary" not in ran.err
    assert 2 > (after.ru_utime + after.ru_stime) - (before.ru_utime + before.ru_stime)


@pytest.mark.parametrize(
    ("profile", "level"),
    [("", "prod info"), ("dev", "dev debug"), ("staging", "staging notice"), ("prod", "prod info")],
)
def test_profiles(app: Repository, profile: str, level: str) -> None:
    """S1-15: the profile of ENV_PROFILE, or of --profile, chooses values; prod where nobody says another."""
    expected = f"{level} canary-url canary-key serve 8080 a b"
    for ran in (run(app, ENV_PROFILE=profile), run(app, *(("--profile", profile) if profile else ()))):
        assert (0, expected) == (ran.code, ran.out.strip().partition(" ")[2]), ran.err


@pytest.mark.parametrize("options", [(), ("--profile", "production")])
def test_unknown_profile(app: Repository, options: tuple[str, ...]) -> None:
    """S1-15: an unknown profile is refused with 78 and those that there are."""
    ran = run(app, *options, ENV_PROFILE="production")
    assert 78 == ran.code
    assert "there is no profile 'production'" in ran.err
    assert "dev, staging, prod" in ran.err


def test_precedence(app: Repository) -> None:
    """S1-15: the environment before the file, the file before the config; the file's values are as they stand there."""
    app.file(".env", "LEVEL=from-file\nDATABASE_URL='$HOME #1'\nENV_PROFILE=dev\n")
    assert "dev from-file $HOME #1" in run(app, DATABASE_URL="").out
    assert "dev from-env canary-url" in run(app, LEVEL="from-env").out
    app.file("other.env", "LEVEL=other\n")
    assert "prod other" in run(app, "--env-file", str(app.root / "other.env")).out


def test_secret_file(app: Repository) -> None:
    """S1-16: a secret is read from the file that NAME_FILE names."""
    app.file("key", "from-a-file\n")
    ran = run(app, API_KEY="", API_KEY_FILE=str(app.root / "key"))
    assert "canary-url from-a-file serve" in ran.out


def test_config_that_is_bad(app: Repository) -> None:
    """A config with a fault ends with 78 too: starting it again would not help."""
    app.file("shipways.toml", CONFIG + "\n[servce.app]\n")
    assert 78 == run(app).code


def test_program_that_is_missing(app: Repository) -> None:
    """A program that is nowhere is told by its path, with 78."""
    (app.root / "bin" / "app").unlink()
    ran = run(app)
    assert 78 == ran.code
    assert f"{app.root}/bin/app: there is no such program" in ran.err


def test_takes_its_place(app: Repository) -> None:
    """The program has the process of shipways, so that a signal to that reaches it."""
    app.file("bin/app", "#!/bin/sh\ntrap 'exit 9' TERM\necho $$\nwhile :; do sleep 0.1; done\n", mode=0o755)
    argv = (sys.executable, "-m", "shipways", "service", "run", "app", "--programs", str(app.root / "bin"))
    with subprocess.Popen(argv, cwd=app.root, env=os.environ | GIVEN, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        assert str(process.pid) == process.stdout.readline().strip()
        process.send_signal(signal.SIGTERM)
        assert 9 == process.wait(20)


def test_service_install_needs_its_program(app: Repository, tmp_path: Path) -> None:
    """The programs of a service are looked for before anything is written."""
    tools = tmp_path / "tools"
    tools.mkdir()
    (tools / "systemctl").write_text("#!/bin/sh\nexit 1\n")
    (tools / "systemctl").chmod(0o755)
    env = {"PATH": f"{tools}:{os.environ['PATH']}", "HOME": str(tmp_path)}
    ran = app.shipways("service", "install", "--programs", "/nowhere", env=env)
    assert (3, True) == (ran.code, "/nowhere/app: there is no such program" in ran.err), ran
    assert not (tmp_path / ".config").exists()
