"""Each trouble of the rendered TROUBLESHOOTING is made, and goes away by the fix that stands there.

What needs Docker, or takes the memory or the disk of the machine, is named in ELSEWHERE.
"""

import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import pytest

from aisopods import PROJECT
from deploying import answering
from programs import smallest
from sandbox import Repository
from shipways.adapters.files import DiskFiles
from shipways.config.load import parse
from shipways.pipeline.renderers import RENDERERS
from shipways.run.rendering import rendered_files, write
from support import facts, free_port, need

pytestmark = [
    pytest.mark.integration,
    pytest.mark.long,
    pytest.mark.skipif(sys.platform != "linux", reason="the troubles are those of Linux"),
]

ELSEWHERE: Final[Mapping[str, str]] = {
    "It is killed, with exit code 137": "test_services_on_systemd.py takes too much memory (/eat)",
    "The disk is full": "nobody fills the disk of a machine for a test",
}
VAX: Final = 75
"""A processor that no machine of today emulates by itself."""
REQUIRED: Final = 'AISOPOD_KEY = { description = "A key", secret = true, required = true }\n'


@dataclass(frozen=True)
class Site:
    """A clone of aisopod, with its port and a variable that has to be filled in, and its program."""

    repository: Repository
    programs: Path
    port: int

    @property
    def trouble(self) -> str:
        """The document."""
        return (self.repository.root / "deployment" / "docs" / "TROUBLESHOOTING.md").read_text()

    def section(self, words: str) -> str:
        """The section whose heading has these words."""
        (found,) = (each for each in self.trouble.split("\n## ") if words in each.splitlines()[0])
        return found

    def command(self, words: str, number: int = 0) -> str:
        """A command of it."""
        lines: list[str] = re.findall(r"^```sh\n(.*?)^```$", self.section(words), re.MULTILINE | re.DOTALL)
        return "\n".join(lines).splitlines()[number]

    def shell(self, line: str) -> str:
        """What a command of the document prints, run as it stands there by who is root already."""
        done = subprocess.run(
            ("sh", "-euc", line.removeprefix("sudo ")),
            cwd=self.repository.root,
            capture_output=True,
            text=True,
            check=False,
            timeout=30,
        )
        return f"{done.stdout}{done.stderr}"

    def render(self, text: str) -> None:
        """Write the config, and all that follows from it."""
        self.repository.file("shipways.toml", text)
        files = rendered_files(parse(text, "shipways.toml"), facts(aisopod="0.1.0"), RENDERERS)
        write(DiskFiles(), self.repository.root, files)

    def argv(self) -> tuple[str, ...]:
        """The service in the foreground."""
        return (sys.executable, "-m", "shipways", "service", "run", "aisopod", "--programs", str(self.programs))

    def env(self, **more: str) -> dict[str, str]:
        """Variables of nobody but the test, on top of those that Python needs."""
        root = self.repository.root
        mine = {"AISOPOD_CONFIG": str(root / "none.json"), "AISOPOD_DATA_DIR": str(root / "kept"), "AISOPOD_KEY": "k"}
        return {name: value for name, value in {**os.environ, **mine, **more}.items() if value}

    def fails(self, **more: str) -> tuple[int, str]:
        """It ends by itself: its status, and what it says."""
        done = subprocess.run(
            self.argv(),
            cwd=self.repository.root,
            env=self.env(**more),
            capture_output=True,
            text=True,
            check=False,
            timeout=30,
        )
        return done.returncode, done.stderr

    @contextmanager
    def runs(self, **more: str) -> Iterator[None]:
        """It runs."""
        argv, env = self.argv(), self.env(**more)
        with subprocess.Popen(argv, cwd=self.repository.root, env=env, stderr=subprocess.DEVNULL) as process:
            try:
                yield
            finally:
                process.terminate()

    def healthy(self, **more: str) -> bool:
        """Whether it runs and answers the question of the document."""
        with self.runs(**more):
            return any("200 OK" in self.asked() for _ in range(40))

    def asked(self) -> str:
        """What curl says to the command of the document."""
        time.sleep(0.1)
        return self.shell(self.command("it is not healthy"))


@pytest.fixture
def site(repository: Repository, aisopod_program: Path, tmp_path: Path) -> Site:
    """The service, as it should be."""
    need("curl")
    programs = tmp_path / "bin"
    programs.mkdir()
    shutil.copy(aisopod_program, programs / "aisopod")
    made = Site(repository, programs, free_port())
    text = (PROJECT / "shipways.toml").read_text().replace("18789", str(made.port))
    made.render(text.replace("[service.aisopod.env]\n", f"[service.aisopod.env]\n{REQUIRED}"))
    return made


