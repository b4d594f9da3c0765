"""`shipways serve` as a process: tokens, jobs that outlive it, its end, and what it prints for sudo."""

import re
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from asking import CANARY, wish
from serving import argv, environment, serving
from support import free_port

pytestmark = pytest.mark.integration
CONFIG = """
[project]
name = "trial"

[serve]
listen = "127.0.0.1:{port}"
state = "{folder}/state"
sources = ["{folder}/sources"]
hosts = ["deploy@127.0.0.1:9", "127.0.0.1:9"]

[serve.ssh]
tender = "tender"
known_hosts = "{folder}/known_hosts"

[serve.access]
tokens = "{folder}/tokens"
"""


class Place:
    """A folder with a config, and what runs there."""

    def __init__(self, folder: Path, port: int) -> None:
        self.folder, self.url = folder, f"http://127.0.0.1:{port}"
        (folder / "sources/pulse").mkdir(parents=True)
        (folder / "sources/pulse/Dockerfile").write_text("FROM scratch\n")
        (folder / "known_hosts").write_text("")
        (folder / "tender").write_text("")
        (folder / "shipways.toml").write_text(CONFIG.format(folder=folder, port=port))
        self.running: list[subprocess.Popen[bytes]] = []

    def run(self, *words: str) -> subprocess.CompletedProcess[str]:
        """`shipways serve` with these words, to its end."""
        return subprocess.run(
            argv(*words), cwd=self.folder, env=environment(), capture_output=True, text=True, check=False
        )

    def start(self) -> subprocess.Popen[bytes]:
        """It serves when this returns."""
        process = serving(self.folder, self.url)
        self.running.append(process)
        return process


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    """What runs there is ended."""
    made = Place(tmp_path, free_port())
    yield made
    for process in made.running:
        process.kill()
        process.wait()


def asked_for(place: Place) -> dict[str, object]:
    """A request that is in order."""
    return wish(service_path=f"{place.folder}/sources/pulse", deployment_method="docker")


def test_outlives(place: Place) -> None:
    """S2-03, S2-05: a job in its middle outlives kill -9: it is there with its history, goes on, and can be cancelled.

    The value of a variable is in no file any more when the job has ended, and never in an argument or the log.
    """
    word = place.run("--new-token", "ann", "--scopes", "read,deploy,hold").stdout.strip()
    with httpx.Client(
        base_url=place.url, headers={"authorization": f"Bearer {word}"}, trust_env=False, timeout=60
    ) as http:
        first = place.start()
        job = http.post("/deploy", json=asked_for(place)).json()["deploy_job_id"]
        while http.get(f"/deploy/{job}").json()["status"] != "running":
            time.sleep(0.05)
        assert CANARY.encode() not in Path(f"/proc/{first.pid}/cmdline").read_bytes()
        assert "unhealthy" == http.get("/health").json()["status"]
        first.kill()
        first.wait()
        second = place.start()
        assert [job] == [each["deploy_job_id"] for each in http.get("/deploy/history/pulse").json()]
        assert "running" == http.get(f"/deploy/{job}").json()["status"]
        http.post(f"/deploy/{job}/cancel")
        while (ended := http.get(f"/deploy/{job}").json())["status"] == "running":
            time.sleep(0.1)
        assert ("failed", True) == (ended["status"], "cancelled by ann" in ended["error"])
        second.send_signal(signal.SIGTERM)
        assert 0 == second.wait(30)
    files = [path for path in place.folder.rglob("*") if path.is_file()]
    assert [] == [path for path in files if CANARY.encode() in path.read_bytes() or word.encode() in path.read_bytes()]


def test_token(place: Place) -> None:
    """A token is printed once and alone; a name is taken once; a scope that there is not is refused."""
    made = place.run("--new-token", "ann")
    assert (0, "", 1) == (made.returncode, made.stderr, len(made.stdout.split()))
    assert ["ann", "read,deploy"] == (place.folder / "tokens").read_text().split()[:2]
    for words in (("--new-token", "ann"), ("--new-token", "a b"), ("--new-token", "bob", "--scopes", "all")):
        refused = place.run(*words)
        assert (2, "") == (refused.returncode, refused.stdout)
        assert "error: " in refused.stderr


def test_refuses(place: Place) -> None:
    """It does not start with a bad file of tokens, a port that is taken, or without its table; it says which."""
    (place.folder / "tokens").write_text("ann read\n")
    assert (2, True) == ((ran := place.run()).returncode, "line 1" in ran.stderr)
    (place.folder / "tokens").unlink()
    place.start()
    busy = place.run()
    assert (3, True) == (busy.returncode, "another `shipways serve`" in busy.stderr)
    config = (place.folder / "shipways.toml").read_text()
    (place.folder / "shipways.toml").write_text(config.replace("/state", "/state-2"))
    assert (3, True) == ((ran := place.run()).returncode, "serve.listen" in ran.stderr)
    (place.folder / "shipways.toml").write_text('[project]\nname = "trial"\n')
    assert (2, True) == ((ran := place.run()).returncode, "serve: there is no such table" in ran.stderr)


def test_placed(place: Place) -> None:
    """What is said of the address and the folder goes before the config, and is looked at as that is."""
    wrong = place.run("--listen", "here", "--state", "there")
    assert (2, ["--listen", "--state"]) == (
        wrong.returncode,
        re.findall(r"^error: (--\w+)", wrong.stderr, re.MULTILINE),
    )


def test_sudoers(place: Place) -> None:
    """A rule for each user but root is printed; that deployments need no more is proven where hosts have it."""
    printed = place.run("--sudoers").stdout
    assert ["deploy"] == [line.split()[0] for line in printed.splitlines() if not line.startswith("#")]
    assert "NOPASSWD: /usr/bin/" in printed


def test_packaged(place: Place) -> None:
    """The config of the package is one, and is found where it is said to be."""
    packaged = Path(__file__).parent.parent.parent / "packaging/config/shipways.toml"
    (etc := place.folder / "etc").mkdir()
    (etc / "shipways.toml").write_bytes(packaged.read_bytes())
    printed = place.run("--config", str(etc / "shipways.toml"), "--sudoers")
    assert (0, True) == (printed.returncode, "deploy ALL=(root)" in printed.stdout)
