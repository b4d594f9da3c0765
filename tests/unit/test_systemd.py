"""Units of systemd: what the specifications say literally, and what follows from a service."""

import configparser
import plistlib

import pytest
import yaml

from shipways.config.load import parse
from shipways.deploy import compose, environment, launchd
from shipways.deploy.services import services
from shipways.deploy.systemd import daemon, rendered
from shipways.errors import ConfigError
from shipways.model.daemon import Caller
from shipways.model.service import LINUX
from support import facts

PROJECT = """
[project]
name = "aisopod"
description = "Aisopod AI Gateway"

[package.aisopod]
build = "rust"

[image.aisopod]
package = "aisopod"
volumes = ["/data/graph", "/data/logs"]
command = ["gateway"]

[service.aisopod]
image = "aisopod"
"""
WATCHED = """port = 18789
health = "/health"
"""
SIMPLE = '[deployment.systemd]\ntype = "simple"\n'


def texts(extra: str = "", project: str = PROJECT) -> dict[str, str]:
    """What is rendered, by path."""
    return {file.path: file.text for file in rendered(parse(project + extra, "shipways.toml"), facts())}


def unit(extra: str = "") -> dict[str, dict[str, list[str]]]:
    """The sections of the service's unit, each key with all its values."""
    found: dict[str, dict[str, list[str]]] = {}
    for line in texts(extra)["deployment/systemd/aisopod.service"].splitlines():
        if line.startswith("["):
            section = found.setdefault(line.strip("[]"), {})
        elif line and not line.startswith("#"):
            key, _, value = line.partition("=")
            section.setdefault(key, []).append(value)
    return found


def test_unit_of_the_specification() -> None:
    """S0-11: the unit has each key of the specification, with its value."""
    expected = {
        "Unit": {"Description": "Aisopod AI Gateway", "After": "network.target"},
        "Service": {
            "Type": "simple",
            "User": "aisopod",
            "ExecStart": "/usr/local/bin/aisopod gateway",
            "Restart": "on-failure",
            "RestartSec": "5",
        },
        "Install": {"WantedBy": "multi-user.target"},
    }
    for found in (unit(SIMPLE), unit(WATCHED + SIMPLE)):
        for section, keys in expected.items():
            assert {key: [value] for key, value in keys.items()} == {key: found[section][key] for key in keys}


def test_tender_notifies() -> None:
    """S1-01, S1-02: a program that cannot notify is started by tender, whose patience ends before systemd's."""
    probe = '[service.aisopod.probe]\ninterval = "1500ms"\ntimeout = "2s"\nmembers = { "a.b" = "x y" }\nstatus = 204\n'
    service = unit(WATCHED + probe)["Service"]
    assert ["notify"] == service["Type"]
    command = (
        '/usr/local/bin/tender run --health http://127.0.0.1:18789/health --status 204 --json "a.b=x y"'
        " --interval 1500ms --timeout 2s --start-period 10s --retries 3 --stop-timeout 10s"
        " -- /usr/local/bin/aisopod gateway"
    )
    assert [command] == service["ExecStart"]
    assert (["25500ms"], ["17500ms"]) == (service["TimeoutStartSec"], service["WatchdogSec"])
    assert ["143"] == service["SuccessExitStatus"]


def test_program_that_notifies() -> None:
    """S1-01: a program that tells systemd itself is started as it is, and nobody watches it besides."""
    service = unit(WATCHED + "notify = true\n")["Service"]
    assert (["notify"], ["/usr/local/bin/aisopod gateway"]) == (service["Type"], service["ExecStart"])
    assert "WatchdogSec" not in service


def test_restart_has_limits() -> None:
    """S1-05: it starts again after a failure, not for ever, and not with a config that is bad."""
    found = unit()
    assert (["300"], ["10"]) == (found["Unit"]["StartLimitIntervalSec"], found["Unit"]["StartLimitBurst"])
    assert ["78"] == found["Service"]["RestartPreventExitStatus"]


