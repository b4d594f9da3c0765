"""Installed services under a real systemd as PID 1: what it starts, restarts, bounds and forgets."""

import re
import shlex
import shutil
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

import fronts
from machines import PROGRAMS, Machine, Ran, machine
from toys import VALUES, WORDS, asked, began, files, guide, override, returned, settle

pytestmark = [pytest.mark.integration, pytest.mark.slow, pytest.mark.engine]

FAST = "[Service]\nRestartSec=100ms\n"


@pytest.fixture(scope="module")
def host(tmp_path_factory: pytest.TempPathFactory, pytestconfig: pytest.Config) -> Iterator[Machine]:
    """The machine, with a project in /srv/project; nothing is installed yet."""
    kept = pytestconfig.cache.mkdir("images") if pytestconfig.cache else tmp_path_factory.mktemp("images")
    with machine(tmp_path_factory.mktemp("machine"), kept) as made:
        made.shared.chmod(0o755)
        settle(made)
        made.out("mkdir", "-p", "/var/lib/shipways")
        made.out("useradd", "--create-home", "--uid", "1000", "ada")
        yield made


@pytest.fixture
def toy(host: Machine) -> Iterator[Machine]:
    """The toy is installed and healthy."""
    assert 0 == (ran := host.shipways("service", "install", "--system")).code, ran
    yield host
    host.out("rm", "-rf", "/etc/systemd/system/toy.service.d", "/etc/toy/environment")
    host.out("systemctl", "daemon-reload")
    host.run("systemctl", "reset-failed", "toy.service")


def test_install_twice_and_uninstall(host: Machine) -> None:
    """S0-12: installed twice is installed once; uninstalled nothing is left, neither a file nor a link."""
    before = files(host)
    dry = host.shipways("service", "install", "--system", "--dry-run")
    assert (0, before) == (dry.code, files(host)), dry
    first, again = (host.shipways("service", "install", "--system") for _ in range(2))
    assert (0, 0, "toy: nothing to do\n") == (first.code, again.code, again.out), (first, again)
    assert 0 == (status := host.shipways("service", "status", "--system")).code, status
    assert "active (running)" in status.out
    gone, twice = (host.shipways("service", "uninstall", "--system") for _ in range(2))
    assert (0, 0, "toy: nothing to do\n") == (gone.code, twice.code, twice.out), (gone, twice)
    accounts = {"/etc/passwd-", "/etc/group-", "/etc/shadow-", "/etc/gshadow-", "/etc/.pwd.lock"}
    assert set() == set(files(host).split()) - set(before.split()) - accounts
    assert 7 == host.shipways("service", "status", "--system").code
    host.out("test", "-d", "/var/lib/toy/state")


def test_hand_edited(toy: Machine) -> None:
    """S0-12: what was edited by hand is written over, or removed, with --force only; the difference is shown."""
    unit, project = "/etc/systemd/system/toy.service", toy.shared / "project" / "shipways.toml"
    toy.out("sed", "-i", "s/^RestartSec=5/RestartSec=7/", unit)
    left = toy.shipways("service", "install", "--system")
    assert (0, True) == (left.code, "edited by hand, and left so" in left.err), left
    text = project.read_text()
    project.write_text(text.replace('memory = "100 MB"', 'memory = "101 MB"'))
    ran = toy.shipways("service", "install", "--system")
    assert 6 == ran.code
    assert "-RestartSec=7\n+RestartSec=5\n" in ran.err
    assert "RestartSec=7" in toy.out("cat", unit)
    assert 6 == toy.shipways("service", "uninstall", "--system").code
    forced = toy.shipways("service", "install", "--system", "--force")
    assert (0, "5s") == (forced.code, toy.show("toy.service", "RestartUSec")), forced
    assert "101000000" == toy.show("toy.service", "MemoryMax")
    project.write_text(text)
    assert 0 == toy.shipways("service", "install", "--system").code


def test_values_arrive(toy: Machine) -> None:
    """Words of the command and variables reach the program byte for byte; the file of secrets wins over the unit."""
    toy.out("sh", "-c", "umask 077; echo TOY_TOKEN=s3cret > /etc/toy/environment; systemctl restart toy")
    told = asked(toy)
    assert WORDS == told["argv"]
    env = told["env"]
    assert isinstance(env, dict)
    assert VALUES == {name: env[name] for name in VALUES}
    assert "s3cret" == env["TOY_TOKEN"]
    assert "s3cret" not in toy.out("cat", "/etc/systemd/system/toy.service")
    assert 0 != told["uid"]


