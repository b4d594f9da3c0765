"""One description, every platform: what is rendered cannot disagree."""

import plistlib
import re
import tomllib
from collections.abc import Mapping
from typing import Any, Final

import pytest
import yaml

from deploying import HEAD, rendered
from shipways.deploy import compose, dockerfile, environment, fly, kubernetes, launchd, monitoring, onrender, systemd

HEALTHY: Final = HEAD.replace('"/data"', '"/kept/main"') + 'user = "1234:1234"\ntender = "example.com/tender:1"\n'
SERVICE: Final = """
[service.shop]
image = "shop"
port = 8123
health = "/up"
metrics = "/measured"
user = "keeper"
data = { main = "/kept/main" }

[service.shop.env]
SHOP_DATA = { default = "{data.main}/items" }
SHOP_PORT = { default = "{port}" }
"""


def files(renderer: Any) -> Mapping[str, str]:
    """What is rendered for the service."""
    return rendered(renderer, SERVICE, head=HEALTHY)


def one(renderer: Any, end: str) -> str:
    """The one file whose path ends so."""
    (text,) = (text for path, text in files(renderer).items() if path.endswith(end))
    return text


@pytest.fixture
def composed() -> Any:
    """The service in the file of Compose."""
    return yaml.safe_load(one(compose, "docker-compose.yml"))["services"]["shop"]


@pytest.fixture
def flown() -> Any:
    """fly.toml."""
    return tomllib.loads(one(fly, "fly.toml"))


@pytest.fixture
def blueprint() -> Any:
    """The service in render.yaml."""
    return yaml.safe_load(one(onrender, "render.yaml"))["services"][0]


@pytest.fixture
def pod() -> Any:
    """The pod of Kubernetes."""
    objects = list(yaml.safe_load_all(one(kubernetes, "base/shop.yaml")))
    return next(each for each in objects if each["kind"] == "Deployment")["spec"]["template"]["spec"]


def test_port(composed: Any, flown: Any, blueprint: Any, pod: Any) -> None:
    """S1-07, S3-07: one port, in each output that names one."""
    measured = yaml.safe_load(one(monitoring, "prometheus.yml"))["scrape_configs"][0]
    assert {"8123"} == {
        *re.findall(r"^EXPOSE (\d+)$", one(dockerfile, "Dockerfile"), re.MULTILINE),
        *(port.rpartition(":")[2] for port in composed["ports"]),
        str(flown["http_service"]["internal_port"]),
        next(each["value"] for each in blueprint["envVars"] if each["key"] == "PORT"),
        *(str(port["containerPort"]) for port in pod["containers"][0]["ports"]),
        measured["static_configs"][0]["targets"][0].rpartition(":")[2],
        *re.findall(r"http://127\.0\.0\.1:(\d+)/", one(systemd, "shop.service")),
    }


def test_health(composed: Any, flown: Any, blueprint: Any, pod: Any) -> None:
    """S1-07, S3-07: one path of health, in each output that asks."""
    asked = r"http://127\.0\.0\.1:8123(/\w+)"
    assert {"/up"} == {
        *re.findall(asked, one(dockerfile, "Dockerfile")),
        *re.findall(asked, " ".join(composed["healthcheck"]["test"])),
        *re.findall(asked, one(systemd, "shop.service")),
        *re.findall(asked, one(launchd, "launchd/com.shop.shop.plist")),
        flown["http_service"]["checks"][0]["path"],
        blueprint["healthCheckPath"],
        pod["containers"][0]["livenessProbe"]["httpGet"]["path"],
    }


def test_data(composed: Any, flown: Any, blueprint: Any, pod: Any) -> None:
    """S1-07, S3-03, S3-07: the data lies in what is kept, and the program is told so."""
    assert {"/kept/main"} == {
        *re.findall(r'^VOLUME \["(.*)"\]$', one(dockerfile, "Dockerfile"), re.MULTILINE),
        *(volume.split(":")[1] for volume in composed["volumes"]),
        flown["mounts"]["destination"],
        blueprint["disk"]["mountPath"],
        next(each["mountPath"] for each in pod["containers"][0]["volumeMounts"] if each["name"] == "data-main"),
    }
    unit = one(systemd, "shop.service")
    assert "\nStateDirectory=shop/main\n" in unit
    assert "\nEnvironment=SHOP_DATA=/var/lib/shop/main/items\n" in unit


def test_variables(composed: Any, flown: Any, blueprint: Any) -> None:
    """S1-07, S1-12: the same variables with the same values in each output for containers."""
    wanted = {"SHOP_DATA": "/kept/main/items", "SHOP_PORT": "8123"}
    literals = yaml.safe_load(one(kubernetes, "base/kustomization.yaml"))["configMapGenerator"][0]["literals"]
    dotenv = one(environment, "shop.prod.env").splitlines()
    plist = plistlib.loads(one(launchd, "launchd/com.shop.shop.plist").encode())
    assert wanted == composed["environment"]
    assert wanted == flown["env"]
    assert wanted | {"PORT": "8123"} == {each["key"]: each["value"] for each in blueprint["envVars"]}
    assert wanted == dict(line.split("=", 1) for line in literals)
    assert wanted | {"ENV_PROFILE": "prod"} == dict(line.split("=", 1) for line in dotenv if not line.startswith("#"))
    assert set(wanted) == set(plist["EnvironmentVariables"])


def test_user(pod: Any) -> None:
    """S1-07, S3-07: one user in containers, one account on machines."""
    (user,) = re.findall(r"^USER (\S+)$", one(dockerfile, "Dockerfile"), re.MULTILINE)
    assert "1234:1234" == user
    assert 1234 == pod["securityContext"]["runAsUser"]
    assert "\nUser=keeper\n" in one(systemd, "shop.service")
    assert "\nu keeper " in one(systemd, "sysusers.d/shop.conf")
    assert "keeper" == plistlib.loads(one(launchd, "launchd/com.shop.shop.plist").encode())["UserName"]