def test_limits_and_folders() -> None:
    """Limits, data directories, and how it is stopped are those of the service."""
    extra = """stop_signal = "SIGINT"
stop_time = "90s"
data = { graph = "/data/graph", logs = "/data/logs" }
[service.aisopod.limits]
memory = "1 GB"
cpus = 1.5
processes = 64
"""
    service = unit(extra)["Service"]
    assert ["aisopod/graph aisopod/logs"] == service["StateDirectory"]
    assert (["SIGINT"], ["90s"]) == (service["KillSignal"], service["TimeoutStopSec"])
    limits = [service[key] for key in ("MemoryMax", "CPUQuota", "TasksMax")]
    assert [["1000000000"], ["150%"], ["64"]] == limits
    assert "d /var/lib/aisopod/graph 0700 aisopod aisopod -" in texts(extra)["packaging/tmpfiles.d/aisopod.conf"]


def test_log_is_bounded() -> None:
    """S0-13: journal and log files have the limit of the service."""
    found = texts('[service.aisopod.limits]\nlog = "20 MB"\n')
    journal = configparser.ConfigParser()
    journal.read_string(found["deployment/systemd/journald@aisopod.conf"])
    assert {"systemmaxuse": "20000000", "runtimemaxuse": "20000000"} == dict(journal["Journal"])
    assert "\n    size 2000000\n    rotate 9\n" in found["deployment/systemd/aisopod.logrotate"]


def test_socket() -> None:
    """S0-14: systemd holds the socket of a service that takes one, at the address where it is published."""
    found = texts(WATCHED + 'socket = true\npublish = "::1"\n')
    assert "\nListenStream=[::1]:18789\n" in found["deployment/systemd/aisopod.socket"]
    assert ["aisopod.socket"] == unit(WATCHED + "socket = true\n")["Unit"]["Requires"]
    assert "deployment/systemd/aisopod.socket" not in texts(WATCHED)


def test_low_port() -> None:
    """A port below 1024 needs one capability, and no user namespace, in which it would mean nothing."""
    service = unit("port = 80\n")["Service"]
    assert ["CAP_NET_BIND_SERVICE"] == service["AmbientCapabilities"] == service["CapabilityBoundingSet"]
    assert "PrivateUsers" not in service


def test_required_variable_is_checked() -> None:
    """S1-13: without a required variable a shell ends the start with 78, before the program."""
    extra = "[service.aisopod.env]\nDATABASE_URL = { required = true }\nAPI_KEY = { required = true, secret = true }\n"
    (command,) = unit(extra)["Service"]["ExecStart"]
    assert "; status=0; for name in DATABASE_URL API_KEY; do " in command
    assert command.endswith('exec \\"$$@\\"" sh /usr/local/bin/aisopod gateway')
    assert ["-/etc/aisopod/environment"] == unit(extra)["Service"]["EnvironmentFile"]


def test_secrets_are_credentials() -> None:
    """S1-16: a file of root becomes a file for the program alone, which NAME_FILE tells; no value is in the unit."""
    extra = "[service.aisopod.env]\nAPI_KEY = { secret = true }\nOTHER = { secret = true }\nPLAIN = {}\n"
    service = unit(extra)["Service"]
    assert ["API_KEY:aisopod.API_KEY", "OTHER:aisopod.OTHER"] == service["LoadCredential"]
    (command,) = service["ExecStart"]
    assert command.startswith('/bin/sh -c "for name in API_KEY OTHER; do [ ! -e ')
    assert "LoadCredential" not in unit()["Service"]


def test_timed_backups() -> None:
    """S1-27: a timer that catches up what it has missed, and a unit that calls shipways; none without a schedule."""
    data = 'data = { graph = "/data/graph" }\n[service.aisopod.backup]\nschedule = "*-*-* 04:00"\n'
    found = texts(data)
    timer = found["deployment/systemd/aisopod-backup.timer"]
    assert {"OnCalendar=*-*-* 04:00", "Persistent=true", "WantedBy=timers.target"} <= set(timer.splitlines())
    lines = found["deployment/systemd/aisopod-backup.service"].splitlines()
    assert "ExecStart=shipways service backup aisopod --system --profile prod" in lines
    assert {"Type=oneshot", "WorkingDirectory=/srv/aisopod"} <= set(lines)
    assert not [path for path in texts('data = { graph = "/data/graph" }\n') if "backup" in path]
    with pytest.raises(ConfigError, match=r"backup\.schedule is set, but there is no data"):
        texts('[service.aisopod.backup]\nschedule = "daily"\n')


