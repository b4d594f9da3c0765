"""Deployments to a host by systemd and by Docker: nothing is lost under load, and secrets are seen by nobody else."""

import contextlib
import json
import subprocess
from collections.abc import Iterator
from pathlib import Path

import anyio
import pytest

from composing import go_program
from loading import Load
from quays import CANARY, GIVEN, PORTS, ROOT, Quay, quay
from registries import running
from shipways.adapters.ssh import SshHosts
from shipways.errors import PreflightError
from shipways.outside.hosts import Address

pytestmark = [pytest.mark.integration, pytest.mark.long]

BROKEN = 'package main\n\nimport "os"\n\nfunc main() {\n\tprintln("no room left")\n\tos.Exit(3)\n}\n'
METHODS = pytest.mark.parametrize("method", ["systemd", "docker"])


@pytest.fixture(scope="module")
def ground(tmp_path_factory: pytest.TempPathFactory, pytestconfig: pytest.Config) -> Iterator[Quay]:
    """Both services run, in version 1.0.0."""
    folder = tmp_path_factory.mktemp("quay")
    kept = pytestconfig.cache.mkdir("images") if pytestconfig.cache else folder
    with quay(folder, kept) as made:
        code, said = made.shipways("deploy", "docker")
        assert 0 == code, said
        yield made


def test_docker(ground: Quay) -> None:
    """S2-13, S2-22: a container by digest, on a port of its own, that is confined and starts again with the machine."""
    assert "1.0.0" == ground.version("docker")
    (name,) = ground.host.out("docker", "ps", "--all", "--format", "{{.Names}}").split()
    (told,) = json.loads(ground.host.out("docker", "inspect", name))
    limits = told["HostConfig"]
    assert (True, ["ALL"], "always") == (
        limits["ReadonlyRootfs"],
        limits["CapDrop"],
        limits["RestartPolicy"]["Name"],
    )
    assert ["127.0.0.1"] == [each["HostIp"] for each in limits["PortBindings"]["8124/tcp"]]
    assert "@sha256:" in told["Config"]["Image"]
    before = ground.pids("docker")
    code, said = ground.shipways("deploy", "docker")
    assert (0, before) == (code, ground.pids("docker")), said


@METHODS
def test_under_load(ground: Quay, method: str) -> None:
    """S2-23: new versions and returns to old ones under load, and no request fails."""
    old = ground.wanted(method)
    ground.build(f"1.{len(method)}.0")
    new = ground.wanted(method)
    with Load(ground.address, PORTS[method]) as load:
        ground.switched(method, [new, old, new, old, new])
    assert ([], f"1.{len(method)}.0") == (load.failed, ground.version(method))
    assert load.good > 100
    assert 1 == len(ground.pids(method))


def test_an_edited_front_under_load(ground: Quay) -> None:
    """F6, S2-23: the unit of the public port was edited: it is mended with the next version, and no request fails."""
    unit = "/etc/systemd/system/beat-proxy.service"
    right, socket = ground.host.out("cat", unit), ("systemctl", "show", "--value", "-p", "InvocationID,ActiveState")
    before = ground.host.out(*socket, "beat-proxy.socket")
    ground.host.out("sed", "-i", "s/^RestartSec=1$/RestartSec=9/", unit)
    ground.build("1.9.0")
    with Load(ground.address, PORTS["systemd"]) as load:
        code, said = ground.shipways("deploy", "systemd")
    assert (0, [], "1.9.0") == (code, load.failed, ground.version("systemd")), said
    assert (right, before) == (ground.host.out("cat", unit), ground.host.out(*socket, "beat-proxy.socket"))
    assert "RestartUSec=1s" in ground.host.out("systemctl", "show", "-p", "RestartUSec", "beat-proxy.service")