def test_start_waits_for_health(toy: Machine) -> None:
    """S1-01, S1-02, S1-17: a start returns after the first healthy answer; without one it fails."""
    toy.out("sh", "-c", "echo TOY_DELAY=1.5 > /etc/toy/environment; systemctl stop toy.service")
    since = time.monotonic()
    toy.out("systemctl", "start", "toy.service")
    assert time.monotonic() - since >= 1.5
    assert "healthy" == toy.show("toy.service", "StatusText")
    override(toy, "[Service]\nRestart=no\n")
    toy.out("sh", "-c", "echo TOY_DELAY=999 > /etc/toy/environment")
    assert 0 != toy.run("systemctl", "restart", "toy.service").code
    assert "status 503, expected 200; stopping" in toy.shipways("service", "logs", "toy", "--system", "-n", "20").out


@pytest.mark.long
def test_killed_is_back_after_five_seconds(toy: Machine) -> None:
    """S0-11, S0-AC5: killed, it is back after RestartSec; stopped, it is not."""
    before = began(toy)
    toy.out("kill", "-9", str(asked(toy)["pid"]))
    assert 5 <= returned(toy, before) < 9
    assert 0 == toy.shipways("service", "ctl", "stop", "--system").code
    time.sleep(1)
    assert ("inactive", "success") == (toy.show("toy.service", "ActiveState"), toy.show("toy.service", "Result"))


@pytest.mark.parametrize("how", ["/exit", "/crash", "/eat", "/hang"])
def test_failure_is_a_new_process(toy: Machine, how: str) -> None:
    """S1-05, S1-20: it ends with an error, crashes, takes too much memory or hangs: another process answers."""
    override(toy, FAST)
    before = began(toy)
    asked(toy, how)
    returned(toy, before)


@pytest.mark.long
def test_watchdog(toy: Machine) -> None:
    """S1-02: when tender itself is frozen no ping comes, and systemd starts both anew."""
    override(toy, f"{FAST}WatchdogSec=1s\n")
    before = began(toy)
    toy.out("kill", "-STOP", toy.show("toy.service", "MainPID"))
    returned(toy, before)
    journal = toy.out("journalctl", "--namespace=+toy", "--unit=toy.service", "--no-pager")
    assert "Watchdog timeout (limit 1s)!" in journal


@pytest.mark.long
def test_restarts_end(toy: Machine) -> None:
    """S1-05: what fails again and again is left alone after StartLimitBurst, and a config that is bad at once."""
    override(toy, f'{FAST}Restart=always\nExecStartPre=/bin/sh -c "exit $STATUS"\nEnvironment=STATUS=0\n')
    toy.out("sh", "-c", "echo STATUS=1 > /etc/toy/environment; kill -9 $(systemctl show --value -p MainPID toy)")
    toy.wait("sh", "-c", "systemctl status toy | grep -q 'Start request repeated too quickly\\|start-limit-hit'")
    assert "10" == toy.show("toy.service", "NRestarts")


def test_restart_loses_no_connection(toy: Machine) -> None:
    """S0-14: systemd holds the socket: the first connection starts it, and restarts under load lose none."""
    toy.out("systemctl", "stop", "toy.service")
    assert asked(toy)["pid"]
    toy.out("sh", "-c", "python3 /srv/load.py 4 > /srv/load.out 2>&1 & echo started")
    for _ in range(3):
        assert 0 == toy.shipways("service", "ctl", "restart", "--system").code
    toy.wait("test", "-s", "/srv/load.out")
    done, failed, *_ = (toy.shared / "load.out").read_text().split()
    assert (True, "0") == (int(done) > 100, failed), (toy.shared / "load.out").read_text()


