"""Docker Compose from services: what is published, kept, confined, asked for, and never written down."""

from typing import Any

import pytest
import tomlkit
import yaml
from hypothesis import example, given
from hypothesis import strategies as st

from deploying import PLACEHOLDER
from shipways.config.load import parse
from shipways.deploy import compose
from shipways.errors import ConfigError
from support import facts

PROJECT = """
[project]
name = "shop.eu"
[package.web]
build = "go"
[image.web]
package = "web"
repositories = ["example.com/web"]
command = ["serve"]
volumes = ["/data/graph"]
tender = "example.com/tender:1"
"""
SERVICE = '[service.web]\nimage = "web"\nport = 8080\n'
HEALTH = 'health = "/health"\n'


def whole(extra: str, project: str = PROJECT) -> dict[str, Any]:
    """The file, read."""
    (file,) = compose.rendered(parse(project + extra, "shipways.toml"), facts())
    read: dict[str, Any] = yaml.safe_load(file.text)
    return read


def service(extra: str, name: str = "web") -> dict[str, Any]:
    """One service of it."""
    found: dict[str, Any] = whole(SERVICE + extra)["services"][name]
    return found


def test_confined() -> None:
    """S1-09: no root of its own to write to, no capability, bounds for memory, processors, processes and log."""
    found = service("[service.web.limits]\nmemory = '1 GB'\ncpus = 0.5\nprocesses = 64\nlog = '10 MB'\n")
    assert (True, ["/tmp"], ["ALL"]) == (found["read_only"], found["tmpfs"], found["cap_drop"])
    assert ["no-new-privileges:true"] == found["security_opt"]
    assert (1_000_000_000, 0.5, 64) == (found["mem_limit"], found["cpus"], found["pids_limit"])
    assert {"max-size": "2000k", "max-file": "5"} == found["logging"]["options"]
    assert "shop-eu" == whole(SERVICE)["name"]


@pytest.mark.parametrize(
    ("publish", "expected"),
    [("127.0.0.1", "127.0.0.1:8080:8080"), ("0.0.0.0", "8080:8080"), ("::1", "[::1]:8080:8080")],  # noqa: S104 - a value
)
def test_published(publish: str, expected: str) -> None:
    """Where the config says: this machine alone, if it says nothing."""
    assert [expected] == service(f'publish = "{publish}"\n')["ports"]


def test_nothing_empty() -> None:
    """A service with nothing but an image has no empty key, and nothing is published."""
    found = whole('[service.web]\nimage = "web"\n')
    assert {"name", "services"} == set(found)
    assert not [key for key, value in found["services"]["web"].items() if value in ({}, [], "", None)]
    assert found["services"]["web"]["init"] is True


def test_tender_is_first() -> None:
    """S1-20: the first process asks for the health as Docker does, and exits when it stays bad."""
    probe = "[service.web.probe]\nstatus = 204\ncontains = 'a b'\nmembers = { 'db.up' = 'yes' }\n"
    found = service(HEALTH + probe + "interval = '2s'\ntimeout = '1500ms'\nretries = 2\nstart_period = '1m'\n")
    asked = ["--status", "204", "--body-contains", "a b", "--json", "db.up=yes", "--timeout", "1500ms"]
    rest = ["--interval", "2s", "--retries", "2", "--start-period", "60s", "--stop-timeout", "10s"]
    url = "http://127.0.0.1:8080/health"
    assert ["/usr/local/bin/tender", "run", "--health", url, *asked, *rest, "--", "/usr/local/bin/web"] == (
        found["entrypoint"]
    )
    assert ["serve"] == found["command"]
    assert "init" not in found
    check = {"interval": "2s", "timeout": "1500ms", "start_period": "60s", "retries": 2}
    assert {"test": ["CMD", "/usr/local/bin/tender", "probe", url, *asked], **check} == found["healthcheck"]


def test_own_command_asks() -> None:
    """A command of the image asks where the config names one; without tender the program is started by itself."""
    extra = SERVICE + HEALTH + "[service.web.probe]\ncommand = ['/usr/local/bin/web', 'check', '$HOME']\n"
    found = whole(extra, PROJECT.replace('tender = "example.com/tender:1"\n', ""))["services"]["web"]
    assert ["CMD", "/usr/local/bin/web", "check", "$$HOME"] == found["healthcheck"]["test"]
    assert (["/usr/local/bin/web"], True) == (found["entrypoint"], found["init"])


