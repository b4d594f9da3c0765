"""Property lists of launchd, against the keys and types that launchd.plist(5) has."""

import plistlib
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deploying import PLACEHOLDER
from shipways.config.load import parse
from shipways.config.schema import Config
from shipways.deploy.launchd import daemon, rendered
from shipways.deploy.services import services
from shipways.errors import ConfigError
from shipways.model.daemon import Folder, Machine, place
from support import facts

PROJECT = """
[project]
name = "cdsagent"
description = "Index of code"

[package.index]
build = "rust"

[image.index]
package = "index"
volumes = ["/data"]
command = ["serve"]

[service.index]
image = "index"
"""
DAEMON, AGENT = "deployment/launchd/com.cdsagent.index.plist", "deployment/launchd/agent/com.cdsagent.index.plist"
TYPES: dict[str, type] = {
    "Label": str,
    "UserName": str,
    "ProgramArguments": list,
    "EnvironmentVariables": dict,
    "RunAtLoad": bool,
    "KeepAlive": dict,
    "ThrottleInterval": int,
    "ExitTimeOut": int,
    "ProcessType": str,
    "StandardOutPath": str,
    "StandardErrorPath": str,
    "Umask": int,
    "SoftResourceLimits": dict,
    "HardResourceLimits": dict,
}
"""launchd.plist(5), "XML PROPERTY LIST KEYS"."""
INSIDE: dict[str, dict[str, type]] = {
    "KeepAlive": {"SuccessfulExit": bool, "Crashed": bool},
    "SoftResourceLimits": {"NumberOfProcesses": int},
    "HardResourceLimits": {"NumberOfProcesses": int},
}


ROOT = Path(__file__).parent.parent.parent
OURS = ("deployment/launchd/com.shipways.deployer.plist", "deployment/launchd/agent/com.shipways.deployer.plist")
"""Of the deployer, as they are committed."""


def config(extra: str = "") -> Config:
    return parse(PROJECT + extra, "shipways.toml")


def plists(extra: str = "") -> dict[str, dict[str, Any]]:
    """What is rendered, read by Python's library of property lists."""
    files = {file.path: file.text for file in rendered(config(extra), facts())}
    return {path: plistlib.loads(text.encode()) for path, text in files.items() if path.endswith(".plist")}


@pytest.mark.parametrize("path", [DAEMON, AGENT, *OURS])
def test_keys_and_types(path: str) -> None:
    """S0-15: each key is one of launchd's, and its value has the type that launchd wants."""
    made = plists('health = "/health"\nport = 3030\nenv = { A = { default = "1" } }\n')
    found = made[path] if path in made else plistlib.loads((ROOT / path).read_bytes())
    assert {key: TYPES[key] for key in found} == {key: type(value) for key, value in found.items()}
    for key, types in INSIDE.items():
        assert all(types[name] is type(value) for name, value in found.get(key, {}).items())
    assert all(isinstance(word, str) for word in found["ProgramArguments"])


def test_agent_or_daemon() -> None:
    """S0-16: a daemon has an account of its own, an agent has that of its user, and neither asks for a shell's help."""
    found = plists()
    assert "index" == found[DAEMON]["UserName"]
    assert not {"UserName", "SoftResourceLimits", "HardResourceLimits"} & set(found[AGENT])
    for each in found.values():
        paths = [each["ProgramArguments"][0], each["StandardOutPath"], each["StandardErrorPath"]]
        assert all(path.startswith("/") and not set("~$") & set(path) for path in paths)


def test_kept_alive() -> None:
    """S1-04: it starts with the machine or the login, and again after a failure or a crash, but not after a stop."""
    for found in plists().values():
        assert {"SuccessfulExit": False, "Crashed": True} == found["KeepAlive"]
        assert (10, True) == (found["ThrottleInterval"], found["RunAtLoad"])


