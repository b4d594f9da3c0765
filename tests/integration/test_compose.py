"""Services by Docker Compose on a real Docker Engine: the rendered file, and images of a build from dist/."""

import json
import os
import shutil
import signal
import subprocess
import urllib.request
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from composing import TENDER, Composed, busybox, children, compose_program, go_program, program_layer, seconds_until
from imaging import stacked
from registries import DockerEngine, docker_engine, local_registry, need_dockerd
from sandbox import Repository
from support import free_port, need

pytestmark = [pytest.mark.integration, pytest.mark.slow, pytest.mark.engine]

PROJECTS = Path(__file__).parent.parent / "projects"
CONFIG = """
[project]
name = "pulse"
source_archive = false

[package.pulse]
build = "prebuilt"
version = "0.2.0"
sbom = false
prebuilt.files = {{ x86_64-unknown-linux-musl = "bin/pulse" }}

[image.pulse]
package = "pulse"
repositories = ["example.com/team/pulse"]
platforms = ["linux/amd64"]
user = "1000:1000"
volumes = ["/data"]
files = {{ "/busybox" = "bin/busybox" }}
command = ["serve"]
tender = "{host}/shipways/tender:0.1.0"

[service.pulse]
image = "pulse"
port = {port}
health = "/health"
data = {{ kept = "/data" }}
stop_time = "2s"

[service.pulse.probe]
members = {{ status = "ok" }}
interval = "1s"
timeout = "1s"
retries = 3
start_period = "20s"

[service.pulse.files.config]
path = "/config/pulse.json"
source = "config/pulse.json"

[service.pulse.limits]
memory = "64 MB"
cpus = 0.5
processes = 32
log = "1 MB"

[service.pulse.env]
PULSE_ADDR = {{ default = "{{address}}:{{port}}" }}
SAID = {{ default = "a 'b' \\"c\\" $HOME ${{D}} ü\\nsecond" }}
FROM_DOTENV = {{}}
API_KEY = {{ secret = true }}

[service.agent]
image = "pulse"
needs = ["pulse"]
env.PULSE_ADDR = {{ default = "127.0.0.1:9090" }}
env.INDEX = {{ default = "{{service.pulse}}" }}

# Its readers of variables take other values than Compose does.
[deployment.config]
folder = ""

[deployment.compose]
file = "compose.yml"
"""
CANARY = "do-not-show-4711"


@pytest.fixture(scope="module")
def program(pytestconfig: pytest.Config, tmp_path_factory: pytest.TempPathFactory) -> tuple[str, ...]:
    """Compose v2."""
    cache = pytestconfig.cache
    return compose_program(cache.mkdir("compose") if cache else tmp_path_factory.mktemp("compose"))


@pytest.fixture(scope="module")
def project(pytestconfig: pytest.Config, tmp_path_factory: pytest.TempPathFactory) -> Repository:
    """pulse, built by the Go of this machine, a busybox beside it, and what the services read."""
    need("go", "mmdebstrap")
    folder = tmp_path_factory.mktemp("project")
    kept = pytestconfig.cache.mkdir("images") if pytestconfig.cache else folder
    repository = Repository(folder / "repository", folder / "cache")
    (repository.root / "bin").mkdir()
    (repository.root / "bin/busybox").write_bytes(busybox(kept))
    (repository.root / "bin/busybox").chmod(0o755)
    go_program(PROJECTS / "pulse", repository.root / "bin/pulse")
    repository.file("config/pulse.json", '{"log": "debug"}\n')
    repository.file(".env", "FROM_DOTENV=from the file\n")
    (folder / "key").write_text(f"{CANARY}\n")
    return repository


@pytest.fixture(scope="module")
def up(project: Repository, program: tuple[str, ...], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Composed]:
    """Built by shipways with tender from a registry, loaded from dist/, and started by the file that it renders."""
    need_dockerd()
    need("docker-registry")
    folder = tmp_path_factory.mktemp("compose")
    with local_registry(folder) as registry, docker_engine() as engine:
        image = stacked(program_layer(go_program(TENDER, folder / "tender")))
        registry.push(f"{registry.host}/shipways/tender:0.1.0", {"linux/amd64": image})
        project.file("shipways.toml", CONFIG.format(host=registry.host, port=free_port()))
        project.commit()
        for words in (("lock",), ("render",), ("build", "--step", "images/pulse/linux-amd64/docker")):
            ran = project.shipways(*words)
            assert 0 == ran.code, ran.err
        digest = loaded(engine, project)
        env = {"PULSE_IMAGE": digest, "AGENT_IMAGE": digest, "API_KEY_FILE": str(project.root.parent / "key")}
        composed = Composed(program, engine, project.root / "compose.yml", env)
        try:
            composed("up", "--detach", "--wait")
            yield composed
        finally:
            composed.run("down", "--volumes", "--timeout", "1")