def test_every_trouble_is_here_or_elsewhere(site: Site) -> None:
    """S1-23: at least five troubles, each of which a test below makes."""
    headings = re.findall(r"^## (?:aisopod: )?(.*)$", site.trouble, re.MULTILINE)
    here = [
        f"port {site.port} is taken",
        "permission denied in /data",
        "it is not healthy",
        "A variable is missing",
        "The profile is unknown",
        "exec format error",
    ]
    assert sorted([*here, *ELSEWHERE]) == sorted(headings)


def test_port_is_taken(site: Site) -> None:
    """S1-23: another program has the port: it says so; stopped, or with another port in the config, it runs."""
    with answering(200, b"mine") as taken:
        text = (site.repository.root / "shipways.toml").read_text()
        site.render(text.replace(str(site.port), str(taken)))
        code, said = site.fails()
        assert (1, True) == (code, "Address already in use" in said), said
        assert "already in use" in site.section("is taken")
        if shutil.which("ss"):
            assert f":{taken}" in site.shell(site.command("is taken"))
        site.render(text)
        assert site.healthy()
        assert f":{site.port}" in site.section("it is not healthy")
        site.render(text.replace(str(site.port), str(taken)))
    assert site.healthy()


def test_permission_is_denied(site: Site) -> None:
    """S1-23: a folder of somebody else's is told by its number, and the document's chown makes it the program's."""
    if os.geteuid() != 0:
        pytest.skip("only root gives folders to others")
    folder = Path("/var/tmp") / f"troubles-{os.getpid()}"
    folder.mkdir(mode=0o700)
    shutil.copy(site.programs / "aisopod", folder.with_suffix(".program"))
    argv = (str(folder.with_suffix(".program")), "gateway", "--allow-unconfigured", "--port", str(site.port))
    env = {"AISOPOD_DATA_DIR": str(folder)}
    try:
        folder.with_suffix(".program").chmod(0o755)
        first = subprocess.run(
            argv, env=env, user=1000, group=1000, capture_output=True, text=True, check=False, timeout=20, cwd="/"
        )
        assert (1, True) == (first.returncode, "Permission denied" in first.stderr), first
        look, mend = (site.command("permission denied", each).replace("FOLDER", str(folder)) for each in range(2))
        assert [0, 0] == [int(word) for word in site.shell(look).split()[2:4]]
        assert "" == site.shell(mend)
        with subprocess.Popen(argv, env=env, user=1000, group=1000, stderr=subprocess.DEVNULL, cwd="/") as process:
            assert any("200 OK" in site.asked() for _ in range(40))
            process.terminate()
    finally:
        shutil.rmtree(folder)
        folder.with_suffix(".program").unlink()


def test_it_is_not_healthy(site: Site) -> None:
    """S1-23: where it listens to itself only, no answer comes, as the document says; at the right address one does."""
    with site.runs(AISOPOD_BIND="127.0.0.2"):
        time.sleep(1.5)
        assert "200" not in site.asked()
    assert f"0.0.0.0:{site.port}" in site.section("it is not healthy")
    assert site.healthy(AISOPOD_BIND="")


def test_a_variable_is_missing(site: Site) -> None:
    """S1-23: it ends with 78 and the name; the document's command shows where, and it runs once that is filled in."""
    code, said = site.fails(AISOPOD_KEY="")
    assert (78, True) == (code, "AISOPOD_KEY: is not set" in said)
    assert "AISOPOD_KEY=\n" in site.shell(site.command("A variable is missing"))
    example = (site.repository.root / "deployment" / "config" / ".env.example").read_text()
    filled = re.sub(r"^(AISOPOD_BIND|AISOPOD_CONFIG|AISOPOD_DATA_DIR)=.*$", "", example, flags=re.MULTILINE)
    site.repository.file(".env", filled.replace("AISOPOD_KEY=\n", "AISOPOD_KEY=filled\n"))
    assert site.healthy(AISOPOD_KEY="")


def test_the_profile_is_unknown(site: Site) -> None:
    """S1-15, S1-23: another word than the three is refused with 78; one of those that the document lists is taken."""
    code, said = site.fails(ENV_PROFILE="production")
    assert (78, True) == (code, "there is no profile" in said)
    assert "dev, staging, prod" in site.section("The profile is unknown")
    site.repository.file(".env", "ENV_PROFILE=staging\n")
    assert site.healthy(ENV_PROFILE="")


def test_exec_format_error(site: Site) -> None:
    """S1-23: a program for another processor cannot be started; `uname -m` tells which one this machine has."""
    assert os.uname().machine == site.shell(site.command("exec format error")).strip()
    program = site.programs / "other"
    program.write_bytes(smallest(VAX))
    program.chmod(0o755)
    with pytest.raises(OSError, match="Exec format error"):
        subprocess.run((str(program),), check=False, timeout=10)
