"""A new user on a bare machine: from an installation of shipways by its wheel to a service that answers."""

import re
import shlex
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from machines import Machine, Ran, machine
from sandbox import Repository

pytestmark = [pytest.mark.integration, pytest.mark.slow, pytest.mark.long]

PULSE = Path(__file__).parent.parent / "projects" / "pulse"
INSTALL = (
    "python3 -m venv --without-pip /opt/shipways",
    "pip=$(echo /srv/wheels/pip-*.whl); "
    "python3 $pip/pip --python /opt/shipways install --no-index --find-links /srv/wheels shipways",
    "ln -s /opt/shipways/bin/shipways /usr/local/bin/shipways",
)
"""Debian's Python has neither pip nor the network here: pip comes as a wheel too."""
ASK = "import urllib.request as u; print(u.urlopen('http://127.0.0.1:8080/health', timeout=5).read().decode())"


def wheels(distributions: Repository, folder: Path, python: str) -> None:
    """Our wheel, and those that it needs with that Python, as an index of the house would have them."""
    (ours,) = (distributions.root / "dist").glob("shipways-*-py3-none-any.whl")
    pip = (sys.executable, "-m", "pip", "download", "--quiet", "--only-binary=:all:", f"--dest={folder}")
    pip += (f"--python-version={python}",)
    subprocess.run((*pip, str(ours), "pip"), check=True, timeout=300)
    shutil.copy(ours, folder)


def by_hand(host: Machine, *words: str, cwd: str = "/srv") -> Ran:
    """A command of somebody who has nothing of these tests."""
    return host.run(*words, env={"PYTHONPATH": "", "HOME": "/root"}, cwd=cwd)


@pytest.fixture(scope="module")
def user(
    distributions: Repository, tmp_path_factory: pytest.TempPathFactory, pytestconfig: pytest.Config
) -> Iterator[tuple[Machine, float]]:
    """A bare machine whose user has followed the quick start; how many seconds that took."""
    top = tmp_path_factory.mktemp("user")
    kept = pytestconfig.cache.mkdir("images") if pytestconfig.cache else top
    origin = Repository(top / "origin", top / "cache")
    shutil.copytree(PULSE, origin.root, dirs_exist_ok=True, ignore=shutil.ignore_patterns("dist"))
    origin.commit()
    with machine(tmp_path_factory.mktemp("machine"), kept) as host:
        host.shared.chmod(0o755)
        (host.shared / "wheels").mkdir()
        python = host.out("python3", "-c", "import platform; print(platform.python_version())")
        wheels(distributions, host.shared / "wheels", python)
        begin = time.monotonic()
        for line in INSTALL:
            assert 0 == (ran := by_hand(host, "sh", "-ec", line)).code, (line, ran)
        subprocess.run(("git", "clone", "--quiet", origin.root, host.shared / "pulse"), check=True)
        guide = (host.shared / "pulse/deployment/docs/README.md").read_text()
        said = guide.partition("## Linux, by systemd\n")[2].partition("\n## ")[0]
        lines = re.findall(r"^(?:sudo )?(shipways .*)$", said, re.MULTILINE)
        assert 4 == len(lines)
        for line in lines:
            assert 0 == (ran := by_hand(host, *shlex.split(line), cwd="/srv/pulse")).code, (line, ran)
        assert "ok" in host.out("python3", "-c", ASK)
        yield host, time.monotonic() - begin


def test_new_user(user: tuple[Machine, float], capsys: pytest.CaptureFixture[str]) -> None:
    """S1-23, S1-29: installed from its wheel, cloned, configured and deployed as the quick start says, in < 10 min."""
    with capsys.disabled():
        sys.stdout.write(f"\nfrom the wheel to an answer: {user[1]:.1f} s\n")
    assert 600 > user[1]


def test_scripts(user: tuple[Machine, float]) -> None:
    """S1-06: the scripts do the same there: what is installed stays, is controlled, and is uninstalled whole."""
    host = user[0]

    def script(name: str, *words: str) -> Ran:
        return by_hand(host, f"deployment/scripts/{name}.sh", *words, "--system", cwd="/srv/pulse")

    assert (0, "pulse: nothing to do\n") == ((ran := script("install-daemon-linux")).code, ran.out), ran
    assert 0 == (ran := script("daemon-ctl", "restart")).code, ran
    assert (0, True) == ((ran := script("daemon-ctl", "status")).code, "active (running)" in ran.out), ran
    assert 2 == script("daemon-ctl", "dance").code
    assert 0 == (ran := script("daemon-ctl", "uninstall")).code, ran
    assert "" == host.run("sh", "-c", "systemctl list-unit-files | grep pulse").out
    assert 7 == script("daemon-ctl", "status").code
    assert 0 == (ran := script("install-daemon-linux")).code, ran
    assert "ok" in host.out("python3", "-c", ASK)