def loaded(engine: DockerEngine, project: Repository) -> str:
    """The digest of the image whose archive is in dist/."""
    (archive,) = (project.root / "dist").glob("*.docker.tar")
    name = engine.docker("load", "--quiet", "--input", str(archive)).rpartition(": ")[2]
    return engine.docker("image", "inspect", "--format", "{{.Id}}", name)


def published(up: Composed, service: str) -> list[str]:
    """Where a service can be reached from outside."""
    bindings = json.loads(up.told(service, "json .HostConfig.PortBindings")) or {}
    return [f"{each['HostIp']}:{each['HostPort']}" for found in bindings.values() for each in found]


def port(up: Composed) -> int:
    return int(published(up, "pulse")[0].rpartition(":")[2])


def test_all_healthy(up: Composed) -> None:
    """S0-AC2, S1-09, S1-29: one command brings all up, healthy, each after what it needs; the digest runs."""
    assert up.healthy("pulse")
    assert ("running", "running") == (up.told("pulse", ".State.Status"), up.told("agent", ".State.Status"))
    first, then = (up.told(name, ".State.StartedAt") for name in ("pulse", "agent"))
    assert first < then
    assert up.env["PULSE_IMAGE"] == up.told("pulse", ".Image")


def test_only_intended_ports(up: Composed) -> None:
    """S1-09: the one port, on this machine's own address; it answers there."""
    assert [f"127.0.0.1:{port(up)}"] == published(up, "pulse")
    assert [] == published(up, "agent")
    with urllib.request.urlopen(f"http://127.0.0.1:{port(up)}/health", timeout=5) as answer:
        assert "ok" == json.load(answer)["status"]


def test_services_find_each_other(up: Composed) -> None:
    """S1-09, S1-11: one calls the other by its name, at the address that the config has put together."""
    ask = "/usr/local/bin/pulse check http://$INDEX/health"
    done = up.inside("agent", "/busybox", "sh", "-c", ask)
    assert (0, True) == (done.returncode, f"http://pulse:{port(up)}/health 200 OK" in done.stdout), done.stderr


def test_confined(up: Composed) -> None:
    """S0-03, S1-09: not root, no capabilities, no new ones, bounds; tender is the first process."""
    host = json.loads(up.told("pulse", "json .HostConfig"))
    assert (["ALL"], True, ["no-new-privileges:true"]) == (host["CapDrop"], host["ReadonlyRootfs"], host["SecurityOpt"])
    assert (64_000_000, 500_000_000, 32) == (host["Memory"], host["NanoCpus"], host["PidsLimit"])
    assert {"max-file": "5", "max-size": "200k"} == host["LogConfig"]["Config"]
    status = up.inside("pulse", "/busybox", "cat", "/proc/1/status").stdout
    assert "Uid:\t1000\t1000\t1000\t1000" in status
    assert "CapBnd:\t0000000000000000" in status
    assert status.startswith("Name:\ttender")
    assert "1000" == up.inside("pulse", "/busybox", "id", "-u").stdout.strip()


def test_read_only(up: Composed) -> None:
    """S4-05: neither the root nor a config file can be written, /tmp and the data of a fresh volume can."""
    for path in ("/new", "/config/pulse.json", "/usr/local/bin/pulse"):
        done = up.inside("pulse", "/busybox", "sh", "-c", f"echo x > {path}")
        assert (1, True) == (done.returncode, "Read-only file system" in done.stderr), done.stderr
    assert 0 == up.inside("pulse", "/busybox", "sh", "-c", "echo x > /tmp/x && echo x > /data/x").returncode


def test_environment_and_secret(up: Composed) -> None:
    """S1-29: values arrive as they are, those of .env too; a secret is a file, and Docker knows no value of it."""
    said = up.inside("pulse", "/busybox", "sh", "-c", 'printf %s "$SAID|$FROM_DOTENV|$(/busybox cat $API_KEY_FILE)"')
    assert f"a 'b' \"c\" $HOME ${{D}} ü\nsecond|from the file|{CANARY}" == said.stdout
    assert CANARY not in up.engine.docker("inspect", up.container("pulse")) + up("config")


