"""One description, every platform: what is rendered cannot disagree, of a project of the tests and of this one."""

import plistlib
import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import pytest
import yaml

from deploying import HEAD, rendered
from shipways.deploy import compose, dockerfile, environment, fly, kubernetes, launchd, monitoring, onrender, systemd

ROOT: Final = Path(__file__).parent.parent.parent
RENDERERS: Final = (compose, dockerfile, environment, fly, kubernetes, launchd, monitoring, onrender, systemd)
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


@dataclass(frozen=True)
class Given:
    """A rendered service: its files by their paths, and what all of them have to say."""

    files: Mapping[str, str]
    project: str
    name: str
    port: int
    health: str
    data: tuple[str, ...]
    room: str
    uid: int
    account: str

    def one(self, end: str) -> str:
        """The one file whose path ends so."""
        (text,) = (text for path, text in self.files.items() if path.endswith(end))
        return text

    @property
    def composed(self) -> Any:
        """The service in the file of Compose."""
        return yaml.safe_load(self.one("docker-compose.yml"))["services"][self.name]

    @property
    def flown(self) -> Any:
        """fly.toml."""
        return tomllib.loads(self.one("fly.toml"))

    @property
    def blueprint(self) -> Any:
        """The service in render.yaml."""
        return yaml.safe_load(self.one("render.yaml"))["services"][0]

    @property
    def pod(self) -> Any:
        """The pod of Kubernetes."""
        objects = list(yaml.safe_load_all(self.one(f"base/{self.name}.yaml")))
        return next(each for each in objects if each["kind"] == "Deployment")["spec"]["template"]["spec"]

    @property
    def plist(self) -> str:
        """The daemon of launchd."""
        return self.one(f"launchd/com.{self.project}.{self.name}.plist")


def shop() -> Given:
    """The project of the tests."""
    files = {path: text for each in RENDERERS for path, text in rendered(each, SERVICE, head=HEALTHY).items()}
    return Given(files, "shop", "shop", 8123, "/up", ("/kept/main",), "/kept/main", 1234, "keeper")


def ours() -> Given:
    """The deployer service of this project, as it is committed."""
    paths = [path for top in ("deployment", "packaging") for path in (ROOT / top).rglob("*") if path.is_file()]
    room = "/var/lib/deployer"
    data = (f"{room}/state", f"{room}/keys", f"{room}/sources")
    files = {path.relative_to(ROOT).as_posix(): path.read_text() for path in paths}
    return Given(files, "shipways", "deployer", 8007, "/livez", data, room, 65532, "deployer")


@pytest.fixture(params=[shop, ours], ids=["shop", "ours"])
def given(request: pytest.FixtureRequest) -> Given:
    """One after the other."""
    made: Given = request.param()
    return made


def test_port(given: Given) -> None:
    """S1-07, S3-07: one port, in each output that names one."""
    measured = yaml.safe_load(given.one("prometheus.yml"))["scrape_configs"][0]
    assert {str(given.port)} == {
        *re.findall(r"^EXPOSE (\d+)$", given.one("/Dockerfile"), re.MULTILINE),
        *(port.rpartition(":")[2] for port in given.composed["ports"]),
        str(given.flown["http_service"]["internal_port"]),
        next(each["value"] for each in given.blueprint["envVars"] if each["key"] == "PORT"),
        *(str(port["containerPort"]) for port in given.pod["containers"][0]["ports"]),
        measured["static_configs"][0]["targets"][0].rpartition(":")[2],
        *re.findall(r"http://127\.0\.0\.1:(\d+)/", given.one(f"systemd/{given.name}.service")),
    }


def test_health(given: Given) -> None:
    """S1-07, S3-07: one path of health, in each output that asks."""
    asked = rf"http://127\.0\.0\.1:{given.port}(/\w+)"
    assert {given.health} == {
        *re.findall(asked, given.one("/Dockerfile")),
        *re.findall(asked, " ".join(given.composed["healthcheck"]["test"])),
        *re.findall(asked, given.one(f"systemd/{given.name}.service")),
        *re.findall(asked, given.plist),
        given.flown["http_service"]["checks"][0]["path"],
        given.blueprint["healthCheckPath"],
        given.pod["containers"][0]["livenessProbe"]["httpGet"]["path"],
    }


def test_data(given: Given) -> None:
    """S1-07, S3-03, S3-07: the data lies in what is kept, in containers and on machines."""
    (volumes,) = re.findall(r'^VOLUME \["(.*)"\]$', given.one("/Dockerfile"), re.MULTILINE)
    mounts = given.pod["containers"][0]["volumeMounts"]
    assert [list(given.data)] * 3 == [
        volumes.split('", "'),
        [volume.split(":")[1] for volume in given.composed["volumes"] if isinstance(volume, str)],
        [each["mountPath"] for each in mounts if each["name"].startswith("data-")],
    ]
    assert {given.room} == {given.flown["mounts"]["destination"], given.blueprint["disk"]["mountPath"]}
    state = " ".join(f"{given.name}/{path.rpartition('/')[2]}" for path in given.data)
    assert f"\nStateDirectory={state}\n" in given.one(f"systemd/{given.name}.service")


def test_variables() -> None:
    """S1-07, S1-12: the same variables with the same values in each output for containers; on a machine its paths."""
    given = shop()
    wanted = {"SHOP_DATA": "/kept/main/items", "SHOP_PORT": "8123"}
    literals = yaml.safe_load(given.one("base/kustomization.yaml"))["configMapGenerator"][0]["literals"]
    dotenv = given.one("shop.prod.env").splitlines()
    assert wanted == given.composed["environment"]
    assert wanted == given.flown["env"]
    assert wanted | {"PORT": "8123"} == {each["key"]: each["value"] for each in given.blueprint["envVars"]}
    assert wanted == dict(line.split("=", 1) for line in literals)
    assert wanted | {"ENV_PROFILE": "prod"} == dict(line.split("=", 1) for line in dotenv if not line.startswith("#"))
    assert set(wanted) == set(plistlib.loads(given.plist.encode())["EnvironmentVariables"])
    assert "\nEnvironment=SHOP_DATA=/var/lib/shop/main/items\n" in given.one("systemd/shop.service")


def test_user(given: Given) -> None:
    """S1-07, S3-07: one user in containers, one account on machines."""
    (user,) = re.findall(r"^USER (\S+)$", given.one("/Dockerfile"), re.MULTILINE)
    assert f"{given.uid}:{given.uid}" == user
    assert given.uid == given.pod["securityContext"]["runAsUser"]
    assert f"\nUser={given.account}\n" in given.one(f"systemd/{given.name}.service")
    assert f"\nu {given.account} " in given.one(f"sysusers.d/{given.name}.conf")
    assert given.account == plistlib.loads(given.plist.encode())["UserName"]
