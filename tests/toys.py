"""The toy: a service that fails as tests ask it to, as a project, and what is asked of it on a machine."""

import json
import shutil
import time
from pathlib import Path

from machines import PROGRAMS, Machine
from shipways.config.load import parse
from shipways.deploy import documents
from support import facts

HARNESS = Path(__file__).parent / "harness"
PULSE = Path(__file__).parent / "projects" / "pulse"
WORDS = ["a b", "$HOME", "${HOME}", "100%h", "\"q\" 's'", "back\\slash \\x41", ";", "two\nlines\ttab", "ünï", "#", ""]
VALUES = {f"WORD_{index}": word for index, word in enumerate(WORDS)}
SHIPWAYS = '#!/bin/sh\nPYTHONPATH=/opt/ci:/opt/site PYTHONDONTWRITEBYTECODE=1 exec python3 -m shipways "$@"\n'
"""As pipx or uv would have installed it there."""
CONFIG = f"""
[project]
name = "toys"

[package.toy]
build = "prebuilt"
version = "1.0.0"
[package.toy.prebuilt.files]
x86_64-unknown-linux-musl = "toy"

[image.toy]
package = "toy"
volumes = ["/data"]
command = {json.dumps(WORDS)}

[service.toy]
image = "toy"
port = 8090
health = "/health"
data = {{ state = "/data" }}
stop_time = "2s"
socket = true
[service.toy.probe]
interval = "300ms"
timeout = "500ms"
retries = 2
start_period = "2s"
[service.toy.limits]
memory = "100 MB"
log = "8 MB"
[service.toy.backup]
schedule = "*-*-* 04:00"
keep = 2
[service.toy.files.settings]
path = "/settings.json"
source = "settings.json"
[service.toy.env]
TOY_PORT = {{ default = "{{port}}" }}
TOY_TOKEN = {{ secret = true }}
"""


def settle(host: Machine) -> None:
    """Lay the project into /srv/project, that of pulse into /srv/pulse, and the program where it belongs."""
    project = host.shared / "project"
    project.mkdir()
    env = "".join(f"{name} = {{ default = {json.dumps(word)} }}\n" for name, word in VALUES.items())
    (project / "shipways.toml").write_text(CONFIG + env)
    (project / "settings.json").write_text("{}\n")
    shutil.copytree(PULSE, host.shared / "pulse")
    for name in ("toy.py", "load.py"):
        shutil.copy(HARNESS / name, host.shared / name)
    host.out("install", "-m", "0755", "/srv/toy.py", f"{PROGRAMS}/toy")
    (host.shared / "shipways").write_text(SHIPWAYS)
    host.out("install", "-m", "0755", "/srv/shipways", f"{PROGRAMS}/shipways")


def guide(host: Machine) -> str:
    """The README that is rendered for the project."""
    config = parse((host.shared / "project" / "shipways.toml").read_text(), "shipways.toml")
    texts = {file.path: file.text for file in documents.rendered(config, facts(toy="1.0.0"))}
    return texts["deployment/docs/README.md"]


def override(host: Machine, text: str) -> None:
    """Change the unit for a test, as an administrator would, and start it anew."""
    host.out("mkdir", "-p", "/etc/systemd/system/toy.service.d")
    host.out("sh", "-c", f"printf %s '{text}' > /etc/systemd/system/toy.service.d/test.conf")
    host.out("systemctl", "daemon-reload")
    host.out("systemctl", "restart", "toy.service")


def asked(host: Machine, path: str = "/") -> dict[str, object]:
    """What the toy says of itself."""
    code = f"import urllib.request as u; print(u.urlopen('http://127.0.0.1:8090{path}', timeout=20).read().decode())"
    told: dict[str, object] = json.loads(host.out("python3", "-c", code))
    return told


def files(host: Machine) -> str:
    """Every file and link where services leave theirs."""
    return host.out("find", "/etc", "/var/lib/shipways", "/usr/local", "/home", "-type", "f", "-o", "-type", "l")


def began(host: Machine) -> str:
    """When the toy that runs was started."""
    return host.show("toy.service", "ExecMainStartTimestampMonotonic")


def returned(host: Machine, before: str) -> float:
    """Until one that was started later is healthy; how long that took."""
    since, show = time.monotonic(), "systemctl show --value -p"
    new = f'[ "$({show} ActiveState toy)" = active ] && [ $({show} ExecMainStartTimestampMonotonic toy) != {before} ]'
    ran = host.run("timeout", "30", "sh", "-c", f"until {new}; do sleep 0.05; done")
    assert 0 == ran.code, host.run("systemctl", "status", "toy.service").out
    assert asked(host, "/health")
    return time.monotonic() - since