def test_data_survives(up: Composed) -> None:
    """S0-06, S0-08, S1-10: `down` and `up` make new containers, and the data is there."""
    assert 0 == up.inside("pulse", "/busybox", "sh", "-c", "echo precious > /data/kept").returncode
    before = up.container("pulse")
    up("down", "--timeout", "5")
    up("up", "--detach", "--wait")
    assert before != up.container("pulse")
    assert "precious" == up.inside("pulse", "/busybox", "cat", "/data/kept").stdout.strip()
    owner = up.inside("pulse", "/busybox", "stat", "-c", "%u:%g", "/data").stdout.strip()
    assert "1000:1000" == owner


def test_killed_is_started_again(up: Composed) -> None:
    """S0-08: kill -9 of the first process is answered with a new one, which is healthy."""
    count = int(up.told("pulse", ".RestartCount"))
    os.kill(up.main("pulse"), signal.SIGKILL)
    seconds_until(lambda: int(up.told("pulse", ".RestartCount")) > count and up.healthy("pulse"), 30)


def test_hanging_is_started_again(up: Composed) -> None:
    """S1-20, S1-29, S0-07: a program that hangs is seen, named in the log, and another one runs soon.

    3 questions at 1 s each, with 1 s between, and 2 s for SIGTERM, which a stopped process does not answer.
    """
    count = int(up.told("pulse", ".RestartCount"))
    (hanging,) = children(up.main("pulse"))
    os.kill(hanging, signal.SIGSTOP)
    seconds_until(lambda: up.told("pulse", ".State.Health.Status") == "unhealthy", 20)
    seconds_until(lambda: int(up.told("pulse", ".RestartCount")) > count and up.healthy("pulse"), 30)
    assert "tender: unhealthy (3 of 3): no complete answer within 1s; stopping" in up(
        "logs", "--no-log-prefix", "pulse"
    )


def test_missing_file_is_an_error(up: Composed, tmp_path: Path) -> None:
    """S4-05: Compose names the file that is not there; no folder is made in its place."""
    shutil.copy(up.file, tmp_path / "compose.yml")
    other = replace(up, file=tmp_path / "compose.yml")
    done = other.run("--project-name", "other", "create", "pulse")
    assert 0 != done.returncode
    assert f"{tmp_path}/config/pulse.json" in done.stderr
    assert not (tmp_path / "config").exists()
    other.run("--project-name", "other", "down", "--volumes")


@pytest.mark.parametrize(
    "file",
    [
        "pulse/deployment/docker/docker-compose.yml",
        "aisopod/docker-compose.yml",
        "../../deployment/docker/docker-compose.yml",
    ],
)
def test_committed_files(program: tuple[str, ...], file: str) -> None:
    """S0-08: Compose and the schema of its specification have nothing to say of what projects and we have committed."""
    need("check-jsonschema")
    path = PROJECTS / file
    subprocess.run(("check-jsonschema", "--builtin-schema", "vendor.compose-spec", str(path)), check=True)
    done = subprocess.run((*program, "--file", str(path), "config"), capture_output=True, text=True, check=False)
    assert (0, "") == (done.returncode, done.stderr)


def test_aisopod_is_as_specified(program: tuple[str, ...]) -> None:
    """S0-08: what Compose reads in aisopod's file is what its specification says."""
    path = PROJECTS / "aisopod" / "docker-compose.yml"
    done = subprocess.run(
        (*program, "--file", str(path), "config", "--format", "json"), capture_output=True, text=True, check=True
    )
    service = json.loads(done.stdout)["services"]["aisopod"]
    assert str(path.parent) == service["build"]["context"]
    assert ("Dockerfile", "unless-stopped") == (service["build"]["dockerfile"], service["restart"])
    assert ("18789", 18789, None) == tuple(service["ports"][0].get(key) for key in ("published", "target", "host_ip"))
    assert [("aisopod-data", "/data"), (str(path.parent / "config"), "/config")] == [
        (each["source"], each["target"]) for each in service["volumes"]
    ]
    assert "/config/aisopod.json" == service["environment"]["AISOPOD_CONFIG"]
