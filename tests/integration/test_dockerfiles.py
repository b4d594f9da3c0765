"""The Dockerfiles that are rendered: linted, and built and run by a real Docker Engine."""

import json
import os
import re
import shutil
import signal
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from composing import (
    SLIM,
    Composed,
    compose_program,
    docker_build,
    docker_import,
    seconds_until,
)
from engines import RUST, debian
from registries import DockerEngine, docker_engine, need_dockerd
from support import free_port, need

pytestmark = [pytest.mark.integration, pytest.mark.slow]

PROJECTS = Path(__file__).parent.parent / "projects"
BASE = "docker.io/library/debian:bookworm-slim"
ROOT = PROJECTS.parent.parent
OURS = tuple((ROOT / "deployment").rglob("*Dockerfile"))
COMMITTED = sorted(path for path in (*OURS, *PROJECTS.rglob("*Dockerfile")) if "target" not in path.parts)


@pytest.mark.parametrize("path", COMMITTED, ids=lambda path: str(path.relative_to(ROOT)))
def test_hadolint(path: Path) -> None:
    """Nothing to complain about in what projects and we have committed, and no rule is switched off."""
    need("hadolint")
    done = subprocess.run(("hadolint", "--no-color", str(path)), capture_output=True, text=True, check=False)
    assert (0, "") == (done.returncode, done.stdout)
    assert "hadolint ignore" not in path.read_text()


@dataclass(frozen=True)
class Built:
    """An image that docker has built from a folder. `said` is what the second build of a changed source printed."""

    engine: DockerEngine
    folder: Path
    seconds: float
    said: str

    def run(self, *options: str) -> str:
        """A container of it in the background, gone with the engine."""
        return self.engine.docker("run", "--detach", *options, "built")


@pytest.fixture(scope="module")
def aisopod(pytestconfig: pytest.Config, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Built]:
    """aisopod by its committed Dockerfile, built cold, and once more after a change of one source file."""
    need_dockerd()
    need("mmdebstrap")
    folder = tmp_path_factory.mktemp("aisopod")
    kept = pytestconfig.cache.mkdir("images") if pytestconfig.cache else folder
    shutil.copytree(PROJECTS / "aisopod", folder / "project", ignore=shutil.ignore_patterns("target", "dist"))
    ((rust, packages),) = RUST.items()
    with docker_engine() as engine:
        docker_import(engine, debian(kept, packages).layers[0], rust, folder)
        docker_import(engine, debian(kept, ("libgcc-s1",), *SLIM).layers[0], BASE, folder)
        begin = time.monotonic()
        docker_build(engine, folder / "project", "built")
        seconds = time.monotonic() - begin
        main = folder / "project/src/main.rs"
        main.write_text(main.read_text().replace('"aisopod {}\\n"', '"aisopod {} changed\\n"'))
        said = docker_build(engine, folder / "project", "built")
        engine.docker("network", "create", "outside")
        yield Built(engine, folder / "project", seconds, said)
        if left := engine.docker("ps", "--all", "--quiet").split():
            engine.docker("rm", "--force", *left)
        engine.docker("network", "rm", "outside")


def answers(port: int, path: str = "/health") -> bool:
    """Whether something answers with 200 there."""
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=2) as answer:
            return bool(answer.status == 200)
    except (urllib.error.URLError, OSError):
        return False


@pytest.mark.long
def test_dependencies_are_cached(aisopod: Built) -> None:
    """S1-08, S1-P3: a changed source builds the program anew, and not what it depends on; cold it takes < 5 min."""
    steps = re.split(r"^Step \d+/\d+ : ", aisopod.said, flags=re.MULTILINE)[1:]
    cached = {step.splitlines()[0]: "Using cache" in step for step in steps}
    before = [used for line, used in cached.items() if line.startswith("RUN mkdir -p src")]
    after = [used for line, used in cached.items() if line.startswith("RUN touch src/main.rs")]
    assert ([True], [False]) == (before, after)
    assert "Compiling serde_json" not in aisopod.said
    assert "Compiling aisopod" in aisopod.said
    assert "aisopod 0.1.0 changed" == aisopod.engine.docker("run", "--rm", "built", "aisopod", "--version")
    assert 300 > aisopod.seconds


