"""fly.toml, by the rules of Fly.io's own validation."""

import tomllib
from collections.abc import Mapping
from typing import Any, Final

import pytest

from deploying import HEAD, SHOP, rendered
from shipways.deploy import fly
from shipways.errors import ConfigError

PATH: Final = "deployment/fly/shop/fly.toml"
KNOWN: Final[Mapping[str, frozenset[str]]] = {
    "build": frozenset({"dockerfile", "build-target", "image", "args"}),
    "http_service": frozenset(
        {
            *("internal_port", "force_https", "auto_stop_machines", "auto_start_machines"),
            *("min_machines_running", "checks", "concurrency", "processes"),
        }
    ),
    "mounts": frozenset({"source", "destination", "initial_size", "snapshot_retention"}),
}
"""The sections and keys that flyctl's strict mode knows, of those that are used here."""


def document(services: str = SHOP, *sources: str, volumes: str = '"/data"') -> Mapping[str, Any]:
    """What is rendered for the service shop, whose image has these volumes."""
    head = HEAD.replace('volumes = ["/data"]', f"volumes = [{volumes}]")
    return tomllib.loads(rendered(fly, services, sources, head=head)[PATH])


def test_app_and_region() -> None:
    """S0-09, S3-01: the app has the name of the service and a region, unless others are said."""
    said = document()
    assert ("shop", "iad") == (said["app"], said["primary_region"])
    said = document(SHOP + '[service.shop.fly]\napp = "shop-of-example"\nregion = "nrt"\n')
    assert ("shop-of-example", "nrt") == (said["app"], said["primary_region"])


@pytest.mark.parametrize("region", ["", "iadd", "IAD", "i1d"])
def test_no_region(region: str) -> None:
    """S3-01: what cannot be a region is an error of the config."""
    with pytest.raises(ConfigError, match=r"service\.shop\.fly\.region"):
        document(SHOP + f'[service.shop.fly]\nregion = "{region}"\n')


def test_known_keys() -> None:
    """S3-02: no section has a key that flyctl does not know (`context` is none); the Dockerfile is a path from here."""
    said = document()
    assert {} == {name: set(said[name]) - known for name, known in KNOWN.items() if set(said[name]) - known}
    assert {"dockerfile": "../../docker/shop/Dockerfile"} == said["build"]


def test_environment() -> None:
    """S3-03: values of a container, the platform's own over them; no secret has one."""
    said = document(SHOP + '[service.shop.fly]\nenv = { SHOP_DATA = "/data/more" }\n')
    assert {"SHOP_DATA": "/data/more"} == said["env"]
    assert "SHOP_TOKEN=…" in rendered(fly)[PATH]


def test_secret_in_the_config() -> None:
    """S3-03: what looks like a secret may not have a value in the config."""
    with pytest.raises(ConfigError, match="API_KEY: looks like a secret"):
        document(SHOP + 'API_KEY = { default = "abc" }\n')


def test_http_service() -> None:
    """S0-09, S3-04, S3-06: requests go to the port of the service, once its own check is content."""
    assert {
        "internal_port": 8080,
        "force_https": True,
        "auto_stop_machines": "stop",
        "auto_start_machines": True,
        "min_machines_running": 0,
        "checks": [
            {"grace_period": "10s", "interval": "30s", "timeout": "5s", "method": "GET", "path": "/health"},
        ],
    } == document()["http_service"]


def test_bounds_of_checks() -> None:
    """S3-06: an interval and a timeout are no more than Fly.io takes."""
    said = document(SHOP + '[service.shop.probe]\ninterval = "5m"\ntimeout = "100ms"\n')["http_service"]["checks"][0]
    assert ("60s", "1s") == (said["interval"], said["timeout"])


def test_machine_and_volume() -> None:
    """S0-09, S3-05, S3-10: a machine as big as the limits, and one volume with snapshots that covers all data."""
    split = SHOP.replace('{ main = "/data" }', '{ main = "/data/a", more = "/data/b/c" }')
    said = document(split, volumes='"/data/a", "/data/b/c"')
    assert [{"size": "shared-cpu-1x", "memory": "512mb"}] == said["vm"]
    assert {
        "source": "shop_data",
        "destination": "/data",
        "initial_size": "1gb",
        "snapshot_retention": 5,
    } == said["mounts"]


def test_data_apart() -> None:
    """S3-09: data that shares no folder does not fit into one volume, and the error says what to do."""
    apart = SHOP.replace('{ main = "/data" }', '{ main = "/data", more = "/var/more" }')
    with pytest.raises(ConfigError, match="share no folder") as caught:
        document(apart, volumes='"/data", "/var/more"')
    assert 'let them share one, or set deployment.fly.file = ""' == caught.value.problems[0].hint


def test_config_files() -> None:
    """Each file of a config folder is written into the machine, unless it lies on the volume."""
    files = SHOP + '[service.shop.files.config]\npath = "/config"\nsource = "config"\n'
    sources = ("config/a.json", "config/b/c.json", "configure")
    assert [
        {"guest_path": "/config/a.json", "local_path": "../../../config/a.json"},
        {"guest_path": "/config/b/c.json", "local_path": "../../../config/b/c.json"},
    ] == document(files, *sources)["files"]
    assert "files" not in document(files + "[service.shop.fly]\nfiles = false\n", *sources)


def test_nothing_wanted() -> None:
    """Without a path, and for a service without a port, there is no file."""
    assert {} == rendered(fly, SHOP + '[deployment.fly]\nfile = ""\n')
    assert {} == rendered(fly, '[service.shop]\nimage = "shop"\n')