@pytest.mark.long
def test_logs_are_bounded(toy: Machine) -> None:
    """S0-13: 32 MB that are printed leave no more than the limit in the journal; a log file is rotated."""
    asked(toy, "/flood")
    toy.wait("sh", "-c", "journalctl --namespace=toy --no-pager -n 20 | grep -q '00[67][0-9]* xxx'")
    used = toy.out("sh", "-c", "du -scb /var/log/journal/*.toy /run/log/journal/*.toy 2>/dev/null | tail -1 | cut -f1")
    assert 1_000_000 < int(used) <= 8_000_000 + 1_000_000
    toy.out("sh", "-c", "head -c 1000000 /dev/zero > /var/log/toy/x.log; chown toy:toy /var/log/toy/x.log")
    assert "log needs rotating" in toy.run("logrotate", "-d", "/etc/logrotate.d/toy").err
    toy.out("logrotate", "--state", "/tmp/state", "/etc/logrotate.d/toy")
    assert ("0", "1000000") == tuple(toy.out("sh", "-c", "stat -c %s /var/log/toy/x.log /var/log/toy/x.log.1").split())


def test_starts_with_the_machine(toy: Machine) -> None:
    """S1-03: after a reboot it is active and healthy, and what it keeps is there."""
    toy.out("sh", "-c", "echo kept > /var/lib/toy/state/file")
    toy.reboot()
    assert "active" == toy.show("toy.service", "ActiveState")
    assert asked(toy, "/health")["pid"]
    assert "kept" == toy.out("cat", "/var/lib/toy/state/file")


def test_backup_and_restore(toy: Machine) -> None:
    """S1-27: a backup while it writes, a lost disk, a restore: what comes back is whole, its owner's, and it starts."""
    whole = "cd /var/lib/toy/state && [ $(sha256sum < log | cut -c1-64) = $(cat sum) ] && sha256sum log"
    asked(toy, "/write")
    took = toy.shipways("service", "backup", "toy", "--system")
    assert 0 == took.code, took
    digest, archive = took.out.split()
    assert digest == toy.out("sha256sum", archive).split()[0]
    assert "600 root" == toy.out("stat", "-c", "%a %U", archive)
    assert asked(toy, "/health")["pid"]
    toy.out("systemctl", "stop", "toy.service", "toy.socket")
    toy.out("rm", "-rf", "/var/lib/toy/state")
    toy.out("sh", "-c", f"head -c -1 {archive} > /tmp/torn")
    assert 6 == toy.shipways("service", "restore", "toy", "/tmp/torn", "--system").code
    assert 0 == (ran := toy.shipways("service", "restore", "toy", archive, "--system")).code, ran
    first = toy.out("sh", "-c", whole)
    assert "toy 600" == toy.out("stat", "-c", "%U %a", "/var/lib/toy/state/log")
    toy.out("systemctl", "start", "toy.socket", "toy.service")
    asked(toy, "/write")
    assert 6 == toy.shipways("service", "restore", "toy", archive, "--system").code
    assert 0 == (ran := toy.shipways("service", "restore", "toy", archive, "--system", "--force")).code, ran
    assert (first, True) == (toy.out("sh", "-c", whole), "the data of before is kept" in ran.err)
    assert asked(toy, "/health")["pid"]


def test_quick_start(host: Machine, capsys: pytest.CaptureFixture[str]) -> None:
    """S1-23, S1-29: the commands of the rendered quick start, in a bare machine, against a stopwatch."""
    host.shipways("service", "uninstall", "--system")
    said = guide(host).partition("## Linux, by systemd\n")[2].partition("\n## ")[0]
    lines = re.findall(r"^(?:sudo )?shipways (.*)$", said, re.MULTILINE)
    assert 4 == len(lines)
    since = time.monotonic()
    for line in lines:
        assert 0 == (ran := host.shipways(*shlex.split(line))).code, ran
    assert asked(host, "/health")["pid"]
    seconds = time.monotonic() - since
    with capsys.disabled():
        sys.stdout.write(f"\nquick start by systemd: {seconds:.1f} s\n")
    assert 600 > seconds


def test_real_program_in_the_sandbox(host: Machine) -> None:
    """S0-11: a real program works in its sandbox, which systemd rates 2.0 or better; the unit has no fault."""
    assert 0 == (ran := host.shipways("service", "install", "--system", cwd="/srv/pulse")).code, ran
    told = host.out("/usr/local/bin/pulse", "check", "http://127.0.0.1:8080/health")
    assert "200 OK" in told
    unit = "/etc/systemd/system/pulse.service"
    assert "" == host.run("systemd-analyze", "verify", unit).err
    host.out("systemd-analyze", "security", "--offline=true", "--threshold=20", unit)
    assert 0 == host.shipways("service", "uninstall", "--system", cwd="/srv/pulse").code