@pytest.mark.long
def test_image_is_small(aisopod: Built, tmp_path: Path) -> None:
    """S0-01, S0-02: the program and certificates on the base; no compiler, no source; less than 150 MB."""
    container = aisopod.engine.docker("create", "built")
    aisopod.engine.docker("export", "--output", str(tmp_path / "root.tar"), container)
    listed = subprocess.run(("tar", "-tf", tmp_path / "root.tar"), capture_output=True, text=True, check=True).stdout
    names = set(listed.splitlines())
    assert {"usr/local/bin/aisopod", "etc/ssl/certs/ca-certificates.crt", "data/"} <= names
    assert not [name for name in names if re.search(r"(^|/)(cargo|rustc|gcc|cc|src/.*\.rs|Cargo\.lock)$", name)]
    size, below = (
        int(aisopod.engine.docker("image", "inspect", "--format", "{{.Size}}", name)) for name in ("built", BASE)
    )
    assert 150_000_000 > size
    assert 15_000_000 > size - below


@pytest.mark.long
def test_as_specified(aisopod: Built) -> None:
    """S0-03, S0-04: user, port, command and health check are in the image; it runs confined, with no config file."""
    told = json.loads(aisopod.engine.docker("image", "inspect", "--format", "{{json .Config}}", "built"))
    assert ("1000:1000", {"18789/tcp": {}}, {"/data": {}}) == (told["User"], told["ExposedPorts"], told["Volumes"])
    assert ["aisopod", "gateway", "--allow-unconfigured"] == told["Cmd"]
    assert 30 * 10**9 == told["Healthcheck"]["Interval"]
    assert "uid=1000 gid=1000" in aisopod.engine.docker("run", "--rm", "--entrypoint", "id", "built")
    port = free_port()
    confined = ("--read-only", "--cap-drop", "ALL", "--security-opt", "no-new-privileges")
    aisopod.run("--network", "outside", "--publish", f"127.0.0.1:{port}:18789", *confined)
    seconds_until(lambda: answers(port), 30)


@pytest.mark.long
def test_bind_address(aisopod: Built) -> None:
    """S0-05: who binds to loopback in a container is not reached through the published port."""
    port = free_port()
    options = ("--network", "outside", "--publish", f"127.0.0.1:{port}:18789", "--env", "AISOPOD_BIND=127.0.0.1")
    container = aisopod.run(*options)
    probe = ("exec", container, "/usr/local/bin/aisopod", "health")
    seconds_until(lambda: "" == aisopod.engine.docker(*probe), 30)
    assert not answers(port)


@pytest.mark.long
def test_data_of_a_fresh_volume(aisopod: Built) -> None:
    """S0-06: a new volume can be written by 1000, and another container finds what is in it."""
    for starts in (1, 2):
        container = aisopod.run("--volume", "fresh:/data", "--env", "AISOPOD_DATA_DIR=/data")
        state = ("exec", container, "cat", "/data/state.json")
        seconds_until(lambda asked=state: "starts" in aisopod.engine.docker(*asked), 20)
        assert {"starts": starts} == json.loads(aisopod.engine.docker(*state))
        aisopod.engine.docker("rm", "--force", container)


@pytest.mark.long
def test_health(aisopod: Built) -> None:
    """S0-07: starting, then healthy, then unhealthy when the program does not answer any more."""
    check = ("--health-interval", "1s", "--health-retries", "2", "--health-start-period", "1s")
    container = aisopod.run(*check)
    state = ("inspect", "--format", "{{.State.Health.Status}}", container)
    assert "starting" == aisopod.engine.docker(*state)
    seconds_until(lambda: "healthy" == aisopod.engine.docker(*state), 30)
    os.kill(int(aisopod.engine.docker("inspect", "--format", "{{.State.Pid}}", container)), signal.SIGSTOP)
    seconds_until(lambda: "unhealthy" == aisopod.engine.docker(*state), 30)


@pytest.mark.long
def test_committed_compose_file(aisopod: Built, pytestconfig: pytest.Config, tmp_path: Path) -> None:
    """S0-08, S0-AC1, S0-AC2: `up` with aisopod's own file is a working instance; kill -9 of it starts a new one."""
    program = compose_program(pytestconfig.cache.mkdir("compose") if pytestconfig.cache else tmp_path)
    file = aisopod.folder / "docker-compose.yml"
    up = Composed(program, aisopod.engine, file, {"AISOPOD_IMAGE": "built"})
    try:
        up("up", "--detach", "--wait")
        assert answers(18789)
        count = int(up.told("aisopod", ".RestartCount"))
        aisopod.engine.docker("exec", up.container("aisopod"), "cat", "/data/state.json")
        os.kill(up.main("aisopod"), signal.SIGKILL)
        seconds_until(lambda: int(up.told("aisopod", ".RestartCount")) > count and answers(18789), 30)
    finally:
        up.run("down", "--volumes", "--timeout", "1")