def test_installed_timer() -> None:
    """The timer is started and enabled like the service, the backup by the timer; of a user it is the user's own."""
    data = 'data = { graph = "/data/graph" }\n[service.aisopod.backup]\nschedule = "daily"\n'
    (service,) = services(parse(PROJECT + data, "shipways.toml"), LINUX)
    caller = Caller(program="/opt/a b/shipways", folder="/srv/it's 100%", profile="staging")
    made = daemon(service, "notify", caller=caller)
    assert ("aisopod.service", "aisopod-backup.timer") == made.units
    files = {each.path: each.text for each in made.texts}
    text = files["/etc/systemd/system/aisopod-backup.service"]
    assert 'ExecStart="/opt/a b/shipways" service backup aisopod --system --profile staging\n' in text
    assert "WorkingDirectory=/srv/it's 100%%\n" in text
    own = {each.path: each.text for each in daemon(service, "notify", "/home/ada", caller).texts}
    text = own["/home/ada/.config/systemd/user/aisopod-backup.service"]
    assert ("--system" in text, "ProtectSystem" in text) == (False, False)
    assert ("aisopod.service",) == daemon(service, "notify").units


@pytest.mark.parametrize(
    ("value", "written"),
    [
        ("plain", "Environment=X=plain"),
        ("a b", 'Environment="X=a b"'),
        ("100%", 'Environment="X=100%%"'),
        ('"', 'Environment="X=\\""'),
        ("$HOME", 'Environment="X=$HOME"'),
        ("back\\slash", 'Environment="X=back\\\\slash"'),
        ("two\nlines", 'Environment="X=two\\nlines"'),
    ],
)
def test_variable_is_escaped(value: str, written: str) -> None:
    """A value is written so that systemd reads exactly it."""
    literal = value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    extra = f'[service.aisopod.env]\nX = {{ default = "{literal}" }}\n'
    assert written in texts(extra)["deployment/systemd/aisopod.service"].splitlines()


def test_variable_that_systemd_does_not_take() -> None:
    """A control character would make systemd pass over the variable, so it is an error."""
    with pytest.raises(ConfigError, match=r"service\.aisopod\.env\.X: holds a character"):
        texts('[service.aisopod.env]\nX = { default = "\\u0007" }\n')


def test_one_description() -> None:
    """S1-07: unit, property list, compose and .env.example say the same port, health and values of variables."""
    extra = """port = 3030
health = "/health"
[service.aisopod.env]
MAX_CONNECTIONS = { default = "100" }
ADDRESS = { default = "{address}:{port}" }
"""
    project = PROJECT.replace("[image.aisopod]\n", '[image.aisopod]\ntender = "ghcr.io/shipways/tender:0.1.0"\n')
    config = parse(project + extra, "shipways.toml")
    service = unit(extra)["Service"]
    assert ["MAX_CONNECTIONS=100", "ADDRESS=127.0.0.1:3030"] == service["Environment"]
    first = next(launchd.rendered(config, facts()))
    job = plistlib.loads(first.text.encode())
    assert {"MAX_CONNECTIONS": "100", "ADDRESS": "127.0.0.1:3030"} == job["EnvironmentVariables"]
    url = "http://127.0.0.1:3030/health"
    assert url in service["ExecStart"][0]
    assert url in job["ProgramArguments"]
    container = yaml.safe_load(next(compose.rendered(config, facts())).text)["services"]["aisopod"]
    assert {"MAX_CONNECTIONS": "100", "ADDRESS": "0.0.0.0:3030"}.items() <= container["environment"].items()
    assert (["127.0.0.1:3030:3030"], True) == (container["ports"], url in container["healthcheck"]["test"])
    example = next(environment.rendered(config, facts())).text
    assert "\nMAX_CONNECTIONS=100\n" in example


def test_nothing_where_it_is_not_wanted() -> None:
    """An empty folder renders nothing of its kind."""
    assert {} == texts('[deployment.systemd]\nfolder = ""\nsysusers = ""\ntmpfiles = ""\n')