def test_nobody_asks() -> None:
    """A health that nothing in the image can ask for is an error with both ways out."""
    with pytest.raises(ConfigError, match=r"(?s)service\.web\.health: nothing in image\.web.*image\.web\.tender ="):
        whole(SERVICE + HEALTH, PROJECT.replace('tender = "example.com/tender:1"\n', ""))


def test_after_what_it_needs() -> None:
    """S1-09: it waits until the other one is healthy; for one without a health, until it has started."""
    other = '[service.db]\nimage = "web"\nport = 5432\n'
    waits = 'needs = ["db"]\n[service.web.env]\nDB = { default = "{service.db}" }\n'
    for health, expected in (("", "service_started"), (HEALTH, "service_healthy")):
        found = whole(SERVICE + waits + other + health)["services"]
        assert {"db": {"condition": expected}} == found["web"]["depends_on"]
        assert "db:5432" == found["web"]["environment"]["DB"]
        assert ["db", "web"] == list(found)


def test_data_and_files() -> None:
    """S1-10, S4-05: data lies in named volumes; a file is read-only, and one that is missing becomes no folder."""
    extra = (
        "data = { graph = '/data/graph' }\n[service.web.files.config]\npath = '/app/.web.yaml'\nsource = '.web.yaml'\n"
    )
    found = whole(SERVICE + extra)
    data, config = found["services"]["web"]["volumes"]
    assert ("web-graph:/data/graph", {"web-graph": {}}) == (data, found["volumes"])
    assert {
        "type": "bind",
        "source": "../../.web.yaml",
        "target": "/app/.web.yaml",
        "read_only": True,
        "bind": {"create_host_path": False},
    } == config
    beside = whole('[deployment.compose]\nfile = "compose.yml"\n' + SERVICE + extra)
    assert "./.web.yaml" == beside["services"]["web"]["volumes"][1]["source"]


def test_secrets_are_files() -> None:
    """A secret has a file and no value; one that is required somewhere has to be named."""
    env = "[service.{0}.env]\nAPI_KEY = {{ secret = true{1} }}\n"
    one = whole(SERVICE + env.format("web", ""))
    assert {"API_KEY": {"file": "${API_KEY_FILE:-/dev/null}"}} == one["secrets"]
    assert {"API_KEY_FILE": "/run/secrets/API_KEY"} == one["services"]["web"]["environment"]
    assert ["API_KEY"] == one["services"]["web"]["secrets"]
    other = '[service.agent]\nimage = "web"\n'
    both = whole(SERVICE + env.format("web", ", required = true") + other + env.format("agent", ""))
    assert {"API_KEY": {"file": "${API_KEY_FILE:?is required}"}} == both["secrets"]


def test_variables_without_a_value() -> None:
    """S1-29: they are those of whoever runs Compose, or of .env; a required one that is missing is an error there."""
    found = service("[service.web.env]\nA = {}\nB = { required = true }\nC = { default = '' }\n")
    assert {"A": None, "B": "${B:?is required}", "C": ""} == found["environment"]


def test_built_here() -> None:
    """The Dockerfile that is rendered, or one of the config with its context, its stage and its fixed arguments."""
    assert {"context": "../..", "dockerfile": "deployment/docker/web/Dockerfile"} == service("")["build"]
    top = '[deployment.compose]\nfile = "c.yml"\n[deployment.docker]\nfile = "Dockerfile"\n'
    assert "." == service(top)["build"]
    own = PROJECT.replace('command = ["serve"]\nvolumes = ["/data/graph"]\n', "").replace(
        'tender = "example.com/tender:1"\n',
        'dockerfile = "docker/web.Dockerfile"\ncontext = "app"\ntarget = "run"\nargs = { A = "$b", V = "{version}" }\n',
    )
    assert {
        "context": "../../app",
        "dockerfile": "../docker/web.Dockerfile",
        "target": "run",
        "args": {"A": "$$b"},
    } == whole(SERVICE, own)["services"]["web"]["build"]
    zig = PROJECT.replace('build = "go"', 'build = "zig"')
    assert "build" not in whole(SERVICE, zig)["services"]["web"]


@given(
    st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=20).filter(
        lambda text: not PLACEHOLDER.search(text)
    )
)
@example("\n\x85")
@example("\n\u2028")
@example("{a")
@example("{}")
def test_values_arrive(value: str) -> None:
    """Whatever a value is, it is read as itself: quotes, newlines and dollars too. A placeholder is none."""
    found = service(f"[service.web.env]\nA = {{ default = {tomlkit.string(value).as_string()} }}\n")
    assert value == found["environment"]["A"].replace("$$", "$")
    assert "$" not in found["environment"]["A"].replace("$$", "")
