"""`deploy` and `rollback` of programs under a real systemd as PID 1."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from composing import go_program
from machines import Machine, machine
from sandbox import Repository

pytestmark = [pytest.mark.integration, pytest.mark.long]

PULSE = Path(__file__).parent.parent / "projects/pulse"
CONFIG = """
[project]
name = "beats"
source_archive = false

[package.beat]
build = "prebuilt"
version = "1.0.0"
sbom = false
prebuilt.files = { x86_64-unknown-linux-musl = "bin/beat" }

[image.beat]
package = "beat"
command = ["serve"]

[service.beat]
image = "beat"
port = 8123
health = "/health"
stop_time = "2s"
env.PULSE_ADDR = { default = "{address}:{port}" }
probe = { interval = "300ms", timeout = "500ms", start_period = "2s", retries = 2 }

[deploy.here]
kind = "systemd"
wait = "5s"
"""
BROKEN = 'package main\n\nimport "os"\n\nfunc main() {\n\tprintln("no room left")\n\tos.Exit(3)\n}\n'
STATE = "/usr/local/lib/shipways/beat"


@dataclass(frozen=True)
class Ground:
    """A project that is built here and deployed there."""

    project: Repository
    host: Machine
    programs: Path

    def build(self, version: str, program: str) -> None:
        """What lies in dist/ afterwards is this program under this version."""
        self.project.carry(self.programs / program, version)

    def shipways(self, *words: str) -> tuple[int, str]:
        """The exit code, and what was said."""
        ran = self.host.shipways(*words, cwd="/srv/beats")
        return ran.code, ran.out + ran.err

    def version(self) -> str:
        """The end of the program that runs: its process's own file."""
        there = "/proc/$(pidof beat)/exe"
        return self.host.out("sh", "-c", f"tail -c 5 {there}; curl -sf http://127.0.0.1:8123/health >/dev/null || true")


@pytest.fixture(scope="module")
def ground(tmp_path_factory: pytest.TempPathFactory, pytestconfig: pytest.Config) -> Iterator[Ground]:
    """The machine, and version 1.0.0 deployed for the first time."""
    folder = tmp_path_factory.mktemp("systemd")
    kept = pytestconfig.cache.mkdir("images") if pytestconfig.cache else folder
    go_program(PULSE, folder / "good")
    (folder / "source").mkdir()
    (folder / "source/main.go").write_text(BROKEN)
    (folder / "source/go.mod").write_text("module program\n\ngo 1.24\n")
    go_program(folder / "source", folder / "broken")
    with machine(tmp_path_factory.mktemp("machine"), kept) as host:
        host.shared.chmod(0o755)
        project = Repository(host.shared / "beats", folder / "cache")
        project.file("shipways.toml", CONFIG)
        project.file(".gitignore", "/dist/\n")
        made = Ground(project, host, folder)
        made.build("1.0.0", "good")
        code, said = made.shipways("deploy", "here")
        assert (0, "1.0.0") == (code, made.version()), said
        yield made


def test_again_and_back_and_forth(ground: Ground) -> None:
    """S1-28: again nothing is done; a new version runs, rollback returns, once more goes forward."""
    pid = ground.host.out("pidof", "beat")
    code, said = ground.shipways("deploy", "here")
    assert (0, pid) == (code, ground.host.out("pidof", "beat")), said
    ground.build("1.1.0", "good")
    for words, expected in (
        (("deploy", "here"), "1.1.0"),
        (("rollback", "here"), "1.0.0"),
        (("rollback", "here"), "1.1.0"),
    ):
        code, said = ground.shipways(*words)
        assert (0, expected) == (code, ground.version()), said
    assert 3 == len(ground.host.out("ls", STATE).split()), "two programs and what is known of them"


def test_another_unit_of_the_same_program(ground: Ground) -> None:
    """A changed variable is deployed; one with which it does not work, or a rollback, returns to the unit of before."""
    config = ground.project.root / "shipways.toml"
    text, before = config.read_text(), ground.version()

    def says(env: str) -> tuple[int, str]:
        config.write_text(text.replace("env.PULSE_ADDR", f"{env}\nenv.PULSE_ADDR"))
        return ground.shipways("deploy", "here")

    def unit() -> str:
        return ground.host.out("sh", "-c", "tr '\\0' '\\n' < /proc/$(pidof beat)/environ | grep -a SAYS || true")

    for env in ('env.SAYS = { default = "one" }', 'env.SAYS = { default = "two" }'):
        code, said = says(env)
        assert 0 == code, said
    assert "SAYS=two" == unit()
    code, said = ground.shipways("deploy", "here")
    assert (0, True) == (code, "1 there" in said), said
    code, said = ground.shipways("rollback", "here")
    assert (0, "SAYS=one", before) == (code, unit(), ground.version()), said
    config.write_text(text.replace("{address}:{port}", "nowhere:1"))
    code, said = ground.shipways("deploy", "here")
    assert (8, "SAYS=one", before) == (code, unit(), ground.version()), said
    config.write_text(text)
    assert 0 == ground.shipways("deploy", "here")[0]


def test_one_that_does_not_work(ground: Ground) -> None:
    """The unit does not get ready: the program of before is in its place again, and runs."""
    before = ground.version()
    ground.build("2.0.0", "broken")
    code, said = ground.shipways("deploy", "here")
    assert (8, before) == (code, ground.version()), said
    assert "returned" in said, said
    ground.build("2.0.1", "good")
    code, said = ground.shipways("deploy", "here")
    assert (0, "2.0.1") == (code, ground.version()), said


def test_changed_by_hand(ground: Ground) -> None:
    """A program that somebody has written over is another, and becomes what it should be."""
    ground.host.out("sh", "-c", "cp /usr/local/bin/beat /tmp/b && printf x >> /tmp/b && mv /tmp/b /usr/local/bin/beat")
    code, said = ground.shipways("deploy", "here")
    assert (0, True) == (code, "applied" in said), said


def test_killed_between(ground: Ground) -> None:
    """The program was written, and its service not started from it: the next run does that."""
    ground.build("3.0.0", "good")
    ground.host.out("cp", "--remove-destination", "/srv/beats/bin/beat", "/usr/local/bin/beat")
    code, said = ground.shipways("deploy", "here")
    assert (0, "3.0.0") == (code, ground.version()), said


def test_the_first_that_fails_leaves_nothing(ground: Ground) -> None:
    """Neither a program, nor a unit, nor what is known of them."""
    ground.host.out("python3", "-m", "shipways", "--version")
    code, said = ground.host.shipways("service", "uninstall", "--system", cwd="/srv/beats").code, ""
    assert 0 == code, said
    ground.host.out("rm", "-rf", STATE, "/usr/local/bin/beat")
    ground.build("4.0.0", "broken")
    code, said = ground.shipways("deploy", "here")
    assert 8 == code, said
    for path in (STATE, "/usr/local/bin/beat", "/etc/systemd/system/beat.service"):
        assert 0 != ground.host.run("test", "-e", path).code, path
