"""`deploy` and `rollback` by Docker Compose on a real Docker Engine, from a real registry."""

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from composing import Composed, compose_plugin, compose_program, go_program
from registries import docker_engine, local_registry, need_dockerd
from sandbox import Repository
from support import free_port, need

pytestmark = [pytest.mark.integration, pytest.mark.slow, pytest.mark.engine]

PULSE = Path(__file__).parent.parent / "projects/pulse"
CONFIG = """
[project]
name = "pair"
source_archive = false

[package.index]
build = "prebuilt"
version = "1.0.0"
sbom = false
prebuilt.files = {{ x86_64-unknown-linux-musl = "bin/index" }}

[package.agent]
build = "prebuilt"
version = "1.0.0"
sbom = false
prebuilt.files = {{ x86_64-unknown-linux-musl = "bin/agent" }}

[image.index]
package = "index"
repositories = ["{host}/team/index"]
platforms = ["linux/amd64"]
command = ["serve"]

[image.agent]
package = "agent"
repositories = ["{host}/team/agent"]
platforms = ["linux/amd64"]
command = ["serve"]

[publish.registry]

[service.index]
image = "index"
port = {index}
health = "/health"
stop_time = "1s"
env.PULSE_ADDR = {{ default = "{{address}}:{{port}}" }}
probe.command = ["/usr/local/bin/index", "check", "http://127.0.0.1:{index}/health"]

[service.agent]
image = "agent"
needs = ["index"]
port = {agent}
health = "/health"
stop_time = "1s"
env.PULSE_ADDR = {{ default = "{{address}}:{{port}}" }}
probe.command = ["/usr/local/bin/agent", "check", "http://127.0.0.1:{agent}/health"]

[deployment.config]
folder = ""

[deployment.compose]
file = "compose.yml"

[deploy.prod]
kind = "compose"
wait = "4s"
"""
BROKEN = 'package main\n\nimport "os"\n\nfunc main() {\n\tprintln("no room left")\n\tos.Exit(3)\n}\n'
SICK = (
    'package main\n\nimport "time"\n\nfunc main() {\n\tprintln("I wait for a database")\n\ttime.Sleep(time.Hour)\n}\n'
)


@dataclass(frozen=True)
class Ground:
    """A project whose images are in a registry, and an engine that runs them."""

    project: Repository
    composed: Composed
    programs: Path

    def release(self, version: str, *, index: str, agent: str) -> None:
        """Publish the two programs under a version; nothing new where its tag is there."""
        for name, program in {"index": index, "agent": agent}.items():
            place = self.project.root / "bin" / name
            place.parent.mkdir(exist_ok=True)
            place.write_bytes((self.programs / program).read_bytes() + version.encode())
            place.chmod(0o755)
        config = self.project.root / "shipways.toml"
        lines = [
            f'version = "{version}"' if line.startswith("version") else line for line in config.read_text().split("\n")
        ]
        config.write_text("\n".join(lines))
        self.project.commit()
        self.project.git("tag", f"v{version}")
        ran = self.project.shipways("release", "--publish")
        assert 0 == ran.code, ran.err

    def shipways(self, *words: str) -> tuple[int, str]:
        """The exit code, and what was said."""
        ran = self.project.shipways(*words, env={"DOCKER_HOST": self.composed.engine.host})
        return ran.code, ran.out + ran.err

    def running(self) -> dict[str, str]:
        """The digest of the image of each service's container."""
        return {name: self.composed.told(name, ".Config.Image").partition("@")[2] for name in ("index", "agent")}


