"""`deploy` and `rollback` on hosts that are reached by SSH: systemd as PID 1, a real sshd, a link of their own."""

import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from composing import TENDER, go_program
from hostgrounds import Ground
from sandbox import Repository
from sshhosts import fleet

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
prebuilt.files = {{ x86_64-unknown-linux-musl = "bin/beat" }}

[image.beat]
package = "beat"
command = ["serve"]

[service.beat]
image = "beat"
port = 8123
health = "/health"
stop_time = "2s"
env.PULSE_ADDR = {{ default = "{{address}}:{{port}}" }}
probe = {{ interval = "300ms", timeout = "500ms", start_period = "2s", retries = 2 }}

[deploy.prod]
kind = "hosts"
wait = "5s"
hosts = [{hosts}]
[deploy.prod.ssh]
tender = "bin/tender"
key = "{key}"
known_hosts = "{known}"
"""
BROKEN = 'package main\n\nimport "os"\n\nfunc main() {\n\tprintln("no room left")\n\tos.Exit(3)\n}\n'
ROOT = "/opt/shipways"
DROPPED = "/etc/systemd/system/beat@.service.d"
UNITS = "cd /etc/systemd/system; sha256sum beat*.service beat*.socket"
PLACES = f"{ROOT}/beat /etc/systemd/system/beat* /etc/systemd/system/*/beat* /etc/*/beat*"
CLEAN = f"rm -rf {PLACES} /etc/systemd/journald@beat.conf /var/lib/beat-proxy /var/lib/private/beat-proxy"
GONE = f"systemctl disable --now beat-proxy.socket beat-proxy.service; systemctl stop 'beat@*'; {CLEAN}"


@pytest.fixture(scope="module")
def ground(tmp_path_factory: pytest.TempPathFactory, pytestconfig: pytest.Config) -> Iterator[Ground]:
    """Two hosts, and version 1.0.0 deployed for the first time."""
    folder = tmp_path_factory.mktemp("hosts")
    kept = pytestconfig.cache.mkdir("images") if pytestconfig.cache else folder
    go_program(PULSE, folder / "good")
    with fleet(tmp_path_factory.mktemp("fleet"), kept, 2) as ships:
        project = Repository(folder / "beats", folder / "cache")
        first, second = ships.hosts
        hosts = f'"root@{first}", "deploy@{second}:22"'
        project.file("shipways.toml", CONFIG.format(hosts=hosts, key=ships.key, known=ships.known))
        project.file(".gitignore", "/dist/\n/bin/\n")
        (project.root / "bin").mkdir()
        go_program(TENDER, project.root / "bin/tender")
        made = Ground(project, ships, folder)
        made.build("1.0.0")
        code, said = made.shipways("deploy", "prod")
        assert 0 == code, said
        assert ("1.0.0", "1.0.0") == made.versions(), said
        yield made


def test_again_and_back_and_forth(ground: Ground) -> None:
    """Again nothing is done; a new version runs on both, rollback returns, once more goes forward."""
    pids = [host.out("pidof", "beat") for host in ground.hosts]
    code, said = ground.shipways("deploy", "prod")
    assert (0, pids) == (code, [host.out("pidof", "beat") for host in ground.hosts]), said
    ground.build("1.1.0")
    for words, expected in (
        (("deploy", "prod"), "1.1.0"),
        (("rollback", "prod"), "1.0.0"),
        (("rollback", "prod"), "1.1.0"),
    ):
        code, said = ground.shipways(*words)
        assert (0, (expected, expected)) == (code, ground.versions()), said
    for host in ground.hosts:
        assert 2 == len(host.out("ls", f"{ROOT}/beat/releases").split()), "that of now and that of before"


def test_one_that_does_not_work_on_the_second(ground: Ground) -> None:
    """It gets healthy on the first host and not on the second: both run what they ran, unit and all."""
    before = ground.versions()
    second = ground.hosts[1]
    second.out("sh", "-c", f"mkdir -p {DROPPED}")
    ground.build("2.0.0")
    links = [host.out("readlink", f"{ROOT}/beat/current") for host in ground.hosts]
    units = [host.out("sh", "-c", UNITS) for host in ground.hosts]
    refuse = f"[Service]\nExecStartPre=/bin/sh -c '! tail -c 5 {ROOT}/beat/releases/%i/beat | grep -q 2.0.0'\n"
    second.out("sh", "-c", f'printf "%s" "$0" >{DROPPED}/x.conf; systemctl daemon-reload', refuse)
    code, said = ground.shipways("deploy", "prod")
    assert (8, before) == (code, ground.versions()), said
    assert [1, 0] == [said.count(f"{name}/beat/switch: returned to") for name in ground.fleet.hosts], said
    assert [1, 1] == [said.count(f"{name}/beat/start: returned to") for name in ground.fleet.hosts], said
    assert links == [host.out("readlink", f"{ROOT}/beat/current") for host in ground.hosts]
    assert units == [host.out("sh", "-c", UNITS) for host in ground.hosts]
    second.out("sh", "-c", f"rm -r {DROPPED}; systemctl daemon-reload")
    code, said = ground.shipways("deploy", "prod")
    assert (0, ("2.0.0", "2.0.0")) == (code, ground.versions()), said


def test_hosts_whose_keys_are_not_the_known_ones(ground: Ground) -> None:
    """One that is unknown, and one that has changed: nothing is done, the fingerprint is said, no key is added."""
    right = ground.fleet.known.read_text()
    lines = right.splitlines()
    for text, words in (
        (lines[0] + "\n", "is not known"),
        (f"{lines[0]}\n{lines[1].split()[0]} {lines[0].split(' ', 1)[1]}\n", "is not the known one"),
    ):
        ground.known(text)
        code, said = ground.shipways("deploy", "prod")
        assert (3, True, True) == (code, words in said, "SHA256:" in said), said
        assert text == ground.fleet.known.read_text()
    ground.known(right)


def test_keys_alone(ground: Ground) -> None:
    """S2-20: a key that the host does not know, and a host that takes passwords alone: refused, and nobody is asked."""
    pair = (ground.fleet.key, ground.fleet.key.with_suffix(".pub"))
    kept = [path.read_bytes() for path in pair]
    ground.fleet.key.unlink()
    subprocess.run(("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(pair[0])), input=b"y\n", check=True)
    code, said = ground.shipways("deploy", "prod")
    for path, content in zip(pair, kept, strict=True):
        path.write_bytes(content)
    assert (3, 2) == (code, said.count("passwords are not used")), said
    host, file = ground.hosts[1], "/etc/ssh/sshd_config.d/x.conf"
    text = "PubkeyAuthentication no\nPasswordAuthentication yes\n"
    host.out("sh", "-c", f"printf '%s' \"$0\" >{file}; systemctl restart ssh", text)
    code, said = ground.shipways("deploy", "prod")
    host.out("sh", "-c", f"rm {file}; systemctl restart ssh")
    assert (3, 1) == (code, said.count("passwords are not used")), said


def test_somebody_else_deploys_there(ground: Ground) -> None:
    """The lock of the service is held on one host: nothing is done, and it is said by whom. That of another is not."""
    before, host = ground.versions(), ground.hosts[1]
    ground.build("3.0.0")
    tender = f"{ROOT}/bin/tender lock"
    for service, expected in (("beat", (3, before)), ("boat", (0, ("3.0.0", "3.0.0")))):
        file = f"--file {ROOT}/{service}/lock"
        lock = f"(sleep 60) | {tender} {file} --holder 'the night shift' --ttl 60s --wait 10s"
        host.out("systemd-run", f"--unit=shift-{service}", "sh", "-c", lock)
        host.wait("sh", "-c", f"{tender} {file} --holder me </dev/null | grep shift")
        code, said = ground.shipways("deploy", "prod")
        host.out("systemctl", "stop", f"shift-{service}")
        assert expected == (code, ground.versions()), said
        assert (service == "beat") == ("the night shift" in said), said


def test_killed_between(ground: Ground) -> None:
    """Killed while the first host runs the new version and the second the old: the next run ends it."""
    ground.build("4.0.0")
    before = ground.versions()[1]
    ground.kill("4.0.0")
    assert ("4.0.0", before) == ground.versions()
    code, said = ground.shipways("deploy", "prod")
    assert (0, ("4.0.0", "4.0.0")) == (code, ground.versions()), said


def test_killed_and_taken_back(ground: Ground) -> None:
    """F1: the same, but what was begun is taken back: the first host returns, the second is left alone."""
    ground.build("4.0.5")
    before = ground.versions()
    ground.kill("4.0.5")
    assert ("4.0.5", before[1]) == ground.versions()
    code, said = ground.shipways("rollback", "prod")
    assert (0, before) == (code, ground.versions()), said
    assert not list((ground.project.root / "dist").glob("*.begun.json"))
    assert 0 == ground.shipways("deployments")[0]


def test_held(ground: Ground) -> None:
    """A hold on the hosts refuses a deployment and a rollback, with its reason, until it is taken back."""
    before = ground.versions()
    ground.build("4.0.6")
    assert 0 == ground.shipways("hold", "prod", "--reason", "the audit")[0]
    for words in (("deploy", "prod"), ("rollback", "prod")):
        code, said = ground.shipways(*words)
        assert (3, True, before) == (code, "the audit" in said, ground.versions()), said
    assert "the audit" in ground.shipways("deployments", "prod")[1]
    assert 0 == ground.shipways("hold", "prod", "--release")[0]
    code, said = ground.shipways("deploy", "prod")
    assert (0, ("4.0.6", "4.0.6")) == (code, ground.versions()), said
    assert 2 == ground.shipways("logs", "prod")[1].count("==> deploy.prod/")


def test_the_session_is_killed(ground: Ground) -> None:
    """The session of the second host dies in mid-deployment: it is reached and locked anew, and all goes on."""
    ground.build("4.1.0")
    process = ground.start("deploy", "prod")
    try:
        end = time.monotonic() + 30
        while ground.hosts[1].run("pkill", "-KILL", "-f", "@notty").code:
            assert time.monotonic() < end
            assert process.poll() is None
        assert 0 == process.wait(60)
    finally:
        process.kill()
        process.wait()
    assert ("4.1.0", "4.1.0") == ground.versions()


def test_edited_by_hand(ground: Ground) -> None:
    """A unit that somebody has edited on a host is not that of the release, and becomes it again."""
    (unit,) = ground.hosts[0].out("sh", "-c", "ls /etc/systemd/system/beat@*.service").split()
    right = ground.hosts[0].out("cat", unit)
    ground.hosts[0].out("sh", "-c", f"echo '# mine' >>{unit}")
    code, said = ground.shipways("deploy", "prod")
    assert (0, right) == (code, ground.hosts[0].out("cat", unit)), said


def test_the_first_that_fails_leaves_nothing(ground: Ground) -> None:
    """Where nothing ran before, neither a unit nor a release is left; tender and the lock stay.

    Where the lock is gone, too, the account and the data may be somebody else's.
    """
    for host in ground.hosts:
        host.out("sh", "-c", GONE)
        host.out("systemctl", "daemon-reload")
    (ground.programs / "source").mkdir()
    (ground.programs / "source/main.go").write_text(BROKEN)
    (ground.programs / "source/go.mod").write_text("module program\n\ngo 1.24\n")
    go_program(ground.programs / "source", ground.programs / "broken")
    ground.build("5.0.0", "broken")
    code, said = ground.shipways("deploy", "prod")
    assert (3, 2) == (code, said.count("has something else that is called beat")), said
    for host in ground.hosts:  # as the error says
        host.out("install", "-D", "/dev/null", f"{ROOT}/beat/lock")
    code, said = ground.shipways("deploy", "prod")
    assert (8, True) == (code, "no room left" in said), said
    for host in ground.hosts:
        assert {"bin", "beat"} == {each for each in host.out("ls", ROOT).split() if each != "boat"}
        assert ["lock", "lock.fence"] == host.out("ls", f"{ROOT}/beat").split()
        left = host.out("sh", "-c", "find /etc /run/systemd/system /var/lib -name 'beat*'").split()
        assert ["/etc/beat", "/var/lib/beat"] == left, "its settings and its data"
        assert "" == host.out("systemctl", "list-units", "--all", "--plain", "--no-legend", "beat*")