def test_auto_start_and_place() -> None:
    """S0-18: it is installed where launchd looks for daemons, or for agents of one user."""
    (service,) = services(config(), place(MACHINE, system=True, programs="/usr/local/bin"))
    assert "/Library/LaunchDaemons/x.y.plist" == daemon(service, "x.y").texts[0].path
    assert "/Users/ada/Library/LaunchAgents/x.y.plist" == daemon(service, "x.y", "/Users/ada").texts[0].path


MACHINE = Machine(system="darwin", arch="x86_64", home="/Users/ada", uid=501)


def test_folders() -> None:
    """S0-17: folders of log and data have to be there before, and belong to the account that it runs as."""
    extra = 'data = { graph = "/data" }\nuser = "_index"\n'
    (service,) = services(config(extra), place(MACHINE, system=True, programs="/usr/local/bin"))
    expected = [
        Folder(path=path, owner="_index") for path in ("/usr/local/var/log/index", "/usr/local/var/index/graph")
    ]
    assert expected == list(daemon(service, "x").folders)
    (service,) = services(config(extra), place(MACHINE, system=False, programs="/usr/local/bin"))
    mine = ["/Users/ada/Library/Logs/index", "/Users/ada/Library/Application Support/index/graph"]
    assert mine == [each.path for each in daemon(service, "x", MACHINE.home).folders]


def test_hang_ends_it() -> None:
    """tender ends a program that does not answer any more, and launchd starts it again."""
    words = plists('health = "/health"\nport = 3030\n')[AGENT]["ProgramArguments"]
    assert ["/usr/local/bin/tender", "run", "--health", "http://127.0.0.1:3030/health"] == words[:4]
    assert ["--", "/usr/local/bin/index", "serve"] == words[-3:]


def test_secrets_come_from_a_file() -> None:
    """launchd reads no file of variables, so a shell does; no value is in the property list."""
    words = plists("env = { API_KEY = { secret = true } }\n")[DAEMON]["ProgramArguments"]
    file = "'/usr/local/etc/index/environment'"
    script = f'[ ! -e {file} ] || {{ set -a; . {file}; set +a; }}; exec "$@"'
    assert ["/bin/sh", "-c", script, "sh", "/usr/local/bin/index", "serve"] == words


def test_log_is_rotated() -> None:
    """S0-13: newsyslog keeps the limit of the service: the log and five before it."""
    files = {file.path: file.text for file in rendered(config('[service.index.limits]\nlog = "60 MB"\n'), facts())}
    line = files["deployment/launchd/index.newsyslog.conf"].splitlines()[-1]
    assert "/usr/local/var/log/index/index.log index: 640 5 10000 * N" == line


TEXTS = st.text(st.characters(exclude_categories=["Cs", "Cc"]) | st.sampled_from("\n\t"), max_size=40).filter(
    lambda text: not PLACEHOLDER.search(text)
)


@given(st.dictionaries(st.from_regex(r"[A-Z][A-Z0-9_]{0,9}", fullmatch=True), TEXTS, min_size=1, max_size=4))
def test_values_arrive(values: dict[str, str]) -> None:
    """Whatever a variable holds is what the property list says. A placeholder is none."""
    table = {name: {"default": value, "secret": False} for name, value in values.items()}
    model = config().model_copy(deep=True)
    setting = config('env = { X = { default = "" } }\n').service["index"].env["X"]
    env = {name: setting.model_copy(update=each) for name, each in table.items()}
    service = model.service["index"].model_copy(update={"env": env})
    made = model.model_copy(update={"service": {"index": service}})
    first = next(rendered(made, facts()))
    found = plistlib.loads(first.text.encode())["EnvironmentVariables"]
    assert values == found


@pytest.mark.parametrize("letter", ["\\u0007", "\\r"])
def test_character_that_no_property_list_has(letter: str) -> None:
    """XML has no control characters, so one is an error that says where."""
    with pytest.raises(ConfigError, match=r"service\.index: cannot be a property list"):
        plists(f'env = {{ X = {{ default = "{letter}" }} }}\n')


def test_nothing_where_it_is_not_wanted() -> None:
    """An empty folder renders nothing."""
    assert {} == plists('[deployment.launchd]\nfolder = ""\n')