@pytest.fixture(scope="module")
def programs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One that works, one that ends at once, and one that never answers."""
    need("go")
    folder = tmp_path_factory.mktemp("programs")
    go_program(PULSE, folder / "good")
    for name, text in {"broken": BROKEN, "sick": SICK}.items():
        source = folder / f"{name}.source"
        source.mkdir()
        (source / "main.go").write_text(text)
        (source / "go.mod").write_text("module program\n\ngo 1.24\n")
        go_program(source, folder / name)
    return folder


@pytest.fixture(scope="module")
def compose(pytestconfig: pytest.Config, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, ...]]:
    """Compose v2, as a plug-in of docker too: `docker compose` is what users and shipways call."""
    need_dockerd()
    need("docker-registry")
    folder = tmp_path_factory.mktemp("docker")
    argv = compose_program(pytestconfig.cache.mkdir("compose") if pytestconfig.cache else folder)
    with compose_plugin(argv, folder):
        yield argv


@pytest.fixture(scope="module")
def ground(compose: tuple[str, ...], programs: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ground]:
    """Version 1.0.0 is deployed, for the first time."""
    folder = tmp_path_factory.mktemp("deploy")
    project = Repository(folder / "repository", folder / "cache")
    with local_registry(folder) as registry, docker_engine() as engine:
        text = CONFIG.format(host=registry.host, index=free_port(), agent=free_port())
        project.file("shipways.toml", text)
        project.file(".gitignore", "/dist/\n")
        project.commit()
        assert 0 == project.shipways("render").code
        made = Ground(project, Composed(compose, engine, project.root / "compose.yml"), programs)
        made.release("1.0.0", index="good", agent="good")
        code, said = made.shipways("deploy", "prod")
        assert (0, 2) == (code, said.count("applied  nothing → ")), said
        try:
            yield made
        finally:
            made.composed.run("down", "--volumes", "--timeout", "1")


def test_again_and_back_and_forth(ground: Ground) -> None:
    """Again nothing is done; a new version takes over, rollback returns, and once more goes forward."""
    first = ground.running()
    containers = [ground.composed.container(name) for name in first]
    code, said = ground.shipways("deploy", "prod")
    assert (0, True) == (code, "there" in said), said
    assert containers == [ground.composed.container(name) for name in first]
    ground.release("1.1.0", index="good", agent="good")
    code, said = ground.shipways("deploy", "prod", "--dry-run")
    assert (0, first, True) == (code, ground.running(), "to do" in said), said
    code, said = ground.shipways("deploy", "prod")
    second = ground.running()
    assert 0 == code, said
    assert not set(first.values()) & set(second.values())
    for expected in (first, second, first):
        code, said = ground.shipways("rollback", "prod")
        assert (0, expected) == (code, ground.running()), said


def test_another_config_of_the_same_image(ground: Ground) -> None:
    """A changed variable is deployed; one with which nothing works returns to that of before; rollback returns too."""

    def says(text: str) -> tuple[int, str]:
        """Deploy with another variable of both."""
        config = ground.project.root / "shipways.toml"
        lines = [line for line in config.read_text().split("\n") if not line.startswith("env.SAYS")]
        new = f"\nenv.SAYS = {{ default = '{text}' }}"
        config.write_text("\n".join(line + (new if line.startswith("[service.") else "") for line in lines))
        assert 0 == ground.project.shipways("render").code
        return ground.shipways("deploy", "prod")

    def said_by() -> set[str]:
        """What the variable is in both containers."""
        env = " ".join(ground.composed.told(name, ".Config.Env") for name in ("index", "agent"))
        return set(re.findall(r"SAYS=(\w+)", env))

    assert 0 == says("nothing")[0]  # whatever ran before: the images are those of dist/ from here on
    images = ground.running()
    for text in ("one", "two"):
        code, said = says(text)
        assert (0, {text}, images) == (code, said_by(), ground.running()), said
    code, said = ground.shipways("deploy", "prod")
    assert (0, 2) == (code, said.count("  there  ")), said
    code, said = ground.shipways("rollback", "prod")
    assert (0, {"one"}) == (code, said_by()), said
    config = (ground.project.root / "shipways.toml").read_text()
    ground.project.file("shipways.toml", config.replace('default = "{address}:{port}"', 'default = "nowhere:1"', 1))
    code, said = says("three")
    assert (8, {"one"}, images) == (code, said_by(), ground.running()), said
    ground.project.file("shipways.toml", config)
    assert 0 == says("one")[0]


@pytest.mark.parametrize(
    ("program", "reason", "log"),
    [
        ("broken", "last status 3", "no room left"),
        pytest.param("sick", "there was no answer", "I wait for a database", marks=pytest.mark.long),
    ],
)
def test_one_that_does_not_work(ground: Ground, program: str, reason: str, log: str) -> None:
    """Both services return, although one was healthy; the error has the reason and the log; exit 8."""
    before = ground.running()
    ground.release(f"2.0.{len(program)}", index="good", agent=program)
    code, said = ground.shipways("deploy", "prod")
    assert (8, before) == (code, ground.running()), said
    assert (True, True, True) == (reason in said, log in said, said.count("returned") >= 2), said
    ground.release(f"2.1.{len(program)}", index="good", agent="good")
    code, said = ground.shipways("deploy", "prod")
    assert 0 == code, said


@pytest.mark.long
def test_interrupted(ground: Ground) -> None:
    """Ctrl-C while a version is waited for: what ran before runs again."""
    before = ground.running()
    ground.release("3.0.0", index="good", agent="sick")
    text = (ground.project.root / "shipways.toml").read_text()
    ground.project.file("shipways.toml", text.replace('wait = "4s"', 'wait = "10m"'))
    env = os.environ | {"DOCKER_HOST": ground.composed.engine.host, "XDG_CACHE_HOME": str(ground.project.cache)}
    argv = (sys.executable, "-m", "shipways", "deploy", "prod")
    process = subprocess.Popen(argv, cwd=ground.project.root, env=env, stdout=-1, stderr=-2, text=True)
    assert process.stdout
    next(line for line in process.stdout if "start   deploy.prod/agent" in line)
    time.sleep(2)
    process.send_signal(signal.SIGINT)
    said = process.communicate(timeout=60)[0]
    ground.project.file("shipways.toml", text)
    assert (130, before) == (process.returncode, ground.running()), said


def test_no_engine(ground: Ground) -> None:
    """Exit 3, before anything is touched."""
    ran = ground.project.shipways("deploy", "prod", env={"DOCKER_HOST": "unix:///nowhere"})
    assert (3, True) == (ran.code, "no Docker engine answers" in ran.err), ran.err
    ran = ground.project.shipways("deploy", "prod", env={"PATH": str(ground.project.root)})
    assert (3, True) == (ran.code, "docker: there is no such program" in ran.err), ran.err


def test_unknown(ground: Ground) -> None:
    """A name that is none, and the nearest one."""
    code, said = ground.shipways("deploy", "prd")
    assert (2, True) == (code, "did you mean prod?" in said), said
