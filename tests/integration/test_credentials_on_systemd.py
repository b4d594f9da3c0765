"""Secrets and timed backups of an installed service, under a real systemd as PID 1."""

from collections.abc import Iterator

import pytest

from machines import Machine, machine
from toys import asked, settle

pytestmark = [pytest.mark.integration, pytest.mark.slow, pytest.mark.engine]

CANARY = "do-not-show-4711"
BACKUPS = "/var/lib/shipways/backups/toy"


@pytest.fixture(scope="module")
def host(tmp_path_factory: pytest.TempPathFactory, pytestconfig: pytest.Config) -> Iterator[Machine]:
    """The machine with the toy, whose only secret is a file of root."""
    kept = pytestconfig.cache.mkdir("images") if pytestconfig.cache else tmp_path_factory.mktemp("images")
    with machine(tmp_path_factory.mktemp("machine"), kept) as made:
        settle(made)
        made.out("mount", "--make-rshared", "/")  # as on a machine: Docker gives a container none that spread
        made.out("sh", "-c", f"umask 077; mkdir -p /etc/credstore; printf %s {CANARY} > /etc/credstore/toy.TOY_TOKEN")
        ran = made.shipways("service", "install", "--system")
        assert 0 == ran.code, ran
        yield made


def test_credential(host: Machine) -> None:
    """S1-16: the program has it as a file that nobody else reads, and knows where; no unit or variable has it."""
    env = asked(host)["env"]
    assert isinstance(env, dict)
    assert ("/run/credentials/toy.service/TOY_TOKEN", False) == (env["TOY_TOKEN_FILE"], "TOY_TOKEN" in env)
    assert CANARY == host.out("cat", env["TOY_TOKEN_FILE"])
    assert host.out("stat", "-c", "%a", env["TOY_TOKEN_FILE"]) in {"400", "440", "600"}
    host.out("useradd", "--create-home", "ada")
    assert 0 != host.run("cat", env["TOY_TOKEN_FILE"], user="ada").code
    assert "600 root" == host.out("stat", "-c", "%a %U", "/etc/credstore/toy.TOY_TOKEN")
    pid = host.show("toy.service", "MainPID")
    seen = host.out("sh", "-c", f"systemctl show toy; systemctl cat toy; cat /proc/{pid}/cmdline /proc/{pid}/environ")
    assert CANARY not in seen
    assert CANARY not in host.out("journalctl", "--namespace=toy", "--no-pager")


def test_without_a_credential(host: Machine) -> None:
    """One that nobody has laid down is no reason not to start, and what the file of variables says counts."""
    host.out("mv", "/etc/credstore/toy.TOY_TOKEN", "/srv/aside")
    host.out("sh", "-c", "umask 077; echo TOY_TOKEN=another > /etc/toy/environment; systemctl restart toy")
    env = asked(host)["env"]
    assert isinstance(env, dict)
    assert ("another", False) == (env["TOY_TOKEN"], "TOY_TOKEN_FILE" in env)
    host.out("sh", "-c", "rm /etc/toy/environment; mv /srv/aside /etc/credstore/toy.TOY_TOKEN; systemctl restart toy")


def test_units_of_the_timer(host: Machine) -> None:
    """S1-27: the timer waits for its hour, starts with the machine, and its units have no fault."""
    assert ("active", "waiting") == tuple(host.show("toy-backup.timer", name) for name in ("ActiveState", "SubState"))
    assert "enabled" == host.show("toy-backup.timer", "UnitFileState")
    assert " 04:00:00 " in host.show("toy-backup.timer", "NextElapseUSecRealtime")
    units = [f"/etc/systemd/system/toy-backup.{kind}" for kind in ("service", "timer")]
    assert "" == host.run("systemd-analyze", "verify", *units).err
    assert "WorkingDirectory=/srv/project" in host.out("cat", units[0])
    assert 0 == host.shipways("service", "status", "--system").code


def test_backup_at_its_time(host: Machine) -> None:
    """S1-27: the timer takes backups by itself, of which the newest stay; the service runs after each."""
    asked(host, "/write")
    drop = "/etc/systemd/system/toy-backup.timer.d"
    text = "[Timer]\\nOnCalendar=\\nOnCalendar=*:*:0/3\\nAccuracySec=100ms\\n"
    host.out("sh", "-c", f"mkdir -p {drop}; printf '{text}' > {drop}/often.conf; systemctl daemon-reload")
    host.out("systemctl", "restart", "toy-backup.timer")
    host.wait("sh", "-c", f"[ $(ls {BACKUPS} | wc -l) -ge 2 ]")
    first = host.out("ls", BACKUPS).split()
    host.wait("sh", "-c", f"! [ -e {BACKUPS}/{first[0]} ]")
    host.out("sh", "-c", f"rm -r {drop}; systemctl daemon-reload; systemctl restart toy-backup.timer")
    host.wait("sh", "-c", "[ $(systemctl show --value -p ActiveState toy-backup.service) = inactive ]")
    assert "success" == host.show("toy-backup.service", "Result")
    newest = host.out("ls", BACKUPS).split()
    assert 2 == len(newest)
    host.wait("systemctl", "is-active", "toy.service")
    archive = f"{BACKUPS}/{newest[-1]}"
    assert 0 == (ran := host.shipways("service", "restore", "toy", archive, "--system", "--force")).code, ran
    assert asked(host, "/health")["pid"]


def test_a_stopped_service_stays_so(host: Machine) -> None:
    """A backup of a service that somebody has stopped does not start it; uninstalled no timer is left."""
    host.out("systemctl", "stop", "toy.service", "toy.socket")
    host.out("systemctl", "start", "toy-backup.service")
    assert "inactive" == host.show("toy.service", "ActiveState")
    gone = host.shipways("service", "uninstall", "--system")
    assert (0, "") == (gone.code, host.run("sh", "-c", "systemctl list-unit-files | grep toy").out), gone