@pytest.mark.parametrize("user", ["", "ada"])
def test_daemon_of_aisopod(host: Machine, aisopod_program: Path, user: str) -> None:
    """S0-12: `aisopod daemon install` writes the unit of a user or the machine, twice is once; none is left."""
    shutil.copy(aisopod_program, host.shared / "aisopod")
    host.out("install", "-m", "0755", "/srv/aisopod", f"{PROGRAMS}/aisopod")
    home = f"/home/{user}" if user else "/root"
    if user:
        host.out("loginctl", "enable-linger", user)
        host.wait("test", "-e", "/run/user/1000/systemd/private")
    before = set(files(host).split())

    def daemon(*words: str) -> Ran:
        env = {"HOME": home, "XDG_RUNTIME_DIR": "/run/user/1000"} if user else {}
        return host.run("aisopod", "daemon", *words, *(() if user else ("--system",)), user=user, env=env)

    first, again = daemon("install"), daemon("install")
    assert (0, 0, "aisopod is installed\n") == (first.code, again.code, again.out), (first, again)
    pid = int(host.out("pgrep", "-x", "aisopod"))
    host.wait("aisopod", "health")
    uid = int(host.out("stat", "-c", "%u", f"/proc/{pid}"))
    assert uid == 1000 if user else uid in range(61184, 65520)  # systemd.exec(5), DynamicUser=
    if not user:
        host.out("kill", "-9", str(pid))
        host.wait("sh", "-c", f"pgrep -x aisopod | grep -vx {pid} && aisopod health")
    gone, twice = daemon("uninstall"), daemon("uninstall")
    assert (0, 0, "aisopod is not installed\n") == (gone.code, twice.code, twice.out), (gone, twice)
    assert 1 == host.run("pgrep", "-x", "aisopod").code
    config = f"{home}/.config/aisopod/aisopod.json" if user else "/etc/aisopod/aisopod.json"
    assert {config} == {path for path in set(files(host).split()) - before if "/.config/aisopod/state" not in path}


def test_user_scope(host: Machine) -> None:
    """S0-12: without --system it is one user's: in their home, by their systemd; twice is once, and nothing is left."""
    host.shipways("service", "uninstall", "--system")
    host.out("loginctl", "enable-linger", "ada")
    host.wait("test", "-e", "/run/user/1000/systemd/private")
    before = files(host)
    first, again = (host.shipways("service", "install", user="ada") for _ in range(2))
    assert (0, 0, "toy: nothing to do\n") == (first.code, again.code, again.out), (first, again)
    assert 1000 == asked(host)["uid"]
    assert 0 == host.shipways("service", "status", user="ada").code
    gone = host.shipways("service", "uninstall", user="ada")
    assert 0 == gone.code, gone
    assert set() == set(files(host).split()) - set(before.split())


def test_proxy_at_a_socket_of_systemd(host: Machine) -> None:
    """tender proxy at a socket unit: releases, its own upgrade and its restart under load lose no request."""
    host.shipways("service", "uninstall", "--system")
    fronts.begin(host)
    fronts.release(host, 1)
    host.out("sh", "-c", "rm -f /srv/load.out; python3 /srv/load.py 6 > /srv/load.out 2>&1 & echo started")
    fronts.release(host, 2)
    host.out("systemctl", "stop", "release-1")
    pid = fronts.proxy(host, "upgrade")["pid"]
    host.wait("sh", "-c", f"[ $(systemctl show --value -p MainPID front) = {pid} ]")
    fronts.release(host, 3)
    host.out("systemctl", "stop", "release-2")
    host.out("systemctl", "restart", "front.service")
    assert "127.0.0.1:8093" == fronts.proxy(host, "status")["backend"]
    assert "to 127.0.0.1:8093" == host.show("front.service", "StatusText")
    host.wait("test", "-s", "/srv/load.out")
    done, failed, *_ = (host.shared / "load.out").read_text().split()
    assert (True, "0") == (int(done) > 100, failed), (host.shared / "load.out").read_text()
    fronts.end(host)
    host.out("systemctl", "stop", "release-3")