@METHODS
def test_one_that_ends_at_once(ground: Quay, method: str) -> None:
    """F13: what ran runs on untouched, with its process; its log says why, and nothing of the new one is left."""
    source = ground.programs / f"source-{method}"
    source.mkdir()
    (source / "main.go").write_text(BROKEN)
    (source / "go.mod").write_text("module program\n\ngo 1.24\n")
    go_program(source, ground.programs / "broken")
    service = "beat" if method == "systemd" else "boat"
    before = (ground.pids(method), ground.host.out("ls", f"{ROOT}/{service}/releases"))
    ground.build("6.6.6", "broken")
    with Load(ground.address, PORTS[method]) as load:
        code, said = ground.shipways("deploy", method)
    assert (8, True, []) == (code, "no room left" in said, load.failed), said
    assert before == (ground.pids(method), ground.host.out("ls", f"{ROOT}/{service}/releases"))
    assert 1 == len(ground.host.out("docker", "ps", "--all", "--quiet").split())


@METHODS
def test_secrets(ground: Quay, method: str) -> None:
    """S2-20: a secret arrives byte by byte; no unit, list of processes, inspection or log has it, nor the password."""
    (pid,) = ground.pids(method)
    if method == "systemd":
        environment = ground.host.run("cat", f"/proc/{pid}/environ").out.split("\0")
        assert f"BEAT_TOKEN={GIVEN}" in environment
    else:
        mounted = ground.host.run("cat", f"/proc/{pid}/root/run/secrets/BEAT_TOKEN").out
        assert GIVEN == mounted
    arguments = ground.host.out("sh", "-c", "cat /proc/[0-9]*/cmdline | tr '\\0' ' '")
    history = "for each in $(docker images --quiet); do docker history --no-trunc $each; done"
    inspected = ground.host.out("sh", "-c", f"docker inspect $(docker ps --all --quiet); {history}")
    logged = ground.host.out("sh", "-c", "journalctl --no-pager; journalctl --namespace=* --no-pager 2>&1")
    units = ground.host.out("sh", "-c", "cat /etc/systemd/system/*.service; systemctl show '*'")
    for text in (arguments, inspected, logged, units):
        assert ("canary" in text) is False
    found = ground.host.run(
        "grep", "-rlsa", "-e", "canary", "-e", CANARY, ROOT, "/etc", "/var/lib", "/root", "/tmp"
    ).out.split()
    modes = {ground.host.out("stat", "-c", "%a %U", path) for path in found if path.endswith("/environment")}
    mounted = [path for path in found if "/secrets/" in path]
    assert {"600 root"} == modes
    assert all("700" == ground.host.out("stat", "-c", "%a", path.rpartition("/")[0]) for path in mounted)
    assert len(found) == len(mounted) + len([path for path in found if path.endswith("/environment")]), found


@METHODS
def test_another_config_file(ground: Quay, method: str) -> None:
    """A config file with another text is brought, and the service reads it; the same once more does nothing."""
    (pid,) = ground.pids(method)
    ground.build("7.0.0")
    code, said = ground.shipways("deploy", method)
    assert 0 == code, said
    ground.project.file("pulse.json", f'{{"log": "{"warn" if method == "systemd" else "error"}"}}\n')
    with Load(ground.address, PORTS[method]) as load:
        code, said = ground.shipways("deploy", method)
    assert (0, []) == (code, load.failed), said
    (after,) = ground.pids(method)
    assert pid != after
    code, said = ground.shipways("deploy", method)
    assert (0, [after]) == (code, ground.pids(method)), said


