"""The commands of the documents, run by a shell."""

import os
import re
import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final

import pytest

from deploying import HEAD, SHOP, answering
from shipways.adapters.files import DiskFiles
from shipways.config.load import parse
from shipways.pipeline.renderers import RENDERERS
from shipways.run.rendering import rendered_files, write
from support import facts, need

pytestmark = pytest.mark.integration

ELSEWHERE: Final[Mapping[str, str]] = {
    "amtool": "test_monitoring.py runs it on the same files",
    "cd": "goes with the clone",
    "docker": "needs an engine, and images that are released",
    "fly": "needs an account, and flyctl",
    "git clone": "needs a network",
    "git push": "needs a network",
    "kubectl": "needs a cluster",
    "shipways service": "test_services_on_systemd.py runs it on a real systemd",
    "promtool": "test_monitoring.py runs it on the same files",
    "ss": "what listens depends on the machine",
    "sudo": "changes the machine",
}
"""Commands that are not run here, and why."""
PROBE: Final = '[service.shop.probe]\ncommand = ["/usr/local/bin/shop", "check"]\n'


@pytest.fixture
def project(tmp_path: Path) -> Iterator[Path]:
    """A rendered project in git, whose service answers."""
    root = tmp_path / "shop"
    with answering(200, b"ok\n") as port:
        text = HEAD + SHOP.replace("8080", str(port)).replace("health =", 'metrics = "/metrics"\nhealth =') + PROBE
        write(DiskFiles(), root, rendered_files(parse(text, "shipways.toml"), facts(shop="1.0.0"), RENDERERS))
        (root / ".gitignore").write_text(".env\n")
        subprocess.run(("git", "init", "--quiet"), cwd=root, check=True)
        yield root


def commands(root: Path) -> list[str]:
    """Every line of a shell that a document has."""
    texts = [path.read_text() for path in sorted(root.rglob("*.md"))]
    blocks = [block for text in texts for block in re.findall(r"^```sh\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)]
    return [line.replace("FOLDER", "deployment/volumes") for block in blocks for line in block.splitlines()]


def elsewhere(line: str) -> str:
    """The words for which a command is not run here, or nothing."""
    return next((words for words in ELSEWHERE if f"{line} ".startswith(f"{words} ")), "")


def test_commands(project: Path) -> None:
    """S1-23: what needs a shell alone ends well, from the top of the project; all the rest is named above."""
    need("curl")
    lines = commands(project)
    assert set(ELSEWHERE) == {elsewhere(line) for line in lines} - {""}
    ours = [line for line in lines if not elsewhere(line)]
    names = {line.split()[0] for line in ours}
    assert {
        "chmod",
        "cp",
        "curl",
        "deployment/scripts/health-check.sh",
        "df",
        "git",
        "grep",
        "ls",
        "mkdir",
        "uname",
    } == names
    for line in dict.fromkeys(ours):
        env = {"PATH": os.environ["PATH"]}
        done = subprocess.run(("sh", "-euc", line), cwd=project, env=env, capture_output=True, text=True, check=False)
        assert 0 == done.returncode, f"{line}\n{done.stdout}{done.stderr}"
    assert "SHOP_TOKEN=\n" in (project / ".env").read_text()
    assert 0o600 == (project / ".env").stat().st_mode & 0o777


def test_links(project: Path) -> None:
    """S1-24: every file that a document leads to, or names by its whole path, is there."""
    for path in project.rglob("*.md"):
        text = path.read_text()
        for link in re.findall(r"\]\(([^)]+)\)", text):
            assert (path.parent / link).exists(), f"{path}: {link}"
        for named in re.findall(r"`(deployment/[\w./-]+)`", text):
            assert (project / named).exists(), f"{path}: {named}"