def test_an_agent_with_many_keys(ground: Quay, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """F18: of ten keys a host is offered six (MaxAuthTries): where ours comes later, it is said what to do."""
    for number in range(9):
        subprocess.run(("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(tmp_path / f"{number}")), check=True)
    others = [str(tmp_path / f"{number}") for number in range(9)]
    (address, *_), known = ground.fleet.hosts, str(ground.fleet.known)

    async def reach() -> str:
        hosts = SshHosts()
        async with contextlib.aclosing(hosts):
            host = await hosts.reach(Address(user="root", host=address, port=22, known=known))
            return (await host.run(("id", "-u"))).stdout

    monkeypatch.setenv("SSH_AUTH_SOCK", str(tmp_path / "agent"))
    monkeypatch.setenv("HOME", str(tmp_path))
    with running(("ssh-agent", "-D", "-a", str(tmp_path / "agent")), tmp_path / "log", (tmp_path / "agent").exists):
        subprocess.run(("ssh-add", "-q", *others[:3], str(ground.fleet.key)), check=True)
        assert "0\n" == anyio.run(reach)
        subprocess.run(("ssh-add", "-q", "-d", str(ground.fleet.key)), check=True)
        subprocess.run(("ssh-add", "-q", *others, str(ground.fleet.key)), check=True)
        with pytest.raises(PreflightError, match="more keys than it takes"):
            anyio.run(reach)


def test_recreated(ground: Quay) -> None:
    """A program that cannot run twice: what comes while it is replaced waits, nothing fails; the gap is kept."""
    config = ground.project.root / "shipways.toml"
    config.write_text(config.read_text().replace("port = 8123", 'port = 8123\nstrategy = "recreate"'))
    ground.build("8.0.0")
    with Load(ground.address, PORTS["systemd"]) as load:
        code, said = ground.shipways("deploy", "systemd")
    assert (0, [], "8.0.0") == (code, load.failed, ground.version("systemd")), said
    assert 0 < json.loads(ground.host.out("cat", f"{ROOT}/beat/state.json"))["gap"] < 30, "the proxy holds no longer"


def test_an_image_that_is_too_large(ground: Quay) -> None:
    """F9: it goes again when it is known how large it is, with all that came with it; everything else stays.

    What the images are built upon lies there once, so there is room for half a program more.
    """
    state = json.loads(ground.host.out("cat", f"{ROOT}/boat/state.json"))
    config, program = ground.project.root / "shipways.toml", (ground.project.root / "bin/beat").stat().st_size
    room = _weight(ground, state["running"]) + program // 2 + (program if state["previous"] else 0)
    before = config.read_text()
    quota = f'method = "docker"\nkept.quota = "{room // 10**6} MB"\n'
    config.write_text(before.replace('method = "docker"\n', quota))
    ground.build("8.1.0")
    there = _there(ground)
    code, said = ground.shipways("deploy", "docker")
    config.write_text(before)
    assert (8, True) == (code, "are needed, and the quota of" in said), said
    assert there == _there(ground)


def _weight(ground: Quay, digest: str) -> int:
    """Bytes of the image of a release."""
    release = json.loads(ground.host.out("cat", f"{ROOT}/boat/releases/{digest[7:23]}/release.json"))
    return int(ground.host.out("docker", "image", "inspect", "--format", "{{.Size}}", release["image"]))


def _there(ground: Quay) -> tuple[list[str], list[str], str]:
    """What runs, the images, and the releases."""
    images = ground.host.out("docker", "image", "ls", "--all", "--no-trunc", "--digests").splitlines()
    return ground.pids("docker"), sorted(images), ground.host.out("ls", f"{ROOT}/boat/releases")


def test_one_that_needs_another(ground: Quay) -> None:
    """What is needed serves first; the container of the other finds it by its name, whichever release it is."""
    code, said = ground.shipways("deploy", "both")
    assert 0 == code, said
    form = '{{.Label "shipways.service"}} {{.ID}}'
    ids = dict(line.split() for line in ground.host.out("docker", "ps", "--format", form).splitlines())
    pid = ground.host.out("docker", "inspect", "--format", "{{.State.Pid}}", ids["raft"])
    (line,) = (
        each for each in ground.host.out("cat", f"/proc/{pid}/root/etc/hosts").splitlines() if each.endswith("boat")
    )
    there = f"http://{line.split()[0]}:{PORTS['docker']}/health"
    ground.host.out("nsenter", "--target", pid, "--net", f"{ROOT}/bin/tender", "probe", there)
    assert "172.17.0.1:8125" in ground.host.out("cat", "/etc/systemd/system/raft-proxy.socket")
